"""The tab Robustness in a real browser: curves of a class, the map, examples of a shift; a link shows the same."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Server, Watched
from tests.store.factory import write_search
from tests.store.factory_data import write_robustness

SLOW = 20_000  # ms


def choose(page: Page, label: str, option: str) -> None:
    """Type into a box and take what it offers, once the page is at rest: an open menu closes when it is redrawn."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=SLOW)
    box = page.get_by_role("combobox", name=re.compile(f"^{label}"))
    box.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option).click()


def test_what_breaks_a_class_and_what_it_looks_like(server: Server, watched: Watched, browser: Browser):
    search_id = write_search(
        server.home, seed=5, trials=1, n_train=10, n_val=10, n_test=50, final=False, pictures=server.home / "cells"
    )
    trial = f"{search_id}.00-initial"
    write_robustness(server.home, trial)
    watched.open(f"{server.url}/evaluate?search={search_id}&trial={trial}")
    page = watched.page
    page.get_by_role("tab", name="Robustness").click()
    expect(page).to_have_url(re.compile("view=Robustness"), timeout=SLOW)
    expect(page.get_by_text("basophil breaks first under stain at severity 1")).to_be_visible(timeout=SLOW)
    expect(page.locator(".st-key-shift_curves .main-svg").first).to_be_visible(timeout=SLOW)
    expect(page.locator(".st-key-break_map .heatmaplayer image").first).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("img", name=re.compile("^Stain, severity 3"))).to_be_visible(timeout=SLOW)

    choose(page, "Shift", "JPEG quality")
    expect(page.get_by_role("img", name="JPEG quality, severity 5: 7 of 100 (JPEG quality)")).to_be_visible(
        timeout=SLOW
    )
    choose(page, "Curves of", "sensitivity of basophil")
    expect(page).to_have_url(re.compile("robust_of=.*basophil"), timeout=SLOW)
    expect(page).to_have_url(re.compile("robust_shift="))

    other = browser.new_context(viewport={"width": 900, "height": 900})
    again = other.new_page()
    again.goto(page.url)
    expect(again.get_by_role("img", name="JPEG quality, severity 5: 7 of 100 (JPEG quality)")).to_be_visible(
        timeout=SLOW
    )
    expect(again.get_by_role("combobox", name=re.compile("^Curves of"))).to_have_value("sensitivity of basophil")
    other.close()
