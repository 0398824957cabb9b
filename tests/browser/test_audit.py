"""The shortcut badge in a real browser: beside accuracies, its tooltip, and the way to the audit."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Server, Watched
from tests.store.factory import write_search
from tests.store.factory_data import write_audit, write_sources

pytestmark = pytest.mark.long  # its pages are covered by tests/pages

DATA = "d-000000-360-5"  # what `write_search` calls the data of seed 0


def badge(page: Page) -> Locator:
    """The badge that leads to the audit."""
    return page.get_by_test_id("stPageLink").filter(has_text="Shortcut: colour").first


def test_the_badge_stands_on_each_page_and_leads_to_the_audit(server: Server, watched: Watched):
    search_id = write_search(server.home, trials=2, epochs=2)
    write_audit(server.home, DATA, source_accuracies={"histogram": 0.9, "file": 1.0})
    write_sources(server.home, DATA, {image_id: "Barcelona" if image_id < 216 else "Munich" for image_id in range(360)})
    page = watched.page
    paths = {
        "search": f"search={search_id}", "evaluate": f"search={search_id}",
        "compare": f"trials={search_id}.00-initial,{search_id}.01-batch_size",
    }  # fmt: skip
    for path, query in paths.items():
        watched.open(f"{server.url}/{path}?{query}")
        expect(badge(page), path).to_be_visible()
        expect(page.get_by_text(re.compile("of this model's lead over chance can be had from colour alone")), path)\
            .to_be_visible()  # fmt: skip
    badge(page).get_by_role("link").hover()
    expect(page.get_by_role("tooltip").filter(has_text="High: the accuracy alone says little")).to_be_visible()
    badge(page).get_by_role("link").click()
    expect(page).to_have_url(re.compile(rf"/data\?.*dataset={DATA}"))
    expect(page.get_by_role("tab", name="Shortcut audit")).to_have_attribute("aria-selected", "true")
    expect(page).to_have_url(re.compile("view=Shortcut"))  # so that a copied address shows the same
    expect(page.locator(".st-key-audit_class .scatterlayer").first).to_be_visible()
    expect(page.get_by_text("Class and source are fully confounded")).to_be_visible()
    expect(page.get_by_role("button", name="Run the audit again")).to_be_visible()
    page.get_by_role("tab", name="Overview").click()
    expect(page.locator(".st-key-audit_class")).to_have_count(0)
    badge(page).get_by_role("link").click()  # the one at the head of the same page
    expect(page.get_by_role("tab", name="Shortcut audit")).to_have_attribute("aria-selected", "true")
    expect(page).to_have_url(re.compile("view=Shortcut"))
