"""Who asks at once: clients of the API, a thread each, and sessions of Predict, a window of Chromium each."""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from benchmarks.browser import CHROMIUM

READY_SECONDS = 600.0  # in which all browser sessions have to stand
AGAIN_SECONDS = 50.0  # after which a person chooses again
STEP_SECONDS = 120.0  # that one answer or one drawing of a page may take
SAID = ("classes", "calibrated", "prediction_set", "decision", "width", "height", "image_sha256", "weights_sha256")
# What a session shows when it is at rest: the image that the decision is about, the decision, what went wrong.
SNAPSHOT = """() => ({
  rest: document.querySelector('[data-testid=stApp]')?.getAttribute('data-test-script-state') === 'notRunning',
  image: document.querySelector('.st-key-decision')?.innerText.match(/Image ([0-9a-f]{12})/)?.[1] ?? null,
  words: [...document.querySelectorAll('.st-key-decision h2')].map(one => {
    const text = one.cloneNode(true);  // without icons, whose names are text too
    text.querySelectorAll('[role=img], [data-testid=stIconMaterial]').forEach(icon => icon.remove());
    return text.textContent.trim();
  }).join('|'),
  wrong: [...document.querySelectorAll('[data-testid=stException],[data-testid=stAlertContentError]')]
    .map(one => one.innerText.trim()).join('|'),
  box: document.querySelector('[class*=st-key-sample_image_] input')?.value ?? null,
  address: new URLSearchParams(location.search).get('image'),
  store: document.querySelector('[data-testid=stMain] [data-testid=stCaptionContainer]')?.innerText ?? null,
})"""


@dataclass(frozen=True)
class Picture:
    """An image of the data, under the number that Predict shows."""

    image_id: int
    data: bytes


@dataclass
class Told:
    """What the clients of one kind met. `at` holds the end (s since the start) and seconds of each answer."""

    at: list[tuple[float, float]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    furthest: float = 0.0  # greatest difference of a probability
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, end: float, seconds: float, differs: str | None) -> None:
        with self.lock:
            self.at.append((end, seconds))
            if differs is not None:
                self.wrong.append(differs)

    def error(self, text: str) -> None:
        with self.lock:
            self.errors.append(text)


class Client:
    """One connection to the API. Raises OSError, http.client.HTTPException or ValueError as they come."""

    def __init__(self, address: str, token: str, model_id: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=STEP_SECONDS)
        self._token, self._model_id = token, model_id

    def read(self, data: bytes) -> tuple[int, dict[str, Any]]:
        """Status and JSON of one reading."""
        body = b""
        for name, value in (('"model"', self._model_id.encode()), ('"image"; filename="cell.png"', data)):
            body += b"--cells\r\nContent-Disposition: form-data; name=" + name.encode() + b"\r\n\r\n" + value + b"\r\n"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "multipart/form-data; boundary=cells"}
        self._connection.request("POST", "/api/readings", body + b"--cells--\r\n", headers)
        with self._connection.getresponse() as answer:
            return answer.status, json.loads(answer.read())

    def close(self) -> None:
        self._connection.close()


def difference(alone: Mapping[str, Any], now: Mapping[str, Any]) -> float:
    """The greatest difference of a probability between two readings of an image; infinite where they differ else."""
    raised = [[flag["raised"] for flag in (*said["flags"], said["blast"] or {"raised": None})] for said in (alone, now)]
    if raised[0] != raised[1] or any(alone[name] != now[name] for name in SAID):
        return float("inf")
    return max(
        abs(float(alone["probabilities"][name]) - float(now["probabilities"][name])) for name in alone["classes"]
    )


class Clock:
    """Starts for all when the sessions stand, or could not be opened; then it runs for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._begun, self._event = seconds, 0.0, threading.Event()

    def start(self) -> float:
        if not self._event.is_set():
            self._begun = time.monotonic()
            self._event.set()
        return self._begun

    def wait(self, seconds: float) -> float:
        """When it started. Raises RuntimeError when it does not in time."""
        if not self._event.wait(seconds):
            raise RuntimeError("The browser sessions did not open in time.")
        return self._begun

    def end(self) -> float:
        return self._begun + self._seconds


@dataclass(frozen=True)
class Sessions:
    """Browser sessions to be: how many, at which address of Predict, and the decision that each image must show."""

    address: str
    count: int
    words: Mapping[int, str]
    hashes: Mapping[int, str]  # how each image's hash begins
    told: Told
    clock: Clock
    seed: int

    def run(self) -> None:
        """Open them, start the clock, and choose images until it ends."""
        try:
            asyncio.run(_browse(self))
        except Exception as error:
            self.told.error(_said(error))
        finally:
            self.clock.start()


def api_client(
    client: Client, pictures: Sequence[Picture], alone: Mapping[int, Mapping[str, Any]], told: Told, start: float,
    until: float, tolerance: float, rng: random.Random,
) -> None:  # fmt: skip
    """Ask until the time `until`, one image after the other."""
    while (began := time.monotonic()) < until:
        picture = rng.choice(pictures)
        try:
            status, said = client.read(picture.data)
        except (OSError, http.client.HTTPException, ValueError) as error:
            told.error(_said(error))
            client.close()
            continue
        end = time.monotonic()
        if status != 200:
            told.error(f"{status} {said.get('error', {}).get('code')}")
            continue
        far = difference(alone[picture.image_id], said)
        told.furthest = max(told.furthest, far)
        told.answer(end - start, end - began, f"image {picture.image_id}: {far}" if far > tolerance else None)
    client.close()


async def _browse(sessions: Sessions) -> None:
    first = next(iter(sessions.words))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            address = f"{sessions.address}&image={first}"
            pages = [await _opened(browser, address, sessions.told) for _ in range(sessions.count)]
            for page in pages:
                await _shown(page, sessions.hashes[first], time.monotonic() + READY_SECONDS)
            sessions.clock.start()
            each = (_session(page, sessions, first, number) for number, page in enumerate(pages))
            await asyncio.gather(*each)
        finally:
            await browser.close()


async def _opened(browser: Browser, address: str, told: Told) -> Page:
    context = await browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(1000 * STEP_SECONDS)
    page = await context.new_page()
    page.on("pageerror", lambda error: told.error(f"in the page: {error}"))
    page.on("console", lambda message: _in_the_console(message, told))
    await page.goto(address)
    return page


def _in_the_console(message: ConsoleMessage, told: Told) -> None:
    """An error that the page's script reports; of requests, those that Streamlit makes in vain are none."""
    if message.type == "error" and not message.text.startswith("Failed to load resource"):
        told.error(f"in the console: {message.text[:300]}")


async def _session(page: Page, sessions: Sessions, shown: int, number: int) -> None:
    """Choose one image after the other in the box, and compare the decision that is shown."""
    told, clock, rng = sessions.told, sessions.clock, random.Random(f"{sessions.seed} {number}")
    start = clock.start()
    while (began := time.monotonic()) < clock.end():
        picked = rng.choice([one for one in sessions.words if one != shown])
        try:
            said, wrong = await _chosen(page, picked, sessions.hashes[picked], began + STEP_SECONDS)
        except Exception as error:
            told.error(_said(error))
            await asyncio.sleep(1)
            continue
        shown, end, right = picked, time.monotonic(), sessions.words[picked]
        if wrong:
            told.error(f"image {picked}: {wrong}")
        else:
            told.answer(
                end - start, end - began, f"image {picked}: {said!r}, alone {right!r}" if said != right else None
            )


async def _chosen(page: Page, image_id: int, hash_: str, until: float) -> tuple[str, str]:
    """Choose an image and wait for its decision; choose again, as a person does, where a choice did not reach it."""
    while True:
        await _choose(page, image_id)
        try:
            return await _shown(page, hash_, min(until, time.monotonic() + AGAIN_SECONDS))
        except TimeoutError:
            if time.monotonic() >= until:
                raise


async def _choose(page: Page, image_id: int) -> None:
    box = page.get_by_role("combobox", name="Image", exact=True)
    option = page.get_by_role("option", name=f"No. {image_id}", exact=True)
    wait = 1000 * STEP_SECONDS / 5
    for attempt in range(5):
        try:
            await box.click(timeout=wait)
            await box.fill(f"No. {image_id}", timeout=wait)
            await option.click(timeout=wait)
            return
        except Exception:  # the page was drawn anew and closed the menu
            if attempt == 4:
                raise


async def _shown(page: Page, hash_: str, until: float) -> tuple[str, str]:
    """The decision on an image that stands when the page is at rest, and what it says went wrong."""
    seen: dict[str, Any] = {}
    while time.monotonic() < until:
        seen = await page.evaluate(SNAPSHOT)
        if seen["rest"] and (seen["image"] == hash_ or seen["wrong"]):
            return seen["words"], seen["wrong"]
        await asyncio.sleep(0.05)
    raise TimeoutError(f"image {hash_} is not shown in time, but {seen}")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
