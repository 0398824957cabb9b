"""Which sources of an external set the models may know already, and what its manifest notes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from core.data.layout import MANIFEST
from core.data.sources import known_inside, notes_of
from pages.charts.wording import missing
from pages.components.data import read, record
from pages.components.link_tab import TAB
from pages.components.notes import plain

SOURCES_TAB = "Shortcut audit"  # of the page Data, where sources are named
LISTED = 6  # notes


def external_sources(dataset_id: str, external_id: str) -> None:
    """Both lists of names where some are alike, and the notes; nothing where there is nothing to say."""
    outside, inside = _counts(external_id), _counts(dataset_id)
    words = known_words(outside, inside)
    if words:
        st.warning(plain(words), icon=":material/join_inner:")
        st.page_link(
            "data.py", label="Name the sources of these images", icon=":material/edit:",
            query_params={"dataset": external_id, TAB: SOURCES_TAB},
        )  # fmt: skip
    notes = _notes(external_id)
    if notes:
        told = "  \n".join(plain(line) for line in notes[:LISTED])
        more = f"  \nand {len(notes) - LISTED} more notes" if len(notes) > LISTED else ""
        st.caption(f"Its {MANIFEST} notes:  \n{told}{more}")


def known_words(outside: dict[str, int], inside: dict[str, int]) -> str:
    """Which sources of an external set stand in the training set too; images by source of either. '' for none."""
    alike = known_inside(outside, inside)
    if not alike:
        return ""
    each = "; ".join(
        f"{name} ({outside[name]:,} images here; there: "
        f"{', '.join(f'{other}, {inside[other]:,} images' for other in others)})"
        for name, others in alike.items()
    )
    return (
        f"Sources of these names also stand in the training set: {each}. If they are the same, their images show "
        "classes that the models know from another source, not a source that the models have never seen."
    )


def _counts(dataset_id: str) -> dict[str, int]:
    groups = read("image_groups", dataset_id).dropna(subset="source")
    return {str(name): int(number) for name, number in groups.groupby("source")["images"].sum().items()}


def _notes(dataset_id: str) -> list[str]:
    """A line a note: of which source, of how many images."""
    root: Any = (record("dataset", dataset_id) or {}).get("root")
    if missing(root):
        return []
    try:
        stamp = (Path(str(root)) / MANIFEST).stat().st_mtime_ns
    except OSError:
        return []
    images = read("image_sources", dataset_id)
    sources = {
        str(path): "" if missing(source) else str(source)
        for path, source in zip(images["path"], images["source"], strict=True)
    }
    return _lines(str(root), stamp, tuple(sources.items()))


@st.cache_data(max_entries=16, show_spinner=False)
def _lines(root: str, stamp: int, sources: tuple[tuple[str, str], ...]) -> list[str]:
    """`stamp`: when the manifest was written; one that is written anew is read anew."""
    return [
        f"{source or 'source not known'} ({number:,} image{'s' * (number != 1)}): {note}"
        for source, notes in notes_of(Path(root), dict(sources)).items()
        for note, number in notes.items()
    ]
