"""Other sources in a real browser: the set and elsewhere side by side, what was called wrong, a link to the same."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.clicks import choose
from tests.browser.conftest import Server, Watched
from tests.store.factory import write_search
from tests.store.factory_external import write_external

pytestmark = pytest.mark.long  # its pages are covered by tests/pages


def test_from_the_search_to_the_images_that_were_wrong(server: Server, watched: Watched, browser: Browser):
    search_id = write_search(server.home, trials=1, epochs=2, n_train=20)
    write_external(server.home, search_id, ("final-1",), pictures=server.home / "far")
    watched.open(f"{server.url}/search?search={search_id}")
    page = watched.page
    expect(page.get_by_text("barcelona 0.2800 (14 of 50; 95 % 0.1747 to 0.4167)")).to_be_visible()
    page.get_by_role("link", name="See the images").click()
    expect(page.get_by_role("tab", name="Other sources")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_test_id("stMetric").filter(has_text="Elsewhere: munich")).to_contain_text("0.4444")
    expect(page.get_by_test_id("stMetric").filter(has_text="In the set")).to_be_visible()
    chart = page.locator(".st-key-external_sensitivity")
    expect(chart.get_by_text("14 of 50")).to_be_visible()
    expect(chart.get_by_text("elsewhere: munich")).to_be_visible()

    choose(page, re.compile("Source"), "munich")
    expect(page.get_by_text("Images 1 to 5 of 5")).to_be_visible()
    expect(page).to_have_url(re.compile("external_source=munich"))
    expect(page.get_by_role("img", name=re.compile("basophil, called seg_neutrophil .*munich"))).to_have_count(2)

    other = browser.new_context(viewport={"width": 1440, "height": 900})
    again = other.new_page()
    again.goto(page.url)
    expect(again.get_by_text("Images 1 to 5 of 5")).to_be_visible()
    other.close()
