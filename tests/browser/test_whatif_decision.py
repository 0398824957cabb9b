"""What-if: the decision in a real browser: thresholds, a goal, costs, a saved point that Predict uses, and the link."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.clicks import at_rest, choose, press
from tests.browser.conftest import Server, Watched
from tests.store.factory import write_search

pytestmark = pytest.mark.long  # its pages are covered by tests/pages

SEARCH = "s-20261124-101500-000001"


def shown(page: Page) -> list[str]:
    """The figures and sentences of the page."""
    expect(page.locator(".st-key-decisions_test .main-svg").first).to_be_visible()
    at_rest(page)
    expect(page.get_by_test_id("stMetricValue")).to_have_count(6)
    figures = page.get_by_test_id("stMetricValue").all_inner_texts()
    return figures + page.get_by_text(re.compile(r"^Of 1,000 cells")).all_inner_texts()


def parameter(page: Page, name: str) -> str | None:
    return parse_qs(urlsplit(page.url).query).get(name, [None])[0]


def test_move_aim_save_and_hand_on_by_link(server: Server, watched: Watched, browser: Browser):
    write_search(server.home, search_id=SEARCH, trials=1, epochs=1, n_val=100, n_test=100, n_calibration=0, seed=1)
    watched.open(f"{server.url}/whatif_decision?search={SEARCH}")
    page = watched.page
    slider = page.get_by_role("slider", name="myeloblast")
    expect(slider).to_have_value("0.2")
    before = shown(page)
    slider.focus()
    page.keyboard.press("PageDown")  # many steps at once
    expect(page).to_have_url(re.compile(r"[?&]t=0\.2_0\.2_0\.2_0\.[01]\d*_0\.2"))
    expect(slider).to_be_focused()  # it keeps its place, so the next key moves it on
    first = str(parameter(page, "t"))
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("first => !location.search.includes(first)", arg=f"t={first}")

    choose(page, re.compile("^Class in focus"), "myeloblast")
    expect(page).to_have_url(re.compile("class=myeloblast"))
    at_rest(page)
    moved = parameter(page, "t")
    page.get_by_role("button", name="Set the threshold of myeloblast").click()
    expect(page.get_by_role("heading", name="myeloblast against its threshold")).to_be_visible()
    page.wait_for_function("moved => !location.search.includes(moved)", arg=f"t={moved}&")
    at_rest(page)
    rare = page.get_by_role("button", name="is a myeloblast")
    press(page.get_by_role("radio", name="As I set it"), rare)
    press(rare, page.get_by_text(re.compile("^Of 1,000 cells, 5 are myeloblast")).first)
    expect(page).to_have_url(re.compile(r"cells=[\d.]+_[\d.]+_[\d.]+_1_"))
    assert shown(page) != before

    page.get_by_label("Name", exact=True).fill("Careful")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_role("button", name="Save operating point").click()
    link = page.get_by_role("link", name="Predict with it")
    expect(link).to_be_visible()
    view = shown(page)

    other = browser.new_context(viewport={"width": 900, "height": 900})
    again = other.new_page()
    again.goto(page.url)
    expect(again.get_by_text(re.compile("^Of 1,000 cells, 5 are myeloblast")).first).to_be_visible()
    assert shown(again) == view
    other.close()

    press(page.get_by_text("One cost matrix"), page.get_by_text("Cost", exact=True).first)
    expect(page).to_have_url(re.compile("rule=costs"))
    table = page.locator("[class*='st-key-cost_editor']").first
    table.locator("canvas").first.wait_for()
    table.scroll_into_view_if_needed()
    at_rest(page)
    box = table.bounding_box()
    assert box is not None
    page.mouse.dblclick(box["x"] + box["width"] - 40, box["y"] + 35 + 4 * 35 - 17)  # referral of the fourth class
    editor = page.locator("#portal input")
    editor.fill("0.01")
    expect(editor).to_have_value("0.01")
    editor.press("Enter")
    expect(page).to_have_url(re.compile(r"[?&]c=[\d._]+_0\.01_"))

    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Predict")
    expect(page.get_by_role("combobox", name=re.compile("^Decide by"))).to_have_value("Careful")
