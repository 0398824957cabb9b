"""Naming the sources of a dataset's images: those of one source, or those whose file names fit a pattern."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pandas as pd
import streamlit as st

from core import statements
from pages.charts.wording import missing
from pages.components.data import catch_up, home
from pages.components.data_audit_tables import UNKNOWN, beginnings, file_name

BY = {"source": "Images of one source", "names": "Images by file name"}
NAME, SAID = "source_name", "source_said"


def editor(dataset_id: str, images: pd.DataFrame) -> None:
    """Choose images and say where they come from; `images` as `queries.image_sources` has them."""
    with st.container(border=True):
        st.markdown("**Say where images come from.** What a person says counts more than a manifest and a guess.")
        by = st.segmented_control(
            "Which images", list(BY), format_func=BY.__getitem__, default="source", required=True, key="source_by",
            label_visibility="collapsed",
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = _of_source(images) if by == "source" else _by_name(images)
            st.text_input(
                "come from", key=NAME, max_chars=80, width=260, placeholder=f"a name, or: {UNKNOWN}",
            )  # fmt: skip
            st.button(
                f"Save for {len(chosen):,} image{'s' * (len(chosen) != 1)}", icon=":material/save:", key="source_save",
                disabled=chosen.empty, on_click=_save, args=(dataset_id, chosen["image_id"].tolist()),
            )  # fmt: skip
        said = st.session_state.pop(SAID, None)
        if said:
            st.warning(said, icon=":material/warning:")
        st.caption(_preview(chosen, images, by or "source"))


def chosen_by_name(images: pd.DataFrame, pattern: str) -> pd.DataFrame:
    """The images whose file name fits `BA_*`, or whose path does where the pattern has a '/'.

    '*' is any letters, '?' one letter; capitals count. No pattern fits none.
    """
    wanted = pattern.strip()
    if not wanted:
        return images.iloc[:0]
    names = images["path"].astype(str)
    fitting = names if "/" in wanted else names.map(file_name)
    rows: pd.DataFrame = images[[fnmatchcase(name, wanted) for name in fitting]]
    return rows


def _of_source(images: pd.DataFrame) -> pd.DataFrame:
    named = images["source"].map(lambda source: UNKNOWN if missing(source) else str(source))
    counts = named.value_counts()
    names = sorted(set(counts.index) - {UNKNOWN}) + [UNKNOWN] * (UNKNOWN in counts.index)
    picked = st.selectbox(
        "Images of source", names, key="source_old", width=440,
        format_func=lambda name: f"{name} ({counts.get(name, 0):,})",
    )  # fmt: skip
    rows: pd.DataFrame = images[named == picked]
    return rows


def _by_name(images: pd.DataFrame) -> pd.DataFrame:
    pattern = st.text_input(
        "Images whose name fits", key="source_pattern", placeholder="BA_*", width=320,
        help="* stands for any letters, ? for one. Capitals count. With a '/' the whole path has to fit.",
    )  # fmt: skip
    return chosen_by_name(images, pattern)


def _preview(chosen: pd.DataFrame, images: pd.DataFrame, by: str) -> str:
    """Which images would be meant, and how names begin here."""
    words = []
    if chosen.empty:
        words.append("No image fits yet." if by == "names" else "No image is chosen.")
    else:
        counts = chosen["class"].astype(str).value_counts()
        listed = ", ".join(f"{_code(str(name))} {number:,}" for name, number in counts.head(8).items())
        more = f" and {len(counts) - 8} more classes" if len(counts) > 8 else ""
        words.append(f"{len(chosen):,} images: {listed}{more}; the first is {_code(str(chosen['path'].iloc[0]))}.")
    if by == "names":
        listed = ", ".join(f"{_code(name)} ({number:,})" for name, number in beginnings(images))
        words.append(f"Names begin with {listed}." if listed else "The names begin with no letters.")
    return " ".join(words)


def _code(text: str) -> str:
    """A person's names as code, so that nothing in them is Markdown."""
    return f"`{text.replace('`', ' ')}`"


def _save(dataset_id: str, image_ids: list[int]) -> None:
    typed = str(st.session_state[NAME]).strip()
    if not typed:
        st.session_state[SAID] = f"Type where these images come from, or: {UNKNOWN}."
        return
    name = None if typed == UNKNOWN else typed
    try:
        statements.set_sources(home(), dataset_id, dict.fromkeys(map(int, image_ids), name))
    except (ValueError, OSError) as error:
        st.session_state[SAID] = str(error)
        return
    st.session_state[NAME] = ""
    catch_up()
    number = len(image_ids)
    st.toast(f"{number:,} image{'s' * (number != 1)}: {name or 'source not known'}.")
