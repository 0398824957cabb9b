"""The page Query and the exports of figures in a real browser."""

from __future__ import annotations

import re
import urllib.parse
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.clicks import at_rest
from tests.browser.conftest import Server, Watched
from tests.store.factory import write_search

pytestmark = pytest.mark.long  # its pages are covered by tests/pages

SQL = "SELECT epoch, class, avg(recall) AS recall FROM class_report WHERE split = 'val' GROUP BY ALL ORDER BY ALL"
ENDLESS = "SELECT sum(hash(range)) FROM range(1000000000000)"


def run(page: Page, sql: str) -> None:
    box = page.get_by_role("textbox", name="SQL")
    box.fill(sql)
    box.press("Control+Enter")


def test_a_query_from_writing_to_a_link(server: Server, watched: Watched, browser: Browser):
    write_search(server.home, seed=1, trials=3, epochs=3)
    watched.open(f"{server.url}/query")
    page = watched.page
    expect(page.get_by_text(re.compile(r"^\d+ rows in"))).to_be_visible()  # the first example

    run(page, "SELECT nope FROM trial")
    expect(page.get_by_text('Binder Error: Referenced column "nope" not found')).to_be_visible()
    run(page, "DELETE FROM epoch_split")
    expect(page.get_by_text("Only statements that read are run here")).to_be_visible()

    run(page, ENDLESS)
    expect(page.get_by_text("of at most 30 s")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The query was cancelled.")).to_be_visible()

    run(page, SQL)
    expect(page.get_by_text(re.compile(r"^\d+ rows in"))).to_be_visible()
    page.get_by_role("radio", name="Line").click()
    expect(page).to_have_url(re.compile("chart=line"))
    chart = page.locator(".st-key-query_chart .main-svg").first
    expect(chart).to_be_visible()
    assert urllib.parse.parse_qs(urllib.parse.urlparse(page.url).query)["sql"] == [SQL]

    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == "epoch,class,recall"
    assert len(lines) > 10

    context = browser.new_context(viewport={"width": 900, "height": 900})
    other = context.new_page()
    other.goto(page.url)
    expect(other.get_by_text(f"{len(lines) - 1} rows in")).to_be_visible()
    expect(other.locator(".st-key-query_chart .main-svg").first).to_be_visible()
    assert other.url == page.url
    context.close()


def test_a_figure_is_exported(server: Server, watched: Watched, browser: Browser, tmp_path: Path):
    watched.open(f"{server.url}/evaluate")
    page = watched.page
    figure = page.locator(".st-key-rates")
    expect(figure.locator(".main-svg").first).to_be_visible()
    at_rest(page)
    figure.hover()
    with page.expect_download() as download:
        figure.locator(".modebar-btn[data-title^='Download']").first.click()
    assert download.value.suggested_filename.endswith("-rates.svg")
    assert Path(download.value.path()).read_text().startswith("<svg")

    with page.expect_download() as download:
        page.locator(".st-key-export_rates").get_by_role("button").first.click()
    assert download.value.suggested_filename.endswith("-rates.html")
    saved = tmp_path / "rates.html"
    download.value.save_as(saved)

    context = browser.new_context(offline=True)
    alone = context.new_page()
    faults: list[str] = []
    alone.on("pageerror", lambda error: faults.append(str(error)))
    alone.goto(saved.as_uri())
    expect(alone.locator(".main-svg").first).to_be_visible()
    for format_ in ("SVG", "PNG"):
        with alone.expect_download() as download:
            alone.get_by_role("button", name=format_).click()
        assert download.value.suggested_filename.endswith(f"rates.{format_.lower()}")
    assert faults == []
    context.close()
