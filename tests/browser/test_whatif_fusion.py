"""What-if: fusion in a real browser: members, weights, the best ensemble, saved and used, and the link."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.clicks import at_rest
from tests.browser.conftest import Server, Watched
from tests.store.factory import write_search

pytestmark = pytest.mark.long  # its pages are covered by tests/pages

SEARCH = "s-20261124-101500-000001"


def shown(page: Page) -> list[str]:
    """The figures and the sentences of the paired test."""
    expect(page.locator(".st-key-fusion_rates .main-svg").first).to_be_visible()
    at_rest(page)
    expect(page.get_by_test_id("stMetricValue")).to_have_count(8)
    figures = page.get_by_test_id("stMetricValue").all_inner_texts()
    return figures + page.get_by_text(re.compile("^(Validation|Test) .*The fusion")).all_inner_texts()


def test_choose_weigh_save_and_hand_on_by_link(server: Server, watched: Watched, browser: Browser):
    write_search(
        server.home, search_id=SEARCH, trials=4, epochs=1, n_val=100, n_test=100, n_calibration=0, seed=1, final=False
    )
    watched.open(f"{server.url}/whatif_fusion?search={SEARCH}")
    page = watched.page
    expect(page.get_by_text("All 14 sets of up to 3 of 4 trials were compared")).to_be_visible()
    slider = page.get_by_role("slider", name=re.compile("^Weight of")).first
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile("[?&]w=2_1_1"))
    expect(slider).to_be_focused()
    page.get_by_role("radio", name="Vote of the called classes").click()
    expect(page).to_have_url(re.compile("rule=vote"))
    expect(page.get_by_text("votes have none").first).to_be_visible()
    view = shown(page)

    other = browser.new_context(viewport={"width": 900, "height": 900})
    again = other.new_page()
    again.goto(page.url)
    expect(again.get_by_text("votes have none").first).to_be_visible()
    assert shown(again) == view
    other.close()

    page.get_by_role("button", name="Choose it").click()
    expect(page.get_by_role("button", name="This is chosen")).to_be_disabled()
    page.get_by_label("Name", exact=True).fill("Small")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_role("button", name="Save fusion").click()
    expect(page.get_by_role("link", name="Predict with it")).to_be_visible()
    page.get_by_role("link", name="Decide with it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What-if: the decision")
    model = page.get_by_role("combobox", name=re.compile("^Model"))
    expect(model).to_have_value(re.compile(r"fusion: Small \(vote of"))
    expect(page).to_have_url(re.compile("fusion=f-"))
