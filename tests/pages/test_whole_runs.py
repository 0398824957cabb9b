"""A beat that comes between a run's end and its last messages takes none of them away."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.script_data import ScriptData
from streamlit.runtime.scriptrunner.script_cache import ScriptCache

from pages.components.whole_runs import keep_runs_whole

PAGE = """
import streamlit as st

st.fragment(lambda: st.write("beat"), run_every=5)()
for number in range(5):
    st.write(f"line {number}")
"""


async def run_and_beat(script: Path) -> tuple[set[str], int]:
    """What reaches the browser of a run and of a beat at its end: (texts, runs that ended)."""
    session = AppSession(ScriptData(str(script), is_hello=False), MagicMock(), ScriptCache(), None, {})
    told: list[Any] = []

    async def until(done: Any) -> None:
        for _ in range(1000):
            told.extend(session.flush_browser_queue())
            if done():
                return
            await asyncio.sleep(0.01)
        raise TimeoutError

    session.request_rerun(ClientState())
    thread = session._scriptrunner._script_thread  # type: ignore[union-attr]
    thread.join(30)  # type: ignore[union-attr]
    # The event loop has been held up: the run is over, and nothing of it is told yet.
    fragment = next(iter(session._fragment_storage._fragments))  # type: ignore[attr-defined]
    session.request_rerun(ClientState(fragment_id=fragment, is_auto_rerun=True))
    began = time.monotonic()
    await until(lambda: session._scriptrunner is None and time.monotonic() - began > 0.5)
    texts = {one.delta.new_element.markdown.body for one in told if one.HasField("delta")}
    ends = [one for one in told if one.WhichOneof("type") == "script_finished"]
    session.shutdown()
    return texts, len(ends)


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("streamlit.runtime.get_instance", MagicMock())  # of a server: keeps media, watches caches
    path = tmp_path / "page.py"
    path.write_text(PAGE)
    return path


def test_all_of_a_run_is_told_before_a_beat(script: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(AppSession, "_create_scriptrunner", AppSession._create_scriptrunner)  # as it was, afterwards
    keep_runs_whole()
    keep_runs_whole()
    texts, ends = asyncio.run(run_and_beat(script))
    assert {f"line {number}" for number in range(5)} <= texts
    assert ends == 2  # that of the run, and that of the beat


def test_streamlit_alone_still_needs_it(script: Path, monkeypatch: pytest.MonkeyPatch):
    """Where this fails, Streamlit tells all by itself, and `whole_runs` can go."""
    create = AppSession._create_scriptrunner
    monkeypatch.setattr(AppSession, "_create_scriptrunner", getattr(create, "__wrapped__", create))
    texts, _ = asyncio.run(run_and_beat(script))
    assert "line 4" not in texts
