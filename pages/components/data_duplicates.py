"""Images of one dataset that show the same cells: groups as pictures side by side, what connects them, a clean copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.data.dataset import Dataset, DatasetError
from core.data.duplicates import BLIND, search_words
from core.data.pairs import leak_sentence
from core.jobs import command_line
from core.paths import dataset_file
from pages.charts.wording import missing
from pages.components.csv_button import csv_button
from pages.components.data import home, read, record
from pages.components.data_again import import_again
from pages.components.data_images import folder
from pages.components.duplicate_groups import KINDS, SHOWN, grouped, images_of, kept, pair_words
from pages.components.pictures import draw_picture

SHOW, PAGE = "duplicates", "duplicates_page"  # in the address
A_PAGE = 6  # groups
MOST = 12  # images of one group that are drawn
SIDE = 320  # px
COLUMNS = [
    "group", "kind", "path_a", "path_b", "class_a", "class_b", "split_a", "split_b", "transform", "distance",
    "correlation", "dx", "dy", "leak", "conflict",
]  # fmt: skip


def section(dataset_id: str) -> None:
    """Everything about the duplicates of a dataset."""
    if read("dataset_counts", dataset_id).empty:
        st.info("There is no list of this dataset's images here, so none could be compared.", icon=":material/info:")
        return
    pairs = read("duplicate_pairs", dataset_id)
    searched, more = _searched(dataset_id)
    if not more:
        import_again(dataset_id, searched)
    if pairs.empty:
        found = f"No two images show the same cells, as far as could be found. {searched}"
        st.info(found if more else "No equal pixels were found.", icon=":material/info:")
        st.caption(BLIND)
        return
    pairs = grouped(pairs)
    _summary(dataset_id, pairs)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        show = st.segmented_control(
            "Show", list(SHOWN), format_func=SHOWN.__getitem__, default="all", required=True, key=SHOW,
            bind="query-params", on_change=_to_first_page,
        ) or "all"  # fmt: skip
        rows = kept(pairs, show)
        csv_button(lambda: rows[COLUMNS], f"{dataset_id}-duplicates", "duplicates_csv", label="CSV of these pairs")
    if rows.empty:
        st.info(_nothing(show), icon=":material/check_circle:")
    else:
        _groups(dataset_id, rows)
        with st.expander(f"All {len(rows):,} pairs as a table", icon=":material/table_rows:"):
            _table(rows)
    st.caption(f"{searched} {BLIND}" if more else BLIND)
    _clean(dataset_id)


def _summary(dataset_id: str, pairs: pd.DataFrame) -> None:
    kinds = pairs["kind"].value_counts()
    parts = ", ".join(f"{int(kinds[kind]):,} {words}" for kind, words in KINDS.items() if kind in kinds)
    groups, images = int(pairs["group"].max()), len(images_of(pairs))
    st.markdown(
        f"**{groups:,} group{'s' * (groups != 1)}** of {images:,} images that show the "
        f"same cells. Pairs: {parts}. A split that is made keeps each group in one part.",
        anchors=False,
    )
    rows = read("leaks", dataset_id)
    found = {(str(row["split_a"]), str(row["split_b"])): int(row["pairs"]) for row in rows.to_dict("records")}
    if found:
        st.warning(leak_sentence(found), icon=":material/leak_add:")


def _groups(dataset_id: str, rows: pd.DataFrame) -> None:
    numbers = sorted(rows["group"].unique())
    pages = -(-len(numbers) // A_PAGE)
    at = st.pagination(pages, key=PAGE, bind="query-params") if pages > 1 else 1
    shown = numbers[(at - 1) * A_PAGE : at * A_PAGE]
    st.caption(f"{len(shown):,} of {len(numbers):,} groups, those with a leak first, then label conflicts.")
    root = folder(record("dataset", dataset_id) or {})
    for number in shown:
        _group(int(number), rows[rows["group"] == number], root)


def _group(number: int, pairs: pd.DataFrame, root: Path | None) -> None:
    images = images_of(pairs)
    with st.container(border=True, key=f"duplicate_group_{number}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**Group {number}**, {len(images):,} images", anchors=False, width="content")
            if pairs["leak"].any():
                st.badge("leak", icon=":material/leak_add:", color="orange", help="Its images lie in two splits.")
            if pairs["conflict"].any():
                st.badge("label conflict", icon=":material/label_off:", color="red",
                         help="The same picture is filed under two classes: at least one label is wrong.")  # fmt: skip
        grid = st.grid(4, min_column_width=150, gap="small")
        for row in images.head(MOST).to_dict("records"):
            with grid.cell():
                _card({str(name): value for name, value in row.items()}, root)
        if len(images) > MOST:
            st.caption(f"The other {len(images) - MOST:,} are in the table.")
        lines = [
            f"{Path(str(row['path_a'])).name} and {Path(str(row['path_b'])).name}: "
            f"{pair_words({str(name): value for name, value in row.items()})}"
            for row in pairs.head(MOST).to_dict("records")
        ]
        st.caption("  \n".join(_plain(line) for line in lines))


def _card(row: dict[str, Any], root: Path | None) -> None:
    path = str(row["path"])
    where = "left out" if row["status"] != "ok" else str(row["split"])
    if root is not None:
        draw_picture(root, path, row["sha256"], SIDE, f"{row['class']}, {where}")
    st.caption(f"**{_plain(str(row['class']))}** {where}  \n{_plain(Path(path).name)}", help=path)


def _table(rows: pd.DataFrame) -> None:
    st.dataframe(
        rows[COLUMNS], hide_index=True, key="duplicate_table", placeholder="–",
        alt="Pairs of images that show the same cells: kind, paths, classes, splits, correlation",
        column_config={
            "kind": st.column_config.TextColumn(help="exact: equal pixels; near: same picture; overlap: two crops"),
            "distance": st.column_config.NumberColumn("bits", help="in which their perceptual hashes differ, of 64"),
            "correlation": st.column_config.NumberColumn(format="%.3f"),
            "dx": st.column_config.NumberColumn(format="%.2f", help="b lies so far to the right, share of the width"),
            "dy": st.column_config.NumberColumn(format="%.2f", help="b lies so far down, share of the height"),
        },
    )  # fmt: skip


def _clean(dataset_id: str) -> None:
    """How to have a copy without all this."""
    dataset = record("dataset", dataset_id) or {}
    root = dataset.get("root")
    if missing(root) or not Path(str(root)).is_dir():
        return
    st.markdown("**A cleaned copy**", anchors=False)
    st.caption(
        "One image of each picture (none where labels contradict), no crops of a field that is in a more held-out "
        "given split, no files that cannot be used; a manifest.csv says what was left out and why. The original "
        "stays as it is. Import the copy afterwards: it is a dataset of its own."
    )
    st.code(command_line(["data", root, "--clean", f"{root}-clean"]), language="bash", wrap_lines=True)


def _searched(dataset_id: str) -> tuple[str, bool]:
    """What was looked for, from the description of the data set, and whether more than equal pixels was."""
    file = dataset_file(home(), dataset_id)
    try:
        stamp = file.stat().st_mtime_ns
    except OSError:
        return search_words("", 0), False
    return _described(str(file), stamp)


@st.cache_data(max_entries=16, show_spinner=False)
def _described(file: str, stamp: int) -> tuple[str, bool]:
    """`stamp`: when the description was written; one that is written anew is read anew."""
    try:
        dataset = Dataset.load(Path(file))
    except DatasetError:
        return search_words("", 0), False
    return search_words(dataset.searched, len(dataset.usable), dataset.crowded), bool(dataset.searched)


def _nothing(show: str) -> str:
    if show == "leaks":
        return "No pair lies in two splits: no image of a held-out split was found in another one."
    return "No picture was found under two classes."


def _to_first_page() -> None:
    if PAGE in st.session_state:
        st.session_state[PAGE] = 1


def _plain(text: str) -> str:
    """File names are no Markdown."""
    return "".join(f"\\{char}" if char in "\\`*_[]#$~<>:" else char for char in text)
