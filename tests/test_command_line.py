"""From one command to rows in the store: a whole small search, with real defects among its images, then a resume."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.data.sample import make_sample
from core.search.launcher import REPOSITORY
from core.search.state import SearchState
from store.owner import StoreOwner
from store.queries import images, searches, trials

SMALL = ["--preset", "quick", "--backbone", "resnet10t", "--weights", "none", "--image-size", "32", "--threads", "1"]


def core(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "core", *arguments], cwd=REPOSITORY, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def output(process: subprocess.Popen[str], code: int = 0) -> str:
    text = process.communicate(timeout=240)[0]
    assert process.returncode == code, text
    return text


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "cells"
    make_sample(folder, per_class=8, size=48, seed=0)
    good = next((folder / "monocyte").glob("*.png"))
    (folder / "monocyte" / "cut.png").write_bytes(good.read_bytes()[:-200])
    (folder / "monocyte" / "text.jpg").write_text("this is no image")
    shutil.copy(good, folder / "basophil" / "two_labels.png")
    shutil.copy(next((folder / "basophil").glob("[!t]*.png")), folder / "basophil" / "twice.png")
    return folder


def test_a_search_with_defects_in_its_data_runs_to_its_tables_and_into_the_store(tmp_path: Path, cells: Path) -> None:
    text = output(core(
        "search", "--data", str(cells), *SMALL, "--max-trials", "3", "--home", str(tmp_path), "--search-id", "s-e2e"
    ))  # fmt: skip
    assert "initial weights: none" in text
    assert "SYNTHETIC" in text
    assert "4 files left out" in text
    assert "01-epochs: learning rate 0.01, batch size 10, 3 epochs, DE_COUNT 0, continuing 2 epochs" in text
    assert "00-initial epoch 2/2" in text
    assert "DE_COUNT learning rate batch epochs train loss" in text
    assert "macro specificity" in text

    store = StoreOwner(tmp_path, "app")  # the ingest process that the search started steps aside
    store.start()
    try:
        listed = searches(store.cursor()).set_index("search_id").loc["s-e2e"]
        assert listed["status"] == "COMPLETE"
        table = trials(store.cursor(), "s-e2e")
        assert list(table["coordinate"]) == ["initial", "batch_size", "epochs", "final"]
        assert set(table["status"]) == {"COMPLETE"}
        assert table["test_accuracy"].between(0, 1).all()
        bad = images(store.cursor(), listed["dataset_id"], status="bad").set_index("path")["reason"]
        assert set(bad.index) >= {"monocyte/cut.png", "monocyte/text.jpg", "basophil/two_labels.png"}
    finally:
        store.close()
    again = output(core("search", "--home", str(tmp_path), "--resume", "s-e2e"))
    assert "s-e2e is complete; nothing is left to do." in again
    assert "macro specificity" in again
    state = SearchState(tmp_path, "s-e2e")
    state.update()
    assert {trial.rank[0] for trial in state.trials.values()} == {1}


def test_interrupted_it_stops_after_the_epoch_and_names_the_way_on(tmp_path: Path, cells: Path) -> None:
    process = core(
        "search", "--data", str(cells), *SMALL, "--epochs", "90", "--home", str(tmp_path), "--search-id", "s-x"
    )
    deadline, state = time.monotonic() + 120, SearchState(tmp_path, "s-x")
    while not any(trial.epochs for trial in state.trials.values()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
        state.update()
    second = core("search", "--home", str(tmp_path), "--resume", "s-x")
    assert f"already being run by process {process.pid}" in output(second, code=1)
    process.send_signal(signal.SIGINT)
    text = output(process)
    assert "search STOPPED: stopped by the person" in text
    assert f"Go on with: python -m core search --home {tmp_path} --resume s-x" in text
    state.update()
    [trial] = state.trials.values()
    assert trial.status == "STOPPED"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["search", "--data", "/nowhere/at/all", "--preset", "quick"], "/nowhere/at/all"),
        (["search", "--epochs", "0"], "epochs is 0; it must be at least 1."),
        (["search", "--resume", "s-none"], "There is no search s-none"),
        (["data", "/nowhere/at/all"], "/nowhere/at/all"),
        (["app", "--data", "/nowhere/at/all", "--port", "8999"], "DATA is /nowhere/at/all, which does not exist"),
    ],
)
def test_bad_input_gets_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    text = output(core(*arguments, "--home", str(tmp_path)), code=1)
    assert sentence in text
    assert "Traceback" not in text


def test_real_defects_are_reported(tmp_path: Path, real_data: Path) -> None:
    folder = tmp_path / "cells"
    for name in ("basophil", "monocyte"):
        (folder / name).mkdir(parents=True)
        for file in sorted((real_data / "blood5" / name).glob("*.jpg"))[:12]:
            shutil.copy(file, folder / name)
    names = set()
    for kind in ("truncated", "not_an_image"):
        for file in (path for path in (real_data / "defects" / kind).rglob("*") if path.is_file()):
            names.add(f"{kind}_{file.name}")
            shutil.copy(file, folder / "monocyte" / f"{kind}_{file.name}")
    assert names
    text = output(core("data", str(folder), "--home", str(tmp_path / "h")))
    reasons = {name: line.partition(":")[2] for name in names for line in text.splitlines() if name in line}
    assert set(reasons) == names
    assert all(reason.strip() for reason in reasons.values())
    assert any("truncated" in reason or "ends" in reason for reason in reasons.values())
