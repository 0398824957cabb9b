"""Reading a dataset's folder once more, as it was read, for what earlier versions did not look for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import streamlit as st

from core.data.command import to_arguments
from core.data.dataset import DEFAULT_FRACTIONS, HELD_OUT_FRACTIONS
from core.jobs import command_line
from pages.charts.wording import missing
from pages.components.data import home, record
from pages.components.data_import import start_import


def import_again(dataset_id: str, why: str) -> None:
    """Why it is worth it, and the button and the command that do it; without them where the folder is gone."""
    dataset = record("dataset", dataset_id) or {}
    root = dataset.get("root")
    with st.container(border=True, key="import_again_box"):
        st.markdown(f":material/manage_search: {why}", anchors=False)
        if missing(root) or not Path(str(root)).is_dir():
            st.caption(f"Its folder {'is not known here' if missing(root) else f'`{root}` is not there any more'}.")
            return
        st.caption(
            "Images that turn out to show the same cells are then kept in one split. Where that changes the split, it "
            "becomes a dataset of its own beside this one."
        )
        options = options_of(dataset)
        if st.button("Import again", icon=":material/replay:", key="import_again"):
            start_import(Path(str(root)), options)
            st.rerun()
        st.code(command_line(to_arguments(Path(str(root)), home() / "downloads", **options)), language="bash",
                wrap_lines=True)  # fmt: skip


def options_of(dataset: dict[str, Any]) -> dict[str, Any]:
    """The options with which it was read, for `core.data.command.to_arguments`."""
    fractions = {} if missing(dataset["fractions"]) else dict(json.loads(str(dataset["fractions"])))
    if fractions == HELD_OUT_FRACTIONS:
        return {"held_out": True}
    seed = 0 if missing(dataset["split_seed"]) else int(dataset["split_seed"])
    return {"seed": seed, "fractions": fractions or dict(DEFAULT_FRACTIONS)}
