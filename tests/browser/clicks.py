"""Clicking and choosing as a person does."""

from __future__ import annotations

import contextlib
import re

from playwright.sync_api import Error, Locator, Page, expect

SLOW = 100_000  # ms that a test waits for what it expects and clicks; others may be using the processor


def at_rest(page: Page) -> None:
    """Wait until the page has been drawn: what stood there before is gone, and a click finds what it is meant for."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def press(control: Locator, result: Locator) -> None:
    """Click until the result is there: a click may meet a control that is being redrawn."""
    for _ in range(8):
        control.click()
        with contextlib.suppress(AssertionError):
            expect(result).to_be_visible(timeout=SLOW / 8)
            return
    expect(result).to_be_visible(timeout=1)


def choose(page: Page, label: str | re.Pattern[str], option: str) -> None:
    """Type into a box and take what it offers; once more where the page, being redrawn, has closed the box's menu."""
    box = page.get_by_role("combobox", name=label)
    offered = page.get_by_role("option", name=option, exact=True)
    for _ in range(8):
        at_rest(page)
        box.scroll_into_view_if_needed()  # the menu closes when the page scrolls
        box.click()
        box.fill(option)
        with contextlib.suppress(AssertionError, Error):
            expect(offered).to_be_visible(timeout=SLOW / 8)
            offered.click(timeout=SLOW / 8)
            return
    raise AssertionError(f"{label} does not offer {option}")
