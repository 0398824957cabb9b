"""A read data set: saved and loaded, in the journal, in the terminal, and without heavy libraries."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.data.dataset import (
    SPLITS,
    Dataset,
    DatasetError,
    dataset_records,
    describe,
)
from core.data.scan import scan

MakeFolder = Callable[..., Path]


def test_saved_description_comes_back(make_folder: MakeFolder, work: Path, tmp_path: Path):
    root = make_folder({"a": 8, "b": 8})
    (root / "a" / "bad.png").write_bytes(b"")
    dataset = scan(root, work=work)
    dataset.save(tmp_path / "home" / "d.json")
    assert Dataset.load(tmp_path / "home" / "d.json") == dataset
    with pytest.raises(DatasetError, match="cannot be read"):
        Dataset.load(tmp_path / "missing.json")
    (tmp_path / "d.json").write_text('{"images": 3}')
    with pytest.raises(DatasetError, match="cannot be read"):
        Dataset.load(tmp_path / "d.json")


def test_journal_records(make_folder: MakeFolder, work: Path, monkeypatch: pytest.MonkeyPatch):
    root = make_folder({"a": 8, "b": 8})
    (root / "a" / "bad.png").write_bytes(b"")
    dataset = scan(root, work=work)
    monkeypatch.setattr("core.data.dataset.ROWS_A_RECORD", 7)
    (kind, head), *rest = dataset_records(dataset)
    assert kind == "dataset"
    assert (head["usable"], head["bad"], head["classes"]) == (16, 1, ["a", "b"])
    assert [kind for kind, _ in rest] == ["images"] * 3
    assert sum((payload["columns"]["image_id"] for _, payload in rest), []) == list(range(17))  # noqa: RUF017
    columns = rest[-1][1]["columns"]
    assert set(columns) == {
        "image_id", "path", "sha256", "pixel_sha256", "class", "split", "group_id", "source", "width", "height",
        "status", "reason",
    }  # fmt: skip
    assert columns["status"][-1] == "bad"


def test_description_for_the_terminal(make_folder: MakeFolder, work: Path):
    root = make_folder({"a": 8, "long_class_name": 8})
    (root / "a" / "bad.png").write_bytes(b"")
    text = describe(scan(root, work=work))
    assert "16 usable images, split made with seed 0" in text
    assert "a/bad.png: The file is empty" in text
    header, row = text.splitlines()[1:3]
    assert header.split() == ["class", *SPLITS, "all"]
    assert row.split() == ["a", "5", "1", "1", "1", "8"]
    assert "SYNTHETIC" not in text


def test_importing_needs_no_heavy_library():
    code = (
        "import sys, core.data.scan, core.data.cache, core.data.sample\n"
        "print({'torch', 'streamlit', 'duckdb', 'pandas', 'sklearn'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
