"""The page What-if: the search in a real browser: rules are changed, the link shows the same, training asks first."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.clicks import choose
from tests.browser.conftest import Server, Watched
from tests.pages.whatif import write_what_if
from tests.store.factory import write_search

pytestmark = pytest.mark.long  # its pages are covered by tests/pages

PARTED = "There the recorded search stops; under these rules it goes on with cycle 5."


def test_other_rules_by_link_and_the_points_that_they_need(server: Server, watched: Watched, browser: Browser):
    search_id = write_search(server.home, seed=5, epochs=5, n_val=225)
    watched.open(f"{server.url}/whatif_search?search={search_id}")
    page = watched.page
    expect(page.get_by_text("Both go the same way to the end, and choose the same point.")).to_be_visible()
    expect(page.get_by_text("On 1,000 redrawn validation sets of 225 images")).to_be_visible()

    choose(page, "Patience (cycles)", "3")
    expect(page.get_by_text(PARTED)).to_be_visible()
    expect(page).to_have_url(re.compile("patience=3"))
    page.get_by_role("radio", name="Best epoch").click()
    expect(page).to_have_url(re.compile("judged_by=Best"))
    expect(page.get_by_text("its weights are kept, those of the best are not")).to_be_visible()
    page.get_by_role("radio", name="Last epoch").click()
    expect(page.get_by_text(PARTED)).to_be_visible()
    expect(page.locator(".st-key-whatif_paths .scatterlayer").first).to_be_visible()
    link = page.url

    page.get_by_role("button", name=re.compile("Train these 3 points")).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("its path, its best trial and its model stay what they are")).to_be_visible()
    dialog.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    for at, (batch, epochs, rate) in enumerate(((40, 5, 1e-4), (30, 6, 1e-4), (30, 5, 1e-5))):
        point = {"batch_size": batch, "epochs": epochs, "learning_rate": rate}
        write_what_if(server.home, search_id, point, position=20 + at)
    other = browser.new_context(viewport={"width": 1440, "height": 900})
    again = other.new_page()
    again.goto(link)
    expect(again.get_by_text(PARTED)).to_be_visible()
    expect(again.get_by_text("It ends after cycle 5: DE_COUNT reached 3")).to_be_visible()
    other.close()
