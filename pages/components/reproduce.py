"""How a search can be repeated: its command, what it ran with, and what is another here and now."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.environment import HASH, differences, environment, flat, in_words, unrecorded
from core.search.commands import exact_command
from core.search.settings import SearchSettings
from pages.charts.wording import missing
from pages.components import data_check
from pages.components.copy_button import copy_button
from pages.components.csv_button import csv_button
from pages.components.data import home, read, record
from pages.components.guard import guarded
from pages.components.unpacked import unpacked

NOT_RECORDED = "not recorded"
LABELS = {"code": "code version", HASH: "hash of core/", "training": "training version"}
ROW, ROWS = 33, 10  # px, rows at once


@guarded
def reproduce_panel(search: dict[str, Any]) -> None:
    """Folded away, and only worked out when it is open; it does not change while the search runs."""
    with st.expander("Reproduce", icon=":material/replay:", key="reproduce", bind="query-params") as opened:
        if opened.open:
            _panel(search)


def _panel(search: dict[str, Any]) -> None:
    settings, settled = unpacked(search["settings"]), unpacked(search["settled"])
    then = unpacked(search["environment"])
    if search["origin"] == "published":
        st.markdown(
            f"{then.get('source', '')}. The study tells neither its code nor versions, seed or split: "
            f"{NOT_RECORDED}, so it cannot be repeated to the bit."
        )
    else:
        _command(search, settings, settled)
        _verdict(search, settled, then, now())
        data_check.data_check(search, settings)
    tables = {
        "What it ran with": ran_with(search, settings, settled, then),
        "Then and now": then_and_now(then, now()) if search["origin"] == "own" else pd.DataFrame(),
        "Settings": pd.DataFrame(_flat(settings).items(), columns=["setting", "value"]).astype(str),
    }
    grid = st.grid(3, min_column_width=330)
    for title, table in tables.items():
        if not table.empty:
            with grid.container():
                st.caption(title)
                st.dataframe(
                    table, hide_index=True, row_height=ROW, height=ROW * (ROWS + 1) + 3, alt=title,
                    column_config={"": st.column_config.TextColumn(width=28)},
                )  # fmt: skip
    csv_button(lambda: _csv(tables), f"{search['search_id']}-reproduce", "reproduce_csv")


def _command(search: dict[str, Any], settings: dict[str, Any], settled: dict[str, Any]) -> None:
    command = _whole(settings, settled) if settled else search["command"]
    if missing(command):
        st.markdown(f"The command that repeats it: {NOT_RECORDED}.")
        return
    st.code(in_lines(str(command)), language=None, wrap_lines=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        copy_button("Copy the command", str(command), key="copy_command")
        st.caption(
            "Run it in the folder of the code; `--home DIR` keeps the second run apart. It names every setting, the "
            "weights that the trials started from, and the thread count, which decides the last bits."
            if settled
            else "This is what started it. What it settled then (weights, device, threads) is not recorded."
        )


def in_lines(command: str, width: int = 88) -> str:
    """A long command line broken before its options, as a shell reads it."""
    lines: list[str] = []
    for word in map(shlex.quote, shlex.split(command)):
        # An option and its value stay together.
        if not lines or (word.startswith("--") and len(lines[-1]) > width - 30):
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return " \\\n  ".join(lines)


def _whole(settings: dict[str, Any], settled: dict[str, Any]) -> str:
    """The command as the search recorded it; an older one recorded only what it consists of."""
    files = [str(file) if file else "none" for _, file in _weights(settled)]
    listed = ",".join(dict.fromkeys(files)) if set(files) - {"none"} else None
    return exact_command(SearchSettings.from_json(settings), listed, settled["device"], settled["threads"])


def _verdict(search: dict[str, Any], settled: dict[str, Any], then: dict[str, Any], here: dict[str, Any]) -> None:
    for message in read("resumptions", search["search_id"])["message"]:
        st.warning(f"Not all of it ran with the same: {message}", icon=":material/difference:")
    kind, sentence = verdict(settled, then, here)
    {"same": st.success, "differs": st.warning, "unknown": st.info}[kind](
        sentence,
        icon={"same": ":material/check_circle:", "differs": ":material/difference:"}.get(kind, ":material/help:"),
    )


def verdict(settled: dict[str, Any], then: dict[str, Any], here: dict[str, Any]) -> tuple[str, str]:
    """("same" | "differs" | "unknown", what a second run here and now would give and why, in plain sentences)."""
    found = [one for one in differences(then, here) if one.decides]
    gone = ", ".join(str(file) for _, file in _weights(settled) if file is not None and not file.exists())
    lacking = [LABELS.get(name, name) for name in unrecorded(then)] + ([] if settled else ["weights, device, threads"])
    if found or gone:
        reasons = [in_words(found)] if found else []
        reasons += [f"the initial weights {gone} are gone: put the file back"] if gone else []
        return "differs", f"A second run here and now may give other numbers: {'; '.join(reasons)}."
    if lacking:
        unknown = f"Whether a second run here gives the same numbers cannot be told. {NOT_RECORDED.capitalize()}: "
        return "unknown", f"{unknown}{', '.join(lacking)}."
    if settled["device"] != "cpu":
        return "unknown", (
            "Code, packages and settings are the same here and now. It ran on a GPU, which adds in no fixed order: a "
            "second run comes close, but not to the last bit."
        )
    return "same", (
        "Code, packages, processor, device and threads are the same here and now: a second run on the same images "
        "gives the same trial table to the last bit."
    )


def ran_with(
    search: dict[str, Any], settings: dict[str, Any], settled: dict[str, Any], then: dict[str, Any]
) -> pd.DataFrame:
    """The facts of one search, a row each. Columns: fact, value."""
    dataset_id = "" if missing(search["dataset_id"]) else str(search["dataset_id"])
    dataset = record("dataset", dataset_id) or {}
    hashed = record("split_hash", dataset_id) or {}
    weights = [one for one, _ in _weights(settled)]
    device = settled.get("device")
    facts = {
        "code version": then.get("code"), "seed": settings.get("seed"),
        "device": f"{device}, {settled['gpu']}" if settled.get("gpu") else device,
        "threads a trial": settled.get("threads"), "trials at once": settled.get("parallel"),
        "initial weights": "; ".join(dict.fromkeys(str(one.get("origin")) for one in weights)) or None,
        "weights sha256": ", ".join(str(one.get("sha256") or "none") for one in weights) or None,
        "dataset id": dataset_id or None, "split hash": hashed.get("split_hash"),
        "split": _split(dataset), "images": dataset.get("usable"), "data": settings.get("data"),
    }  # fmt: skip
    values = [NOT_RECORDED if missing(value) else str(value) for value in facts.values()]
    return pd.DataFrame({"fact": list(facts), "value": values})


def then_and_now(then: dict[str, Any], here: dict[str, Any]) -> pd.DataFrame:
    """Code, packages and machine side by side, what differs first. Columns: a mark, fact, then, here and now."""
    before, after = flat(then), flat(here)
    names = [*after, *(name for name in before if name not in after)]
    rows = [(LABELS.get(name, name), before.get(name, NOT_RECORDED), after.get(name, "")) for name in names]
    marked = [("≠" if old not in (new, NOT_RECORDED) else "", name, old, new) for name, old, new in rows]
    table = pd.DataFrame(marked, columns=["", "fact", "then", "here and now"])
    return table.sort_values("", ascending=False, kind="stable")


@st.cache_data(ttl=30, max_entries=1, show_spinner=False)
def now() -> dict[str, Any]:
    """This machine's environment, asked again after half a minute."""
    return environment()


def _weights(settled: dict[str, Any]) -> list[tuple[dict[str, Any], Path | None]]:
    """What the trials of each backbone started from, and its file: where it was, or in this home, which may have moved.

    The first backbone's comes first; [] where none is recorded.
    """
    recorded = [settled.get("weights") or {}, *(settled.get("others") or {}).values()]
    return [(one, _file(one.get("path"))) for one in recorded if one]


def _file(recorded: str | None) -> Path | None:
    if recorded is None:
        return None
    moved = home() / "weights" / Path(recorded).name
    return moved if moved.exists() and not Path(recorded).exists() else Path(recorded)


def _split(dataset: dict[str, Any]) -> str | None:
    origin = dataset.get("split_origin")
    if missing(origin):
        return None
    return "given by folders" if origin == "given" else f"made with seed {dataset['split_seed']}"


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat_: dict[str, Any] = {}
    for name, inner in value.items():
        flat_ |= _flat(inner, f"{prefix}{name}.") if isinstance(inner, dict) else {f"{prefix}{name}": inner}
    return flat_


def _csv(tables: dict[str, pd.DataFrame]) -> str:
    named = {"setting": "fact", "then": "value"}
    whole = pd.concat([table.rename(columns=named).assign(table=title) for title, table in tables.items()])
    return whole.reindex(columns=["table", "fact", "value", "here and now"]).to_csv(index=False)
