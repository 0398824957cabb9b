"""Many statements in one process that is confined as a query's own is: half a second for all of them, not for each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from store.database import open_memory, prepare
from store.ingest import Ingestor
from store.sandbox.limits import Limits
from store.snapshot import copy_store
from tests.store.factory import write_search

ROOT = Path(__file__).resolve().parents[3]
CODE = """
import json, os, sys
from pathlib import Path
from store.sandbox.child import answer, open_locked
from store.sandbox.confine import confine
from store.sandbox.limits import Limits
request = json.loads(sys.stdin.readline())
limits = Limits(**request["limits"])
confine(limits)
folder = Path(request["folder"])
connection = open_locked(Path(request["snapshot"]), folder, limits)
for sql in request["statements"]:
    print(json.dumps(answer(connection, sql, folder, limits)), flush=True)
for name in ("", ".wal", ".wal.recovery", ".wal.checkpoint"):  # these DuckDB itself allows: see open_locked
    try:
        connection.execute(f"COPY (SELECT 1) TO '{folder}/store.duckdb{name}' (USE_TMP_FILE false)").fetchall()
    except Exception as error:
        print(f"{name} {error}", file=sys.stderr)
os._exit(0)
"""


def make_snapshot(home: Path, path: Path) -> None:
    """A copy of the store of a small made-up search."""
    write_search(home, epochs=1, trials=1)
    store = open_memory()
    prepare(store)
    Ingestor(store, home).poll()
    copy_store(store.cursor(), path)


def answers(snapshot: Path, folder: Path, limits: Limits, statements: list[str]) -> dict[str, dict[str, Any]]:
    """What `answer` says to each statement."""
    request = {"snapshot": str(snapshot), "folder": str(folder), "limits": asdict(limits), "statements": statements}
    done = subprocess.run(
        [sys.executable, "-c", CODE], input=json.dumps(request) + "\n", text=True, capture_output=True, cwd=ROOT,
        timeout=120, env={**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"},
    )  # fmt: skip
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(statements), done.stderr[-2000:]
    return dict(zip(statements, found, strict=True))
