"""A search says which data it has read, so that their audit can start beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.search import terminal
from core.search.controller import Controller
from core.search.settings import SearchSettings
from tests.core.search.fake import FakeLauncher
from tests.core.search.test_controller import SEARCH, cells, published, settings

__all__ = ["cells", "settings"]  # fixtures


def test_the_data_are_told_once_they_are_recorded_and_again_when_resumed(tmp_path: Path, settings: SearchSettings):
    told: list[str] = []
    described: list[bool] = []

    def with_data(dataset_id: str) -> None:
        told.append(dataset_id)
        described.append((tmp_path / "datasets" / f"{dataset_id}.json").exists())

    for given in (settings, None):
        controller = Controller(
            tmp_path, SEARCH, given, launcher=lambda _device: FakeLauncher(published), with_data=with_data,
            interrupted=lambda: "cancel" if told else None,
        )  # fmt: skip
        controller.run()
    assert controller.state.data is not None
    assert told == [controller.state.data["dataset_id"]] * 2
    assert described == [True, True]


def test_a_search_in_the_terminal_has_its_data_audited(
    tmp_path: Path, settings: SearchSettings, monkeypatch: pytest.MonkeyPatch
):
    audited: list[tuple[Path, str]] = []
    monkeypatch.setattr(terminal, "start_in_background", lambda home, dataset_id: audited.append((home, dataset_id)))

    class Asked(Exception):
        pass

    def controller(_home: Path, _search_id: str, _settings: SearchSettings, **options: object) -> None:
        options["with_data"]("d-1")
        raise Asked

    monkeypatch.setattr(terminal, "Controller", controller)
    monkeypatch.setattr(terminal, "_interrupts", lambda: lambda: None)
    with pytest.raises(Asked):
        terminal.run(tmp_path, SEARCH, settings)
    assert audited == [(tmp_path, "d-1")]
