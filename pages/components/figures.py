"""A row of headline figures that fills the width and wraps on a narrow window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Figure:
    """One figure: its label, its value, a short line below it, and a help text. `bad` colours the line below."""

    label: str
    value: str
    below: str
    help: str
    bad: bool = False


NARROW, WIDE = 145, 190  # px; five or six wide ones wrap to rows of three, where of narrow ones some would stand alone


def figure_row(figures: Sequence[Figure], *, key: str) -> None:
    least = WIDE if len(figures) in (5, 6) else NARROW
    grid = st.grid(len(figures), min_column_width=least, border=True, key=key)
    for figure in figures:
        grid.metric(
            figure.label, figure.value, delta=figure.below, delta_color="inverse" if figure.bad else "off",
            delta_arrow="off", help=figure.help,
        )  # fmt: skip
