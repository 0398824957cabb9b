"""A server on a free port, and Chromium timing how long its page takes until the main part stands."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = Path(os.environ.get("CELLASCENT_CHROMIUM", "/usr/bin/chromium"))
START_SECONDS = 600.0  # a large store is read from its journals first
CHART_SECONDS = 120.0

Command = Callable[[int], list[str]]  # port -> command line


@dataclass
class Loads:
    """Seconds and bytes of a page's loads, a value a round.

    Cold is a new browser profile, warm the page again in it, inside a click on the page's link in an open tab.
    """

    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)
    cold_bytes: list[int] = field(default_factory=list)
    warm_bytes: list[int] = field(default_factory=list)


@contextmanager
def serving(command: Command, environment: dict[str, str], path: str) -> Iterator[str]:
    """A server on a free port while the block runs, once it answers at `path`; its address.

    Raises RuntimeError when it does not answer in time.
    """
    with started(command, environment, path) as (url, _):
        yield url


@contextmanager
def started(command: Command, environment: dict[str, str], path: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """As `serving`, with the server's process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    process = subprocess.Popen(
        command(port), cwd=ROOT, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: answers(url + path), "the server does not answer")
        yield url, process
    finally:
        process.terminate()
        process.wait(timeout=60)


def load(
    address: Callable[[int], str], wait_for: str, rounds: int, leave: Callable[[Page], Callable[[], None]] | None = None
) -> Loads:
    """Load `address(round)` cold and warm until the CSS selector `wait_for` is visible.

    Args:
        leave: goes to another page inside the application and returns the click that comes back.
    """
    loads = Loads()
    with sync_playwright() as playwright:
        for number in range(rounds):
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            received = _received(page)
            for seconds, sizes in ((loads.cold, loads.cold_bytes), (loads.warm, loads.warm_bytes)):
                received[0] = 0
                started = time.perf_counter()
                page.goto("about:blank") if seconds is loads.warm else None
                page.goto(address(number))
                page.locator(wait_for).first.wait_for(timeout=1000 * CHART_SECONDS)
                seconds.append(time.perf_counter() - started)
                page.wait_for_timeout(200)  # the bytes still under way
                sizes.append(received[0])
            if leave is not None:
                back = leave(page)
                started = time.perf_counter()
                back()
                page.locator(wait_for).first.wait_for(timeout=1000 * CHART_SECONDS)
                loads.inside.append(time.perf_counter() - started)
            browser.close()
    return loads


def _received(page: Page) -> list[int]:
    """A counter of the bytes that the page receives, over HTTP as compressed and over WebSocket."""
    count = [0]
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def http(event: dict[str, Any]) -> None:
        count[0] += int(event["encodedDataLength"])

    def frame(event: dict[str, Any]) -> None:
        response = event["response"]
        size = len(response["payloadData"])
        count[0] += size * 3 // 4 if response["opcode"] == 2 else size  # binary comes as base64

    session.on("Network.loadingFinished", http)
    session.on("Network.webSocketFrameReceived", frame)
    return count


def answers(url: str) -> bool:
    """Whether something is served at `url`."""
    with suppress(OSError), urllib.request.urlopen(url, timeout=5):
        return True
    return False


def until(true: Callable[[], bool], complaint: str) -> None:
    """Wait. Raises RuntimeError with `complaint` after START_SECONDS."""
    started = time.monotonic()
    while not true():
        if time.monotonic() - started > START_SECONDS:
            raise RuntimeError(f"After {START_SECONDS:.0f} s {complaint}.")
        time.sleep(0.2)
