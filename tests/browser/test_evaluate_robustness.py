"""The tab Robustness in a real browser: curves of a class, the map, examples of a shift; a link shows the same."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.clicks import choose
from tests.browser.conftest import Server, Watched
from tests.store.factory import write_search
from tests.store.factory_data import write_robustness

pytestmark = pytest.mark.long  # its pages are covered by tests/pages


def test_what_breaks_a_class_and_what_it_looks_like(server: Server, watched: Watched, browser: Browser):
    search_id = write_search(
        server.home, seed=5, trials=1, n_train=10, n_val=10, n_test=50, final=False, pictures=server.home / "cells"
    )
    trial = f"{search_id}.00-initial"
    write_robustness(server.home, trial)
    watched.open(f"{server.url}/evaluate?search={search_id}&trial={trial}")
    page = watched.page
    page.get_by_role("tab", name="Robustness").click()
    expect(page).to_have_url(re.compile("view=Robustness"))
    expect(page.get_by_text("basophil breaks first under stain at severity 1")).to_be_visible()
    expect(page.locator(".st-key-shift_curves .main-svg").first).to_be_visible()
    expect(page.locator(".st-key-break_map .heatmaplayer image").first).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Stain, severity 3"))).to_be_visible()

    choose(page, re.compile("^Shift"), "JPEG quality")
    expect(page.get_by_role("img", name="JPEG quality, severity 5: 7 of 100 (JPEG quality)")).to_be_visible()
    choose(page, re.compile("^Curves of"), "sensitivity of basophil")
    expect(page).to_have_url(re.compile("robust_of=.*basophil"))
    expect(page).to_have_url(re.compile("robust_shift="))

    other = browser.new_context(viewport={"width": 900, "height": 900})
    again = other.new_page()
    again.goto(page.url)
    expect(again.get_by_role("img", name="JPEG quality, severity 5: 7 of 100 (JPEG quality)")).to_be_visible()
    expect(again.get_by_role("combobox", name=re.compile("^Curves of"))).to_have_value("sensitivity of basophil")
    other.close()
