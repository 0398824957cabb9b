"""A beat that comes between a run's end and its last messages takes none of them away."""

from __future__ import annotations

import asyncio
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
st.selectbox("Image", ["a", "b"], key="box", on_change=lambda: st.query_params.update(image=st.session_state.box))
st.write(f"image {st.session_state.box}")
for number in range(5):
    st.write(f"line {number}")
"""


class Browser:
    """What a browser would hear of a session, and what it says."""

    def __init__(self, script: Path) -> None:
        self.session = AppSession(ScriptData(str(script), is_hello=False), MagicMock(), ScriptCache(), None, {})
        self.told: list[Any] = []

    async def hear(self) -> None:
        """Until all runs have ended."""
        for _ in range(2000):
            self.told += self.session.flush_browser_queue()
            if self.session._scriptrunner is None:
                return
            await asyncio.sleep(0.005)
        raise TimeoutError

    def rerun(self, box: str = "", *, beat: bool = False) -> None:
        state = ClientState(is_auto_rerun=beat)
        if beat:
            state.fragment_id = next(iter(self.session._fragment_storage._fragments))  # type: ignore[attr-defined]
        if box:
            ids = self.session._session_state._key_id_mapper._id_key_mapping
            state.widget_states.widgets.add(id=next(name for name in ids if "box" in name), string_value=box)
        self.session.request_rerun(state)

    def end_of_run(self) -> None:
        """The event loop is held up: the run comes to its end, and nothing of it is heard yet."""
        self.session._scriptrunner._script_thread.join(30)  # type: ignore[union-attr]

    def texts(self) -> list[str]:
        found = (one.delta.new_element.markdown.body for one in self.told if one.HasField("delta"))
        return [text for text in found if text]

    def ends(self) -> int:
        return sum(one.WhichOneof("type") == "script_finished" for one in self.told)


async def run_and_beats(script: Path, beats: int = 1) -> Browser:
    browser = Browser(script)
    browser.rerun()
    for _ in range(beats):
        browser.end_of_run()
        browser.rerun(beat=True)
    await browser.hear()
    return browser


async def beat_and_choice(script: Path) -> Browser:
    """A person chooses at the end of a run, just after a beat that still says what was chosen before."""
    browser = Browser(script)
    browser.rerun()
    await browser.hear()
    browser.rerun("a")
    browser.end_of_run()
    browser.rerun("a", beat=True)
    browser.rerun("b")
    await browser.hear()
    return browser


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("streamlit.runtime.get_instance", MagicMock())  # of a server: keeps media, watches caches
    path = tmp_path / "page.py"
    path.write_text(PAGE)
    return path


@pytest.fixture
def kept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_create_scriptrunner", "_handle_scriptrunner_event_on_event_loop"):
        monkeypatch.setattr(AppSession, name, getattr(AppSession, name))  # as it was, afterwards
    keep_runs_whole()
    keep_runs_whole()


@pytest.mark.usefixtures("kept_whole")
@pytest.mark.parametrize("beats", [1, 2, 3])
def test_all_of_a_run_is_told_before_its_beats(script: Path, beats: int):
    browser = asyncio.run(run_and_beats(script, beats))
    assert [text for text in browser.texts() if text != "beat"] == ["image a", *(f"line {n}" for n in range(5))]
    assert browser.texts()[-1] == "beat"
    assert browser.ends() == 1 + beats


@pytest.mark.usefixtures("kept_whole")
def test_a_choice_after_a_beat_is_the_last_word(script: Path):
    browser = asyncio.run(beat_and_choice(script))
    assert browser.session.session_state["box"] == "b"
    assert browser.session._client_state.query_string == "image=b"
    drawn = browser.texts()
    assert [text for text in drawn if text.startswith("image")][-1] == "image b"
    assert "line 4" in drawn[drawn.index("image b") :]


def test_streamlit_alone_still_needs_it(script: Path, monkeypatch: pytest.MonkeyPatch):
    """Where this fails, Streamlit tells all by itself, and `whole_runs` can go."""
    for name in ("_create_scriptrunner", "_handle_scriptrunner_event_on_event_loop"):
        method = getattr(AppSession, name)
        monkeypatch.setattr(AppSession, name, getattr(method, "__wrapped__", method))
    assert "line 4" not in asyncio.run(run_and_beats(script)).texts()
