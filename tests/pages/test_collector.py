"""What is taken out of the collector's sight is given back."""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Iterator

import pytest

from pages.components import collector


class Session:
    """Alive through a cycle, as a session of Streamlit is."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    gc.unfreeze()  # what a page in another test has frozen
    monkeypatch.setattr(collector, "_loaded", 0)
    monkeypatch.setattr(collector, "_at", 0.0)
    yield
    gc.unfreeze()


def test_modules_are_spared_once_and_sessions_given_back(monkeypatch: pytest.MonkeyPatch):
    now = [10_000.0]
    monkeypatch.setattr(collector.time, "monotonic", lambda: now[0])
    before, session = gc.get_freeze_count(), Session()
    seen = weakref.ref(session)
    collector.spare_modules()
    assert gc.get_freeze_count() > before + 10_000
    assert len(gc.get_objects()) < 1_000

    del session
    gc.collect()
    assert seen() is not None  # out of sight
    collector.spare_modules()
    assert seen() is not None  # nothing was loaded, and it is not long ago
    now[0] += collector.AGAIN_SECONDS + 1
    collector.spare_modules()
    assert seen() is None

    session = Session()
    seen = weakref.ref(session)
    monkeypatch.setitem(sys.modules, "one_more", types.ModuleType("one_more"))
    collector.spare_modules()
    del session
    monkeypatch.setitem(sys.modules, "and_one", types.ModuleType("and_one"))
    collector.spare_modules()
    assert seen() is None
