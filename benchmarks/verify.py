"""Whether a disturbed search left what its undisturbed twin did: in the journals, in the store, in the weights."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.compare import SPLITS, Table, decision_table, differences, epoch_table, trial_table, weights_table
from core.paths import trial_name
from core.search.state import SearchState
from store.database import open_file, store_file
from store.journal import replay

NAMES = ("undisturbed", "disturbed")


def state_of(home: Path, search_id: str) -> SearchState:
    """What the journals of a search say."""
    state = SearchState(home, search_id)
    state.update()
    return state


def journal_problems(twin: Path, home: Path, search_id: str) -> list[str]:
    """How the journals and weights of a search differ from its twin's (which has the same id)."""
    one, other = state_of(twin, search_id), state_of(home, search_id)
    return [
        *differences(trial_table(one), trial_table(other), NAMES),
        *differences(decision_table(one), decision_table(other), NAMES),
        *differences(epoch_table(one), epoch_table(other), NAMES),
        *differences(weights_table(twin, one), weights_table(home, other), NAMES),
        *_repeated(home, search_id),
    ]


def store_problems(twin: Path, home: Path, search_id: str) -> list[str]:
    """How the store of a home differs from what the twin's journals say. No process may have the store now."""
    expected = state_of(twin, search_id)
    with open_file(store_file(home), home=home, read_only=True) as connection:
        found = _epoch_problems(connection, expected, search_id)
        rows = _rows(connection, "SELECT * FROM trial WHERE search_id = ? ORDER BY position", search_id)
    table: Table = {}
    for row in rows:
        kept = {name: row[name] for name in ("cycle", "coordinate", "learning_rate", "batch_size", "epochs", "seed")}
        kept |= {name: row[name] for name in ("de_count", "reused_epochs", "status")}
        kept["from"] = trial_name(row["from_trial_id"] or "")
        kept |= {f"{split} {name}": row[f"{split}_{name}"] for split in SPLITS for name in ("loss", "accuracy")}
        table[trial_name(row["trial_id"])] = kept
    wanted = {
        name: {column: value for column, value in row.items() if column != "settings"}
        for name, row in trial_table(expected).items()
    }
    return differences(wanted, table, ("undisturbed", "store")) + found


def _epoch_problems(connection: duckdb.DuckDBPyConnection, expected: SearchState, search_id: str) -> list[str]:
    """Epochs that are missing, doubled or different in the store: by trial, epoch and split."""
    rows = _rows(connection, "SELECT trial_id, epoch, split, loss, accuracy FROM epoch WHERE search_id = ?", search_id)
    keys = [f"{trial_name(row['trial_id'])} epoch {row['epoch']} {row['split']}" for row in rows]
    found = [f"{key} stands {count} times in the store" for key, count in Counter(keys).items() if count > 1]
    stored = {key: {"loss": row["loss"], "accuracy": row["accuracy"]} for key, row in zip(keys, rows, strict=True)}
    wanted: Table = {}
    for trial in expected.ordered():
        records = [*trial.epochs.values(), *([trial.evaluation] if trial.evaluation else [])]
        for record in records:
            for split, scores in record["splits"].items():
                key = f"{trial_name(trial.fact['trial_id'])} epoch {record['epoch']} {split}"
                wanted[key] = {"loss": scores["loss"], "accuracy": scores["accuracy"]}
        if trial.status == "COMPLETE" and sorted(trial.epochs) != list(range(1, int(trial.fact["epochs"]) + 1)):
            found.append(f"{trial_name(trial.fact['trial_id'])} has not all its epochs in the undisturbed run itself")
    return found + differences(wanted, stored, ("undisturbed", "store"))


def _repeated(home: Path, search_id: str) -> list[str]:
    """Epochs that more than one journal record states."""
    stated = Counter(
        (trial_name(record["trial_id"]), record["epoch"])
        for record in replay(home, search_id)
        if record["kind"] == "epoch"
    )
    return [f"{trial} epoch {epoch} is recorded {n} times" for (trial, epoch), n in stated.items() if n > 1]


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, search_id: str) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, [search_id])
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
