"""Pages in a real browser: deep links on a fresh server, live update without a reload, choices that keep."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from store.journal import JournalWriter, journal_folder
from tests.browser.clicks import choose
from tests.browser.conftest import Server, Watched
from tests.store.factory import write_search

RUNNING = "s-20261124-101500-0000aa"


def grow(home: Path, trial: str, epochs: range, classes: int = 5, support: int = 12) -> None:
    """Append whole epochs to a running trial, as its worker would."""
    journal = JournalWriter(journal_folder(home, RUNNING), trial, 2)
    for epoch in epochs:
        right = support - 1
        split = {
            "loss": 1 / epoch,
            "accuracy": right / support,
            "support": [support] * classes,
            "tp": [right] * classes,
            "fp": [1] * classes,
            "tn": [support * (classes - 1) - 1] * classes,
            "fn": [1] * classes,
            "class_loss": [1 / epoch] * classes,
            "class_auc": [0.99] * classes,
        }
        journal.append(
            "epoch", trial_id=f"{RUNNING}.{trial}", search_id=RUNNING, epoch=epoch, reused=False, seconds=20.0,
            images_per_second=10.0, splits={"train": split, "val": split},
        )  # fmt: skip
    journal.close()


DEEP_LINKS = (
    ("/search", "Search", "Why it ended: DE_COUNT reached 2."),
    ("/", "Searches", "This is the published search"),
    ("/evaluate", "Evaluate", "AUC as reported by the study"),
    ("/predict", "Predict", "The published model's weights are not public."),
)


def test_a_fresh_server_answers_deep_links_with_frame_and_page(server: Server, watched: Watched):
    for path, heading, shown in DEEP_LINKS:
        watched.open(f"{server.url}{path}")
        page = watched.page
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        expect(page.get_by_text(shown)).to_be_visible()
        for name in ("Searches", "Search", "Evaluate"):
            expect(page.get_by_role("banner").get_by_role("link", name=name, exact=True)).to_be_visible()
        expect(page.get_by_role("banner").get_by_role("button", name="Reading", exact=True)).to_be_visible()


def test_epochs_arrive_without_a_reload_and_choices_keep(server: Server, watched: Watched):
    write_search(server.home, search_id=RUNNING, trials=3, epochs=10, status="RUNNING")
    watched.open(f"{server.url}/search?search={RUNNING}")
    page = watched.page
    expect(page.get_by_text("trial 3, epoch 7 of 12")).to_be_visible()
    expect(page.locator(".st-key-curve_loss svg").first).to_be_visible()
    page.evaluate("window.stillTheSame = true")

    # A person picks a trial, scrolls, and folds the settings open.
    choose(page, re.compile("^Trial"), "cycle 0, start")
    expect(page).to_have_url(re.compile(r"trial=s-20261124-101500-0000aa\.00-initial"))
    page.get_by_text("Reproduce", exact=True).click()
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 700)")
    before = page.get_by_test_id("stMain").evaluate("main => main.scrollTop")

    grow(server.home, "01-epochs", range(7, 9))
    expect(page.get_by_text("trial 3, epoch 9 of 12")).to_be_visible()
    assert page.evaluate("window.stillTheSame") is True
    assert page.get_by_test_id("stMain").evaluate("main => main.scrollTop") == before
    expect(page.get_by_text("Learning rate 1e-2, batch size 10, 10 epochs")).to_be_visible()
    expect(page.get_by_text("--data made-up")).to_be_visible()
    assert "trial=" in page.url


def test_a_new_search_appears_in_the_list(server: Server, watched: Watched):
    watched.open(server.url)
    page = watched.page
    expect(page.get_by_text("This is the published search")).to_be_visible()
    write_search(server.home, seed=3, trials=2)
    expect(page.get_by_text("Made-up search 3")).to_be_visible()
    expect(page.get_by_text("This is the published search")).to_have_count(0)


def test_a_dialog_survives_the_live_updates_and_deletes(server: Server, watched: Watched):
    write_search(server.home, seed=3, trials=2, status="STOPPED")
    watched.open(server.url)
    page = watched.page
    page.get_by_role("button", name="Actions").first.click()
    page.get_by_text("Delete", exact=True).click()
    expect(page.get_by_text("removed for good")).to_be_visible()
    page.wait_for_timeout(5_000)  # two beats of the list
    expect(page.get_by_text("removed for good")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Made-up search 3")).to_have_count(0)


def test_a_wrong_link_is_answered_with_a_sentence(server: Server, watched: Watched):
    watched.open(f"{server.url}/search?search=s-gone")
    expect(watched.page.get_by_text("There is no search s-gone here")).to_be_visible()


def test_a_click_on_a_row_or_node_picks_that_trial_for_good(server: Server, watched: Watched):
    write_search(server.home, search_id=RUNNING, trials=4, epochs=10, status="RUNNING")
    watched.open(f"{server.url}/search?search={RUNNING}")
    page = watched.page
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    trial = page.get_by_role("combobox", name=re.compile("^Trial"))
    for row, name in ((1, "cycle 1, batch 20"), (0, "cycle 0, start"), (2, "cycle 1, 12 epochs")):
        box = table.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 16, box["y"] + 50 + 33 * row)
        expect(trial).to_have_value(name)
        page.wait_for_timeout(2_500)  # a beat that left before the answer must not undo the choice
        expect(trial).to_have_value(name)

    page.get_by_role("heading", name="Trajectory").scroll_into_view_if_needed()
    nodes = page.locator(".st-key-trajectory .scatterlayer .points path")
    start = nodes.nth(nodes.count() - 2).bounding_box()
    assert start is not None
    page.mouse.click(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    expect(trial).not_to_have_value("cycle 1, 12 epochs")
    assert "trial=" in page.url
