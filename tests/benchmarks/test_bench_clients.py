"""The load check notices what it is there for: another answer, an error, memory that grows."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.clients import Options, Result, copy_home, pictures_of, report
from benchmarks.clients_asking import difference
from core.prediction.models import ModelEntry
from tests.store.factory import CLASSES, write_search

SAID: dict[str, Any] = {
    "classes": ["a", "b"], "calibrated": False, "prediction_set": [], "decision": {"words": "A"}, "width": 1,
    "height": 1, "image_sha256": "i", "weights_sha256": "w", "probabilities": {"a": 0.75, "b": 0.25}, "blast": None,
    "flags": [{"name": "blur", "raised": False}], "reading_id": "r-1", "seconds": {"network": 1.0},
}  # fmt: skip
GOOD = Result("s.final-1", 120, 40, 900, (0.5, 1.0), 90, (2.0, 3.0), 1e-9, {}, (), (1000.0, 1010.0, 1100.0))


def test_a_reading_differs_in_what_it_says_and_not_in_when_it_was_made():
    assert difference(SAID, {**SAID, "reading_id": "r-2", "seconds": {}}) == 0
    assert difference(SAID, {**SAID, "probabilities": {"a": 0.5, "b": 0.5}}) == 0.25
    for name, other in (("decision", {"words": "B"}), ("image_sha256", "j"), ("blast", {"raised": True})):
        assert difference(SAID, {**SAID, name: other}) == math.inf
    flagged = copy.deepcopy(SAID)
    flagged["flags"][0]["raised"] = True
    assert difference(SAID, flagged) == math.inf


@pytest.mark.parametrize(
    "bad",
    [{"errors": {"API: 503 busy": 1}}, {"wrong": ("image 1: inf",)},
     {"memory": (1000.0, 1051.0, 1100.0)}, {"api_answers": 0}],
)  # fmt: skip
def test_one_fault_of_any_kind_fails(bad: dict[str, Any]):
    assert GOOD.passed
    failed = replace(GOOD, **bad)
    assert not failed.passed
    assert '"passed": false' in report(Options(Path("home")), failed)


def test_images_are_those_of_the_test_split_that_are_there(tmp_path: Path):
    search_id = write_search(
        tmp_path, trials=1, n_train=5, n_val=5, n_test=9, n_calibration=0, pictures=tmp_path / "pictures"
    )
    options = Options(tmp_path, images=4)
    entry = ModelEntry(f"{search_id}.final-1", "", "search", CLASSES, "d-000000-19-5", (f"{search_id}.final-1",))
    found = list(pictures_of(options, entry, search_id))
    assert len({one.image_id for one in found}) == 4
    assert found == list(pictures_of(options, entry, search_id))
    assert all(one.data.startswith(b"\x89PNG") for one in found)
    assert len(list(pictures_of(replace(options, images=99), entry, search_id))) == 9
    with pytest.raises(ValueError, match="not on this machine"):
        list(pictures_of(options, replace(entry, dataset_id="other"), search_id))
    (tmp_path / "trials" / entry.model_id).mkdir(parents=True)
    (tmp_path / "trials" / entry.model_id / "weights.json").write_text("{}")
    copy_home(tmp_path, tmp_path / "copy", entry)
    assert (tmp_path / "copy" / "trials" / entry.model_id / "weights.json").is_file()
    assert not (tmp_path / "copy" / "pictures").exists()
    assert any((tmp_path / "copy" / "journals").rglob("*.jsonl"))
