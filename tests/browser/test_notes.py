"""Notes in a real browser: written, found in the list by a link, and never lost to another person or a live beat."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.clicks import at_rest, choose
from tests.browser.conftest import Server, Watched
from tests.store.factory import write_search

pytestmark = pytest.mark.long  # its pages are covered by tests/pages

RUNNING = "s-20261124-101500-0000aa"


def test_two_people_write_on_a_running_search(server: Server, watched: Watched, browser: Browser):
    write_search(server.home, search_id=RUNNING, trials=2, epochs=4, status="RUNNING")
    watched.open(f"{server.url}/search?search={RUNNING}")
    page = watched.page
    page.get_by_role("button", name="Add a note to this search").click()
    box = page.get_by_role("textbox", name="Note")
    box.fill("Loss *oscillates*.")
    tags = page.get_by_role("combobox", name="Tags")
    tags.fill("odd")
    tags.press("Enter")
    tags.press("Escape")
    page.wait_for_timeout(4_500)  # two beats: what was typed stays
    expect(box).to_have_value("Loss *oscillates*.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("p", has_text="Loss oscillates.")).to_be_visible()
    expect(page.locator("em", has_text="oscillates")).to_be_visible()
    expect(page.locator(".stMarkdownBadge", has_text="odd")).to_be_visible()

    context = browser.new_context(viewport={"width": 900, "height": 900})
    other = context.new_page()
    other.goto(f"{server.url}/search?search={RUNNING}")
    for each in (page, other):
        each.get_by_role("button", name="Edit the note on this search").click()
    other.get_by_role("textbox", name="Note").fill("Both are fine.")
    other.get_by_role("button", name="Save", exact=True).click()
    expect(other.get_by_role("textbox", name="Note")).to_have_count(0)
    expect(other.locator("p", has_text="Both are fine.")).to_be_visible()
    context.close()
    box.fill("Only mine.")
    expect(page.get_by_text("Somebody changed this note")).to_be_visible()
    expect(page.locator("p", has_text="Both are fine.")).to_be_visible()
    expect(box).to_have_value("Only mine.")
    page.get_by_role("button", name="Save mine over it").click()
    expect(box).to_have_count(0)
    expect(page.locator("p", has_text="Only mine.")).to_be_visible()
    expect(page.locator("p", has_text="Both are fine.")).to_have_count(0)

    # On the trial that runs: the page stays with it.
    page.get_by_role("button", name="Add a note to this trial").click()
    page.get_by_role("textbox", name="Note").fill("A batch of twenty")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(box).to_have_count(0)
    expect(page.locator("p", has_text="A batch of twenty")).to_be_visible()
    assert "trial=" in page.url


def cards(page: Page) -> list[str]:
    at_rest(page)
    return page.locator("[class*=st-key-card_] strong").all_text_contents()


def test_the_list_is_filtered_sorted_grouped_and_linked(server: Server, watched: Watched, browser: Browser):
    for seed in range(9):
        status = "STOPPED" if seed % 3 == 1 else "COMPLETE"
        write_search(server.home, seed=seed, trials=1, epochs=1, final=False, status=status, n_train=20, n_val=20)
    watched.open(server.url)
    page = watched.page
    expect(page.get_by_text("10 of 10 searches")).to_be_visible()
    page.get_by_role("button", name="Page 2").click()
    expect(page).to_have_url(re.compile("page=2"))
    page.get_by_text("Stopped", exact=True).click()  # another wish begins at its first page
    expect(page.get_by_text("3 of 10 searches")).to_be_visible()
    assert "page=2" not in page.url
    for label, option in (("Sort by", "Name"), ("Group by", "Dataset")):
        choose(page, label, option)
    expect(page.get_by_role("heading", level=3).first).to_have_text(re.compile("made-up"))
    assert cards(page) == ["Made-up search 1", "Made-up search 4", "Made-up search 7"]
    context = browser.new_context(viewport={"width": 900, "height": 900})
    other = context.new_page()
    other.goto(page.url)
    expect(other.get_by_text("3 of 10 searches")).to_be_visible()
    assert cards(other) == cards(page)
    assert (
        other.get_by_role("heading", level=3).all_text_contents()
        == page.get_by_role("heading", level=3).all_text_contents()
    )
    context.close()


def test_the_command_is_copied_and_the_panel_opens_by_link(server: Server, watched: Watched):
    write_search(server.home, search_id=RUNNING, trials=1, epochs=1, final=False)
    watched.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    watched.open(f"{server.url}/search?search={RUNNING}")
    page = watched.page
    page.get_by_text("Reproduce", exact=True).click()
    expect(page.get_by_text("--data made-up").first).to_be_visible()
    expect(page).to_have_url(re.compile("reproduce=true"))
    page.get_by_role("button", name="Copy the command").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "python -m core search --data made-up --seed 0"
    page.reload()
    expect(page.get_by_text("may give other numbers")).to_be_visible()
