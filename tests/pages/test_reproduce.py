"""The panel Reproduce: what a search ran with, its command, and what is another here and now, said plainly."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.data.dataset import dataset_records
from core.data.sample import make_sample
from core.data.scan import scan
from core.environment import environment
from core.learning.settings import InitialWeights
from core.search.commands import exact_command
from core.search.prepare import Prepared
from core.search.settings import SearchSettings, preset
from pages.components.reproduce import _whole, in_lines, now, verdict
from store.journal import JournalWriter, journal_folder
from store.published import SEARCH_ID as PUBLISHED
from tests.pages.conftest import OpenPage
from tests.pages.test_pages import words
from tests.store.factory import write_search

HERE = {**environment(), "code": "aaaaaaaaaaaa"}
SETTLED: dict[str, Any] = {"device": "cpu", "threads": 1, "parallel": 1, "weights": {"path": None, "sha256": None}}


@pytest.fixture
def recorded(home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """A search as its controller records it, that ran with just what is here; (id, folder of its images)."""
    monkeypatch.setattr("pages.components.reproduce.environment", lambda: HERE)
    now.clear()
    folder = make_sample(home / "cells", per_class=5, size=32)
    settings = replace(preset("quick"), data=str(folder), per_class=0, seed=4)
    dataset = scan(folder, work=home, seed=4)
    weights = home / "weights" / "resnet-1.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"w")
    elsewhere = InitialWeights("/moved/weights/resnet-1.safetensors", "0123", "the file start.pt")
    prepared = Prepared(dataset.dataset_id, elsewhere, "cpu", 1, 2)
    journal = JournalWriter(journal_folder(home, "s-1"), "controller", 1)
    journal.append(
        "search", search_id="s-1", name="recorded", origin="own", objective="val_accuracy", patience=2,
        settings=settings.to_json(), command="as it was asked", environment=HERE,
    )  # fmt: skip
    for kind, payload in dataset_records(dataset):
        journal.append(kind, **payload)
    journal.append("search_data", search_id="s-1", dataset_id=dataset.dataset_id, settled=asdict(prepared))
    journal.close()
    return "s-1", folder


def facts(app: AppTest, column: str) -> dict[str, str]:
    """The table of the panel that has this column, as a dict by its fact."""
    (table,) = [table.value for table in app.dataframe if column in table.value]
    return dict(zip(table["fact" if "fact" in table else "setting"], table[column], strict=True))


def test_everything_that_was_recorded_is_shown(open_page: OpenPage, recorded: tuple[str, Path]):
    app = open_page("search", search="s-1", reproduce="true")
    ran = next(table.value for table in app.dataframe if list(table.value) == ["fact", "value"])
    shown = dict(zip(ran["fact"], ran["value"], strict=True))
    assert shown["code version"] == "aaaaaaaaaaaa"
    assert (shown["seed"], shown["device"], shown["threads a trial"], shown["trials at once"]) == ("4", "cpu", "2", "1")
    assert (shown["initial weights"], shown["weights sha256"]) == ("the file start.pt", "0123")
    assert shown["dataset id"].startswith("d-")
    assert len(shown["split hash"]) == 16
    assert (shown["split"], shown["images"]) == ("made with seed 4", "25")
    assert facts(app, "here and now")["torch"] == HERE["packages"]["torch"]
    assert "gives the same trial table to the last bit" in app.success[0].value
    command = app.code[0].value
    weights = "--weights " + shlex.quote(str(recorded[1].parent / "weights" / "resnet-1.safetensors"))
    assert weights in command  # the home folder was moved: the file is where it is now
    assert "--image-size 75" in command
    assert "--threads 2" in command
    assert "as it was asked" not in command


def test_folded_away_it_costs_nothing(open_page: OpenPage, recorded: tuple[str, Path]):
    app = open_page("search", search="s-1")
    assert not app.code
    assert not [table for table in app.dataframe if "fact" in table.value]


def test_differences_are_said_plainly(open_page: OpenPage, recorded: tuple[str, Path], monkeypatch: pytest.MonkeyPatch):
    other = {**HERE, "host": "elsewhere", "packages": {**HERE["packages"], "torch": "9.9"}}
    monkeypatch.setattr("pages.components.reproduce.environment", lambda: other)
    now.clear()
    app = open_page("search", search="s-1", reproduce="true")
    said = f"A second run here and now may give other numbers: torch {HERE['packages']['torch']} then, 9.9 now."
    assert said in words(app)
    table = next(table.value for table in app.dataframe if "here and now" in table.value)
    assert set(table.loc[table[""] == "≠", "fact"]) == {"torch", "host"}


def test_the_images_are_compared_on_demand(open_page: OpenPage, recorded: tuple[str, Path]):
    search_id, folder = recorded
    app = open_page("search", search=search_id, reproduce="true")
    app.button(key="check_images").click().run()
    assert "All 25 images have the content that they had." in app.success[1].value
    next((folder / "monocyte").glob("*.png")).unlink()
    app.button(key="check_images").click().run()
    assert "The data have changed: 1 missing" in words(app)
    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    folder.rmdir()
    assert "The data are gone" in words(open_page("search", search=search_id, reproduce="true"))


def test_an_older_search_says_what_is_not_recorded(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=1, epochs=1, final=False)
    app = open_page("search", search=search_id, reproduce="true")
    assert app.code[0].value == "python -m core search --data made-up --seed 0"
    assert "What it settled then (weights, device, threads) is not recorded." in words(app)
    ran = next(table.value for table in app.dataframe if list(table.value) == ["fact", "value"])
    assert set(ran.loc[ran["value"] == "not recorded", "fact"]) == {
        "code version", "device", "threads a trial", "trials at once", "initial weights", "weights sha256", "data",
    }  # fmt: skip


def test_the_published_search_cannot_be_repeated_and_says_why(open_page: OpenPage):
    app = open_page("search", search=PUBLISHED, reproduce="true")
    assert "The study tells neither its code nor versions, seed or split" in words(app)
    assert not app.code
    assert not app.error


def test_a_search_without_data_yet(open_page: OpenPage, home: Path):
    journal = JournalWriter(journal_folder(home, "s-2"), "controller", 1)
    journal.append("search", search_id="s-2", name="new", origin="own", patience=2, settings={}, environment=HERE)
    app = open_page("search", search="s-2", reproduce="true")
    assert "The command that repeats it: not recorded." in words(app)
    assert "Its images have not been read yet." in words(app)
    assert not app.error


def test_a_resumed_search_tells_what_was_another(open_page: OpenPage, recorded: tuple[str, Path], home: Path):
    journal = JournalWriter(journal_folder(home, "s-1"), "controller", 2)
    journal.append(
        "search_event", search_id="s-1", attempt=2, status="RUNNING", message="Resumed with torch 1 then, 2 now."
    )
    app = open_page("search", search="s-1", reproduce="true")
    assert "Not all of it ran with the same: Resumed with torch 1 then, 2 now." in words(app)


@pytest.mark.parametrize(
    ("settled", "then", "kind", "said"),
    [
        (SETTLED, HERE, "same", "gives the same trial table to the last bit"),
        (SETTLED | {"device": "cuda"}, HERE, "unknown", "ran on a GPU, which adds in no fixed order"),
        ({}, HERE, "unknown", "Not recorded: weights, device, threads."),
        (SETTLED, {"python": HERE["python"]}, "unknown", "Not recorded: code version, training version, processor"),
        (SETTLED, {**HERE, "processor": "Z80"}, "differs", f"processor Z80 then, {HERE['processor']} now"),
        (SETTLED, {**HERE, "host": "elsewhere", "cores": 99}, "same", "to the last bit"),
        (SETTLED | {"weights": {"path": "/gone/w"}}, HERE, "differs", "the initial weights /gone/w are gone"),
        (SETTLED | {"others": {"resnet50": {"path": "/gone/r"}}}, HERE, "differs", "weights /gone/r are gone"),
    ],
)
def test_the_verdict(settled: dict[str, Any], then: dict[str, Any], kind: str, said: str, home: Path) -> None:
    found, sentence = verdict(settled, then, HERE)
    assert found == kind
    assert said in sentence


def test_the_command_in_lines_is_the_same_command(tmp_path: Path) -> None:
    settings = replace(preset("own"), data="/my --odd cells/it's", name="a --b 'c'")
    command = exact_command(settings, "/w/a b.safetensors", "cpu", 3)
    lines = in_lines(command)
    assert max(len(line) for line in lines.splitlines()) < 100
    code = f"{shlex.quote('python3')} -c 'import json, sys; print(json.dumps(sys.argv[1:]))' {lines.partition(' ')[2]}"
    shown = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(shown) == shlex.split(command)[1:]


def test_missing_values_of_the_store_are_not_recorded() -> None:
    from pages.components.reproduce import unpacked

    assert unpacked(None) == unpacked(float("nan")) == unpacked(pd.NA) == unpacked("[1]") == {}
    assert unpacked('{"a": 1}') == unpacked({"a": 1}) == {"a": 1}


def test_the_command_names_the_weights_of_every_backbone(home: Path):
    settings = SearchSettings(data="sample", backbone="inception_v3,resnet50,alexnet", recipe="plain,jitter")
    settled = {
        "device": "cpu", "threads": 2, "weights": {"path": "/w/i.safetensors"},
        "others": {"resnet50": {"path": "/w/r.safetensors"}, "alexnet": {"path": None, "origin": "none"}},
    }  # fmt: skip
    assert "--weights /w/i.safetensors,/w/r.safetensors,none" in _whole(settings.to_json(), settled)
