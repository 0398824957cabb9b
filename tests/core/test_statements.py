"""What people state is kept, the latest counts, and a deleted search takes its notes along."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from core import statements
from core.evaluation.decision import Thresholds, as_record, from_record
from core.search.commands import delete
from core.statements import StatementError
from store import queries
from store.database import open_memory, prepare
from store.ingest import Ingestor
from tests.store.factory import write_search


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
