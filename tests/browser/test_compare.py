"""The page Compare in a real browser: trials are chosen, the views walked, and the link shows the same to another."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.clicks import at_rest
from tests.browser.conftest import Server, Watched
from tests.store.factory import write_search

pytestmark = pytest.mark.long  # its pages are covered by tests/pages

SEARCH = "s-20261124-101500-000001"


def drawn(page: Page, key: str) -> None:
    expect(page.locator(f".st-key-{key} .main-svg").first).to_be_visible()


def test_choose_walk_and_hand_on_by_link(server: Server, watched: Watched, browser: Browser):
    write_search(server.home, search_id=SEARCH, trials=4, epochs=4, seed=1)
    watched.open(f"{server.url}/compare")
    page = watched.page
    page.get_by_role("button", name="All trials of Made-up search 1").click()
    expect(page).to_have_url(re.compile(rf"trials={SEARCH}&baseline={SEARCH}\.01-learning_rate"))
    expect(page.get_by_text("Best on validation: final, seed 2")).to_be_visible()
    drawn(page, "intervals")

    # The box keeps its place while a person picks in it, and the address follows.
    box = page.get_by_role("combobox", name=re.compile("^Trials to compare"))
    box.click()
    box.fill("zhou final")
    page.get_by_role("option", name="He & Zhou 2025 · final").click()
    expect(page).to_have_url(re.compile(r"published-he-zhou-2025\.final-0"))
    expect(box).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_text("Published trials: as far as the study prints numbers.")).to_be_visible()

    page.get_by_role("tab", name="Curves").click()
    drawn(page, "curves")
    page.get_by_text("Log axis").click()
    page.get_by_role("radio", name="Both").click()
    expect(page).to_have_url(re.compile("view=Curves.*log=true|log=true.*view=Curves"))
    expect(page.locator(".st-key-curves").get_by_text("trial 4 of Made-up search 1, training")).to_be_visible()
    for view, key in (("Classes", "class_bars"), ("Two trials", "matrix_difference")):
        page.get_by_role("tab", name=view).click()
        drawn(page, key)
    page.get_by_role("tab", name="Paired test").click()
    expect(page.get_by_text(re.compile("after Holm over 10 pairs")).first).to_be_visible()
    page.get_by_role("radio", name="Against the baseline").click()
    expect(page.get_by_text(re.compile("after Holm over 4 pairs")).first).to_be_visible()
    page.get_by_role("radio", name="Test").click()
    expect(page.get_by_text("reported, never used to choose")).to_be_visible()
    expect(page).to_have_url(re.compile("images=Test"))
    at_rest(page)  # until then the sentences below may still be those of the validation images
    sentence = page.get_by_text(re.compile("is right on .* after Holm over 4 pairs")).first.inner_text()

    page.get_by_role("tab", name="Curves").click()  # as it was left
    expect(page.get_by_role("switch", name="Log axis")).to_be_checked()
    expect(page).to_have_url(re.compile("log=true"))

    other = browser.new_context(viewport={"width": 900, "height": 900})
    again = other.new_page()
    again.goto(page.url)
    expect(again.get_by_role("tab", name="Curves")).to_have_attribute("aria-selected", "true")
    expect(again.get_by_role("switch", name="Log axis")).to_be_checked()
    expect(again.locator(".st-key-curves").get_by_text("trial 4 of Made-up search 1, training")).to_be_visible()
    expect(again.get_by_role("radio", name="Test")).to_be_checked()
    expect(again.get_by_role("combobox", name=re.compile("^Baseline"))).to_have_value("trial 4 of Made-up search 1")
    again.get_by_role("tab", name="Paired test").click()
    again.get_by_role("radio", name="Against the baseline").click()
    expect(again.get_by_text(sentence)).to_be_visible()
    other.close()
