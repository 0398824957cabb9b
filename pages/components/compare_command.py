"""`python -m core compare SEARCH ...`: the finished trials of searches as one table, from their journals."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from core.paths import default_home, trial_name
from pages.charts.wording import missing
from pages.components.cost_tables import (
    INTERVAL,
    MEMORY,
    PACES,
    SHIFTED,
    SWAP,
    TEST,
    elsewhere,
    figures,
    finished,
    outcome_table,
)  # fmt: skip
from pages.components.external_tables import REMARK
from store import queries
from store.queries.frame import Cursor
from store.single import store_of

SHORT = {  # column of the table -> its head in the terminal
    "trial": "trial", "backbone": "backbone", "recipe": "recipe", "image size (px)": "px", "val accuracy": "val",
    SWAP: "swapped", TEST: "test", TEST + INTERVAL: "of; 95 %", SHIFTED: "shifted", "parameters": "parameters",
    PACES[0]: "train/s", PACES[1]: "predict/s", MEMORY: "GB",
}  # fmt: skip


class CompareError(ValueError):
    """There is nothing to compare; the message says what is missing."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m core compare", description="Finished trials as one table.")
    parser.add_argument("searches", metavar="SEARCH", nargs="+", help="id of a search")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write the table there too, with every column")
    parser.add_argument("--home", type=Path, default=None, help="where everything lives (CELLASCENT_HOME, ./var)")
    arguments = parser.parse_args(argv)
    try:
        print(compare((arguments.home or default_home()).absolute(), arguments.searches, arguments.csv))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def compare(home: Path, searches: Sequence[str], csv: Path | None = None) -> str:
    """The tables for the terminal, written to `csv` too where given. Raises CompareError, OSError."""
    wanted = list(dict.fromkeys(searches))
    with store_of(home, *wanted) as connection:

        def query(name: str, *arguments: object) -> pd.DataFrame:
            found: pd.DataFrame = getattr(queries, name)(connection, *arguments)
            return found

        rows = finished(query, _trials(connection, home, wanted))
        if rows.empty:
            raise CompareError(f"No trial of {', '.join(wanted)} has finished yet; compare once one has.")
        ids = zip(rows["trial_id"], rows["search_id"], strict=True)
        names = {str(trial_id): _name(str(trial_id), str(search_id), len(wanted)) for trial_id, search_id in ids}
        table = outcome_table(query, rows, names)
        cells = elsewhere(query, list(rows["trial_id"]))
    parts = [_main_table(table), *_elsewhere(cells, table["trial"]), *_notes(table)]
    if csv is not None:
        table.reset_index(names="trial_id").to_csv(csv, index=False)
        parts.append(f"Wrote {csv}: {len(table)} trials, {len(table.columns) + 1} columns.")
    return "\n\n".join(parts)


def _trials(connection: Cursor, home: Path, searches: Sequence[str]) -> list[str]:
    found: list[str] = []
    for search_id in searches:
        if queries.search(connection, search_id).empty:
            raise CompareError(f"There is no search {search_id} in {home}.")
        found += queries.trials(connection, search_id)["trial_id"].tolist()
    return found


def _name(trial_id: str, search_id: str, searches: int) -> str:
    return trial_name(trial_id) if searches == 1 else f"{trial_name(trial_id)} of {search_id}"


def _main_table(table: pd.DataFrame) -> str:
    shown = {head: [_cell(name, entry) for entry in table[name]] for name, head in SHORT.items() if name in table}
    return _laid_out(list(shown), list(zip(*shown.values(), strict=True)))


def _elsewhere(cells: pd.DataFrame, names: pd.Series) -> list[str]:
    """A table an external set: a row a trial, a column a figure."""
    tables: dict[str, dict[str, pd.Series]] = {}
    for set_, what, own in figures(cells):
        told = [f"{right / n:.4f} ({right}/{n})" for right, n in zip(own["right"], own["n"], strict=True)]
        tables.setdefault(set_, {})[what.rstrip(",")] = pd.Series(told, index=own.index)
    parts = []
    for set_, columns in tables.items():
        table = pd.DataFrame(columns).reindex([id_ for id_ in names.index if id_ in set(cells["trial_id"])])
        table = table.dropna(how="all").fillna("–")
        lines = [[names[id_], *row] for id_, row in zip(table.index, table.to_numpy().tolist(), strict=True)]
        title = f"Images from elsewhere, {set_}: accuracies, and the sensitivity on each class ({REMARK})"
        parts.append(f"{title}\n{_laid_out(['trial', *table.columns], lines)}")
    return parts


def _notes(table: pd.DataFrame) -> list[str]:
    said = ["Test: images called right, 95 % Wilson interval. GB: most memory of the training process."]
    if SWAP in table:
        said.append(f"Swapped: {SWAP}.")
    if SHIFTED in table:
        said.append("Shifted: mean accuracy over all shifts and severities.")
    starts = table.groupby("initial weights", sort=False)["backbone"].unique()
    lines = [
        f"{', '.join(str(one) for one in backbones)}: {weights or 'not recorded'}"
        for weights, backbones in starts.items()
    ]
    return [" ".join(said), "\n".join(["Initial weights", *lines])]


def _cell(name: str, entry: object) -> str:
    if missing(entry) or entry == "":
        return "–"
    if name == "parameters":
        return f"{entry:,}"
    if isinstance(entry, float):
        return f"{entry:.1f}" if name in PACES else f"{entry:.2f}" if name == MEMORY else f"{entry:.4f}"
    return str(entry)


def _laid_out(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(heads, *lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in [heads, *lines]
    )


if __name__ == "__main__":
    sys.exit(main())
