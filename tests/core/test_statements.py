"""What people state is kept, the latest counts, and a deleted search takes its notes along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from core import statements
from core.evaluation.decision import Thresholds, as_record, from_record
from core.search.commands import delete
from core.statements import StatementError
from store import queries
from store.database import open_memory, prepare
from store.ingest import Ingestor
from tests.store.factory import write_search
from tests.store.factory_readings import a_reading, called


def ingested(home: Path) -> duckdb.DuckDBPyConnection:
    connection = open_memory()
    prepare(connection)
    Ingestor(connection, home).poll()
    return connection


def test_the_latest_note_counts_and_tags_are_clean(tmp_path: Path) -> None:
    search_id = write_search(tmp_path, trials=1, epochs=1, final=False)
    statements.annotate(tmp_path, search_id, "first", ["a"])
    statements.annotate(tmp_path, search_id, " second ", [" good ", "good", "", "slow"])
    statements.annotate(tmp_path, search_id, "", ["odd"], trial_id=f"{search_id}.00-initial")
    found = queries.notes(ingested(tmp_path), search_id).to_dict("records")
    assert [(row["note"], list(row["tags"])) for row in found] == [("second", ["good", "slow"]), ("", ["odd"])]
    assert found[1]["trial_id"] == f"{search_id}.00-initial"


def test_a_deleted_search_takes_its_notes_and_operating_points_along(tmp_path: Path) -> None:
    search_id = write_search(tmp_path, trials=1, epochs=1, final=False)
    statements.annotate(tmp_path, search_id, "a note", [])
    statements.save_operating_point(
        tmp_path, "careful", f"{search_id}.00-initial", ["a", "b"], {"kind": "x"}, search_id=search_id
    )
    delete(tmp_path, search_id)
    connection = ingested(tmp_path)
    assert queries.notes(connection).empty
    assert queries.operating_points(connection).empty


def test_a_fusion_is_saved_with_weights_that_sum_to_one_and_can_be_taken_back(tmp_path: Path) -> None:
    fusion_id = statements.save_fusion(tmp_path, " both ", "d-1", "average", {"t1": 3, "t2": 1, "t3": 0})
    found = queries.fusions(ingested(tmp_path)).to_dict("records")
    assert [(row["fusion_id"], row["name"], list(row["trial_ids"]), list(row["weights"])) for row in found] == [
        (fusion_id, "both", ["t1", "t2"], [0.75, 0.25])
    ]
    statements.remove(tmp_path, "fusion", found[0])
    assert queries.fusions(ingested(tmp_path)).empty


def test_an_operating_point_comes_back_as_saved_and_can_be_taken_back(tmp_path: Path) -> None:
    rule = as_record(Thresholds((0.1, 0.5)))
    for name, prevalence in (("careful", {"a": 0.005, "b": 0.995}), ("plain", None)):
        statements.save_operating_point(tmp_path, name, "f-1", ["a", "b"], rule, prevalence=prevalence)
    found = {row["name"]: row for row in queries.operating_points(ingested(tmp_path), "f-1").to_dict("records")}
    assert from_record(json.loads(found["careful"]["rule"]), 2) == Thresholds((0.1, 0.5))
    assert json.loads(found["careful"]["prevalence"]) == {"a": 0.005, "b": 0.995}
    statements.remove(tmp_path, "operating_point", found["careful"])
    assert queries.operating_points(ingested(tmp_path))["name"].tolist() == ["plain"]
    statements.remove(tmp_path, "operating_point", found["plain"])
    assert queries.operating_points(ingested(tmp_path)).empty


def test_an_operating_point_needs_a_name(tmp_path: Path) -> None:
    with pytest.raises(StatementError, match="needs a name"):
        statements.save_operating_point(tmp_path, " ", "t", ["a"], {"kind": "x"})


@pytest.mark.parametrize(
    ("name", "weights", "said"),
    [
        ("", {"t1": 1.0}, "needs a name"),
        ("x", {"t1": 0.0}, "above 0"),
        ("x", {}, "above 0"),
        ("x", {"t": -1}, "above 0"),
    ],
)
def test_a_fusion_without_name_or_weight_is_refused(
    tmp_path: Path, name: str, weights: dict[str, float], said: str
) -> None:
    with pytest.raises(StatementError, match=said):
        statements.save_fusion(tmp_path, name, "d-1", "average", weights)
    assert queries.fusions(ingested(tmp_path)).empty


def test_a_reading_comes_back_as_it_was_made(tmp_path: Path) -> None:
    reading = a_reading()
    reading_id = statements.save_reading(
        tmp_path, reading, file_name="a\x00b\nc.png", through="field", batch_id="b-1", box=(1, 2, 30, 40), kept=True,
        asked_by=" N. N. ", operating_point_id="o-1",
    )  # fmt: skip
    (row,) = queries.reading(ingested(tmp_path), reading_id).to_dict("records")
    assert row["file_name"] == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c.png"
    assert (row["model_id"], row["model_trial_id"], row["runtime"]) == ("s-a.final-1", "s-a.final-1", "torch")
    assert (row["width"], row["height"], list(row["box"]), row["kept"]) == (40, 36, [1, 2, 30, 40], True)
    assert list(row["probabilities"]) == reading.probabilities.tolist()
    assert list(row["p_values"]) == reading.p_values.tolist()
    assert list(row["prediction_set"]) == ["monocyte", "erythroblast"]
    assert (row["decision"], list(row["decided_classes"])) == ("set", ["monocyte", "erythroblast"])
    assert [flag["name"] for flag in json.loads(row["flags"])] == ["blur", "size"]
    assert json.loads(row["blast"])["class"] == "myeloblast"
    assert json.loads(row["coverage"])["monocyte"] == 0.95
    assert (row["through"], row["batch_id"], row["asked_by"]) == ("field", "b-1", "N. N.")
    assert row["operating_point_id"] == "o-1"


def test_a_reading_without_calibration_claims_none(tmp_path: Path) -> None:
    bare = a_reading(
        called("monocyte"), model_id="f-1", calibrated=False, temperature=1.0, p_values=np.empty(0), prediction_set=(),
        coverage={}, blast=None, weights_sha256="",
    )  # fmt: skip
    reading_id = statements.save_reading(tmp_path, bare, file_name="a.png", through="page")
    (row,) = queries.reading(ingested(tmp_path), reading_id).to_dict("records")
    assert (row["model_id"], row["model_trial_id"], row["calibrated"], row["kept"]) == ("f-1", None, False, False)
    for name in ("p_values", "prediction_set", "coverage", "blast", "weights_sha256", "box", "batch_id"):
        assert row[name] is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"through": "post"}, "not 'post'"),
        ({"box": (1, 2, 3)}, "x, y, width, height"),
        ({"box": (0, 0, 0, 9)}, "x, y, width, height"),
        ({"box": (-1, 0, 9, 9)}, "x, y, width, height"),
    ],
)
def test_a_reading_from_nowhere_is_not_recorded(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    with pytest.raises(StatementError, match=said):
        statements.save_reading(tmp_path, a_reading(), **({"file_name": "a.png", "through": "page"} | more))
    assert queries.readings(ingested(tmp_path)).empty


def test_every_review_is_kept_and_the_latest_counts(tmp_path: Path) -> None:
    reading_id = statements.save_reading(tmp_path, a_reading(), file_name="a.png", through="page")
    decided = ["monocyte", "erythroblast"]
    statements.save_review(tmp_path, reading_id, "refer", note=" not sure \ud800")
    statements.save_review(tmp_path, reading_id, "confirm", class_="monocyte", decided=decided)
    statements.save_review(tmp_path, reading_id, "correct", class_=" lymphocyte ", reviewed_by="N. N.", decided=decided)
    store = ingested(tmp_path)
    reviews = queries.reviews(store, reading_id).astype(object)
    found = reviews.where(reviews.notna(), None).to_dict("records")
    assert [(row["verdict"], row["class"], row["note"], row["reviewed_by"]) for row in found] == [
        ("correct", "lymphocyte", "", "N. N."), ("confirm", "monocyte", "", None), ("refer", None, "not sure ?", None),
    ]  # fmt: skip
    (row,) = queries.readings(store).to_dict("records")
    assert (row["expert_class"], row["reviews"]) == ("lymphocyte", 3)


def test_to_confirm_one_class_needs_no_name(tmp_path: Path) -> None:
    statements.save_review(tmp_path, "r-1", "confirm", decided=["monocyte"])
    assert queries.reviews(ingested(tmp_path), "r-1")["class"].tolist() == ["monocyte"]


@pytest.mark.parametrize(
    ("verdict", "class_", "decided", "said"),
    [
        ("perhaps", None, None, "not 'perhaps'"),
        ("correct", " ", None, "Name the class that the cell belongs to"),
        ("correct", "a", ["a"], "says 'a' already: confirm it"),
        ("correct", "a" * 81, None, "at most 80 characters"),
        ("confirm", None, [], "decided on no class"),
        ("confirm", "a", [], "decided on no class"),
        ("confirm", None, None, "Name the class that you confirm"),
        ("confirm", None, ["a", "b"], "Name the class that you confirm"),
        ("confirm", "c", ["a", "b"], "says 'a' or 'b', not 'c': correct it"),
        ("refer", "a", None, "correct it to that one"),
    ],
)
def test_a_review_that_makes_no_sense_is_refused(
    tmp_path: Path, verdict: str, class_: str | None, decided: list[str] | None, said: str
) -> None:
    with pytest.raises(StatementError, match=said):
        statements.save_review(tmp_path, "r-1", verdict, class_=class_, decided=decided)
    with pytest.raises(StatementError, match="10,000 characters"):
        statements.save_review(tmp_path, "r-1", "refer", note="a" * 10_001)
    assert queries.reviews(ingested(tmp_path), "r-1").empty
