"""One search as a zip that speaks for itself: settings, machine, data, tables, figures, the command that repeats it."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from pages.charts import export
from pages.charts.wording import missing
from pages.components.bundle_figures import figures
from pages.components.bundle_tables import SearchTables
from store.contract import comment
from store.queries.frame import Cursor

_TABLES = {  # file: (what it holds, the contract tables whose comments explain its columns)
    "trials": ("the trials, in the order asked", ("trial",)),
    "cycles": ("the finished cycles: candidates, choice, runner-up, DE_COUNT", ("cycle",)),
    "epochs": ("loss and accuracy of every trial, split and epoch", ("epoch",)),
    "class_report": ("counts and rates of each class, every trial, split and epoch", ("class_report", "class_metric")),
    "confusion": ("confusion matrices after the last epoch of every trial and split", ("confusion",)),
    "predictions-test": ("p_<class> of every test image after the last epoch of every trial", ("prediction", "image")),
    "external": (
        "images from elsewhere, a row a trial, set, class and source: right, sensitivity with 95 % Wilson interval; "
        "reported, never used to choose",
        ("external_set",),
    ),
    "predictions-external": (
        "p_<class> of every image from elsewhere, each trial that read it",
        ("external_prediction", "image"),
    ),
    "images": ("the data set's manifest: every file with hash, class and split, bad ones with the reason", ("image",)),
    "notes": ("notes and tags of the search and its trials", ("annotation",)),
    "audit": ("the shortcut audit of its images: what is told without looking at the cell", ("audit",)),
    "source_classes": ("which classes come from which source: usable images of each", ("image_source", "image")),
}  # fmt: skip
_JSON = ("settings", "environment", "settled")


def write_bundle(cursor: Cursor, search_id: str, file: BinaryIO) -> None:
    """Write the zip, all of it below a folder named after the search. Raises BundleError when there is none."""
    tables = SearchTables(cursor, search_id)
    told: list[str] = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as bundle:

        def put(name: str, content: str) -> None:
            bundle.writestr(f"{search_id}/{name}", content)

        for name, content, what in _facts(tables):
            put(name, content)
            told.append(f"  {name}: {what}")
        present = set()
        for name, table in tables.tables():
            put(f"{name}.csv", table.to_csv(index=False))
            told += _explained(name, table)
            present.add(name)
        drawn = [(f"figures/{name}.html", title, figure) for name, title, figure in figures(tables)]
        for path, title, figure in drawn:
            put(
                path,
                export.as_page(figure, title, name=path.rpartition("/")[2].removesuffix(".html"), library="beside"),
            )
        if drawn:
            put(f"figures/{export.LIBRARY}", export.library())
            told += ["", f"Figures (open in a browser; each needs {export.LIBRARY} beside it):"]
            told += [f"  {path}: {title}" for path, title, _ in drawn]
        put("README.txt", "\n".join([*_head(tables), *told, *_absent(tables, present)]) + "\n")


def _facts(tables: SearchTables) -> Iterator[tuple[str, str, str]]:
    """(file, content, what it is) of what is no table."""
    search = tables.search
    if not missing(search["command"]):
        yield "command.txt", f"{search['command']}\n", "the command that repeats it, run in the folder of the code"
    words = {
        "settings": "every setting of the search",
        "environment": "code version, packages and machine that it ran on",
        "settled": "what all its trials share: initial weights, device, threads",
    }
    for name in _JSON:
        if not missing(search.get(name)):
            value = search[name]
            plain = json.loads(value) if isinstance(value, str) else value
            yield f"{name}.json", json.dumps(plain, indent=2, ensure_ascii=False) + "\n", words[name]
    rest = {name: value for name, value in search.items() if name not in (*_JSON, "command", "pid", "host", "stage")}
    yield "search.json", _as_json(rest), "the search itself: status, DE_COUNT, best trial, model, times (UTC)"
    if tables.dataset is not None:
        yield "dataset.json", _as_json(tables.dataset), "the data set: id (a hash of content and split), classes, split"


def _head(tables: SearchTables) -> list[str]:
    search = tables.search
    lines = [
        f"{search['name']} ({tables.search_id})",
        "",
        f"A search of CellAscent as it stood at {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: status {search['status']}.",
        "Research use only. Not a medical device.",
    ]
    if not missing(search["synthetic"]) and bool(search["synthetic"]):
        lines.append("Its images are synthetic sample cells: these figures say nothing of medicine.")
    lines += [
        "Test images are reported and were never used to choose anything.",
        f"Shortcuts: {tables.shortcut().sentence}",
        "Rates are in [0, 1], losses plain means per image, times UTC. An empty cell is unknown.",
        "",
        "Files:",
    ]
    return lines


def _explained(name: str, table: pd.DataFrame) -> list[str]:
    what, sources = _TABLES[name]
    lines = [f"  {name}.csv: {what} ({len(table):,} rows)"]
    for column in table.columns:
        names = (str(column), "recorded_at") if column == "at" else (str(column),)
        found = (comment(source, name) for source in sources for name in names)
        said = next((text for text in found if text), "")
        if said:
            lines.append(f"      {column}: {said}")
    return lines


def _absent(tables: SearchTables, present: set[str]) -> list[str]:
    """What a reader may look for in vain, and why."""
    lines = []
    published = tables.search["origin"] == "published"
    why = "the study does not publish them" if published else "the store has none yet"
    for name, what in (("predictions-test", "probabilities of single images"), ("images", "the list of images")):
        if name not in present:
            lines.append(f"  {name}.csv: {what}: {why}")
    if not published:
        lines.append(
            "  predictions of validation images at every epoch, and the weights: in the store only "
            "(python -m core store export FILE.duckdb; folder trials)"
        )
    return ["", "Not here:", *lines] if lines else []


def _as_json(row: dict[str, Any]) -> str:
    return json.dumps({name: _plain(value) for name, value in row.items()}, indent=2, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(one) for one in value]
    if missing(value):
        return None
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, bool | int | float | str) else str(value)
