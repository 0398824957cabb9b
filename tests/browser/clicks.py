"""Clicking as a person does."""

from __future__ import annotations

import contextlib

from playwright.sync_api import Locator, expect

SLOW = 40_000  # ms; other tests may be using the processor


def press(control: Locator, result: Locator) -> None:
    """Click until the result is there: a click may meet a control that is being redrawn."""
    for _ in range(8):
        control.click()
        with contextlib.suppress(AssertionError):
            expect(result).to_be_visible(timeout=SLOW / 8)
            return
    expect(result).to_be_visible(timeout=1)
