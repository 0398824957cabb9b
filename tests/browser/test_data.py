"""The page Data in a real browser: a folder is imported, looked at, and the link shows the same to another person."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.data.sample import make_sample
from tests.browser.clicks import choose
from tests.browser.conftest import Server, Watched

pytestmark = pytest.mark.long  # its pages are covered by tests/pages

NOTHING_USABLE = re.compile("The class folder 'basophil' in .* has no usable image")


def fill_import(page: Page, folder: Path) -> Locator:
    page.get_by_role("button", name="Import data").click()
    drawer = page.get_by_role("dialog")
    box = drawer.get_by_role("textbox", name="Path")
    box.fill(str(folder))
    box.press("Enter")
    return drawer


def start_import(page: Page, folder: Path) -> None:
    drawer = fill_import(page, folder)
    drawer.get_by_role("button", name="Import", exact=True).click()
    expect(drawer).to_be_hidden()


def test_import_look_and_hand_on_by_link(server: Server, watched: Watched, browser: Browser, tmp_path: Path):
    cells = make_sample(tmp_path / "cells", per_class=12, size=48, seed=3)
    first = min((cells / "monocyte").glob("*.png"))
    (cells / "monocyte" / "cut.png").write_bytes(first.read_bytes()[:-200])
    shutil.copy(min((cells / "basophil").glob("*.png")), cells / "myeloblast" / "again.png")
    only = tmp_path / "only"
    shutil.copytree(cells / "basophil", only / "basophil")
    broken = tmp_path / "broken"
    for name in ("basophil", "monocyte"):
        (broken / name).mkdir(parents=True)
        (broken / name / "text.png").write_text("no picture")

    watched.open(f"{server.url}/data")
    page = watched.page
    expect(page.get_by_text("There are no data of yours here yet.")).to_be_visible()

    drawer = fill_import(page, only)  # folders that do not fit are told in the form
    expect(drawer.get_by_text("only one class folder")).to_be_visible()
    expect(drawer.get_by_role("button", name="Import", exact=True)).to_be_disabled()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()

    start_import(page, broken)  # what cannot be used gets one sentence, and can be put away
    expect(page.get_by_text(NOTHING_USABLE)).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_text(NOTHING_USABLE)).to_be_hidden()

    start_import(page, cells)
    expect(page).to_have_url(re.compile(r"dataset=d-[0-9a-f]{16}"))
    expect(page.get_by_role("tab", name="Overview")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("All 59 images are 48 x 48 px.")).to_be_visible()
    expect(page.locator(".st-key-split_bars .main-svg").first).to_be_visible()

    page.get_by_role("tab", name="Left out").click()
    expect(page.get_by_text("3 files that are not used")).to_be_visible()
    page.get_by_role("tab", name="Label conflicts").click()
    expect(page.get_by_text("basophil or myeloblast?")).to_be_visible()

    page.get_by_role("tab", name="Images").click()
    expect(page.get_by_text("Images 1 to 24 of 59; the classes take turns.")).to_be_visible()
    choose(page, re.compile("Class"), "monocyte")
    expect(page.get_by_text("Images 1 to 12 of 12.")).to_be_visible()
    expect(page).to_have_url(re.compile("class=monocyte"))
    expect(page.get_by_role("img", name=re.compile("^monocyte.synthetic_")).first).to_be_visible()

    other = browser.new_context(viewport={"width": 900, "height": 900})
    again = other.new_page()
    again.goto(page.url)
    expect(again.get_by_text("Images 1 to 12 of 12.")).to_be_visible()
    expect(again.get_by_role("tab", name="Images")).to_have_attribute("aria-selected", "true")
    again.get_by_role("button", name=re.compile("^synthetic_")).first.click()
    dialog = again.get_by_role("dialog")
    expect(dialog.get_by_text("48 x 48 px")).to_be_visible()
    expect(again).to_have_url(re.compile("image=[0-9]+"))
    again.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    again.get_by_role("button", name="All datasets").click()
    expect(again).to_have_url(re.compile("/data$"))
    expect(again.get_by_text("2 of 2 datasets")).to_be_visible()
    again.locator(".st-key-card_published-he-zhou-2025").get_by_role("link", name="Open").click()
    expect(again.get_by_text("There is no list of its images")).to_be_visible()
    again.get_by_role("tab", name="Images").click()
    again.get_by_role("combobox", name=re.compile("^Dataset")).click()
    again.get_by_role("option", name=re.compile("^cells")).click()  # the same tab, without the class of before
    expect(again.get_by_text("Images 1 to 24 of 59; the classes take turns.")).to_be_visible()
    other.close()
