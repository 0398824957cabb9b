"""The page Evaluate in a real browser: a cell is clicked, its images are seen, one is opened; a link shows the same."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.browser.conftest import Server, Watched
from tests.store.factory import write_search

pytestmark = pytest.mark.long  # its pages are covered by tests/pages


def click_cell(page: Page, row: int, column: int) -> None:
    """Click the middle of a cell of the matrix of five classes."""
    square = page.locator(".st-key-confusion .scatterlayer .points path").nth(5 * row + column)
    for attempt in range(20):  # a chart that is drawn again has other elements: the old one is gone then
        try:
            square.scroll_into_view_if_needed()
            box = square.bounding_box()
        except Error:
            if attempt == 19:
                raise
            continue
        if box is not None:
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            return
    raise AssertionError(f"The cell {row}, {column} never stood still.")


def test_from_a_cell_to_its_images_and_by_link_to_the_same(server: Server, watched: Watched, browser: Browser):
    search_id = write_search(
        server.home, seed=5, trials=1, n_train=10, n_test=10, final=False, pictures=server.home / "cells"
    )
    trial = f"{search_id}.00-initial"
    watched.open(f"{server.url}/evaluate?search={search_id}&trial={trial}&split=Validation")
    page = watched.page
    expect(page.get_by_text("the search chose by these").first).to_be_visible()
    page.get_by_role("slider").press("ArrowLeft")
    expect(page).to_have_url(re.compile("epoch=4"))
    page.get_by_role("tab", name="Confusion and images").click()
    expect(page.locator(".st-key-confusion .heatmaplayer image").first).to_be_visible()

    click_cell(page, 1, 1)
    expect(page.get_by_text("of class erythroblast called erythroblast")).to_be_visible()
    expect(page).to_have_url(re.compile("true=erythroblast"))
    click_cell(page, 3, 3)
    expect(page.get_by_text("of class myeloblast called myeloblast")).to_be_visible()
    picture = page.get_by_role("img", name=re.compile("myeloblast, called myeloblast"))
    expect(picture.first).to_be_visible()
    page.get_by_role("button", name=re.compile(r"^\d{5}\.png$")).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("myeloblast, called myeloblast (right)")).to_be_visible()
    expect(dialog.get_by_text(str(server.home / "cells" / "myeloblast"))).to_be_visible()
    expect(page).to_have_url(re.compile("image="))
    link = page.url

    other = browser.new_context(viewport={"width": 1440, "height": 900})
    again = other.new_page()
    again.goto(link)
    expect(again.get_by_role("dialog").get_by_text("myeloblast, called myeloblast (right)")).to_be_visible()
    again.keyboard.press("Escape")
    expect(again.get_by_role("dialog")).to_have_count(0)
    expect(again.get_by_text("of class myeloblast called myeloblast")).to_be_visible()
    expect(again.get_by_text("After epoch 4 of 5.")).to_be_visible()
    expect(again).not_to_have_url(re.compile("image="))
    expect(again).to_have_url(re.compile("true=myeloblast.*called=myeloblast|called=myeloblast.*true=myeloblast"))
    other.close()
