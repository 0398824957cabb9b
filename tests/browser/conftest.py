"""A real Chromium on a real server, each test with its own home folder."""

from __future__ import annotations

import os
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.clicks import SLOW
from tests.preloaded import Preloaded, Started

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path(os.environ.get("CELLASCENT_CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    # A page that nobody looks at must not be put behind all other processes, as Chromium does with it.
    "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
    "--disable-background-timer-throttling",
]  # fmt: skip
# Streamlit's client looks for the server below a deep link's path first; a server at the root answers 404 to that.
PROBES = ("/_stcore/health", "/_stcore/host-config")

expect.set_options(timeout=SLOW)


@dataclass
class Server:
    """A running app; `url` ends without a slash."""

    home: Path
    url: str
    log: Path
    process: Started


@dataclass
class Watched:
    """A browser page and what it complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.get_by_role("heading", level=1).wait_for(timeout=SLOW)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium. It ends with the tests of this folder: its event loop would be in the way of others."""
    if not CHROMIUM.exists():
        missing = f"no Chromium at {CHROMIUM}; set CELLASCENT_CHROMIUM to its path"
        if os.environ.get("CELLASCENT_REQUIRE_BROWSER"):  # where these tests must not be left out silently
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(browser, "new_context", _patient(browser.new_context))
            yield browser
        browser.close()


def _patient(new_context: Callable[..., BrowserContext]) -> Callable[..., BrowserContext]:
    """Clicks wait for their control as long as expectations wait for what they expect."""

    def patient(**options: Any) -> BrowserContext:
        context = new_context(**options)
        context.set_default_timeout(SLOW)
        return context

    return patient


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A fresh page; the test fails when the page's console showed an error."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    watched = Watched(context.new_page())

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.location.get("url", "").endswith(PROBES):
            watched.complaints.append(message.text)

    watched.page.on("console", note)
    watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    yield watched
    context.close()
    assert watched.complaints == []


@pytest.fixture(scope="package")
def servers() -> Iterator[Preloaded]:
    """What starts the apps: each would spend more time on its imports than on its pages."""
    preloaded = Preloaded("streamlit.web.cli", "duckdb", "pandas", "plotly.graph_objects", "scipy.stats", "uvicorn")
    yield preloaded
    preloaded.close()


@pytest.fixture
def server(tmp_path: Path, browser: Browser, servers: Preloaded) -> Iterator[Server]:
    """The app on a free port; tests write their journals into `home` before or while it runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path / "home"
    home.mkdir()
    log = tmp_path / "server.log"
    environment = {"CELLASCENT_HOME": str(home), "OMP_NUM_THREADS": "1"}
    process = servers.start("streamlit", "run", "app.py", "--server.port", str(port), environment=environment,
                            output=log)  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process, log)
        yield Server(home, url, log, process)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait(url: str, process: Started, log: Path) -> None:
    for _ in range(240):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=1):
                return
        except OSError:
            time.sleep(0.25)
    raise AssertionError(f"The server did not start:\n{log.read_text()}")
