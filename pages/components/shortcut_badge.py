"""The badge beside every accuracy: how much of it can be had without looking at the cell. It leads to the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.charts.wording import missing
from pages.components.data import read, record
from pages.components.jobs import standing
from pages.components.link_tab import TAB
from pages.components.shortcut import NOT_AUDITED, Audits, audits_of
from store.published import DATASET_ID as PUBLISHED

AUDIT = "audit"  # the kind of job
PAGE, AUDIT_TAB = "data.py", "Shortcut audit"  # where the audit stands
LOOK: Mapping[str, tuple[str, str]] = {  # level -> (icon, colour); the words say it too
    "high": (":material/priority_high:", "orange"),
    "some": (":material/rule:", "blue"),
    "low": (":material/check:", "green"),
    "not audited": (":material/help:", "gray"),
    "running": (":material/hourglass_top:", "gray"),
}
# A link has a room, and on its own page a ground, of its own, which a badge in it need not have twice.
STYLE = """<style>
[data-testid="stPageLink-NavLink"]:has(.stMarkdownBadge) { background: none; padding-inline: 0; }
</style>"""


def audits() -> Audits:
    """What is known of all datasets: one query for the audits, one for the jobs."""
    states = {}
    for row in read("jobs", None, AUDIT).to_dict("records"):
        subject, state = str(row["subject"]), str(row["status"])
        if state == "RUNNING":
            state = standing(AUDIT, subject)[0] or state
        if state != "COMPLETE":
            states[subject] = state
    return audits_of(read("audited"), states)


def shortcut_line(dataset_id: Any, accuracy: Any, measured: str) -> None:
    """The badge with its sentence beside it, for under a row of figures; arguments as of `shortcut_badge`."""
    known = audits()
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        shortcut_badge(dataset_id, accuracy, measured, known=known)
        st.caption(known.sentence(dataset_id, accuracy, measured), width="content")


def shortcut_badge(
    dataset_id: Any, accuracy: Any, measured: str = "", *, known: Audits | None = None, synthetic: bool | None = None
) -> None:
    """Draw the badge: its words, the sentence as its tooltip, and the way to the audit where there can be one.

    Args:
        accuracy: of the model that it stands beside, in [0, 1]; missing: it speaks of the dataset alone.
        measured: whose accuracy that is and on what, such as "best trial on val".
        known: from `audits`, for a page with many; read here without it.
        synthetic: whether these are generated sample cells; looked up without it.
    """
    found = (audits() if known is None else known).badge(dataset_id, accuracy, measured)
    icon, colour = LOOK[found.level]
    said = found.sentence
    leads = not missing(dataset_id) and dataset_id != PUBLISHED
    if leads and found.level == NOT_AUDITED:
        said += " It can be started where this leads."
    if synthetic is None and leads:
        dataset = record("dataset", str(dataset_id)) or {}
        synthetic = not missing(dataset.get("synthetic")) and bool(dataset["synthetic"])
    if synthetic:
        said += " These are synthetic sample cells: it says nothing of medicine."
    if leads:
        st.page_link(
            PAGE, label=f":{colour}-badge[{icon} {found.text}]", icon="", help=said, width="content",
            query_params={"dataset": str(dataset_id), TAB: AUDIT_TAB},
        )  # fmt: skip
    else:
        st.badge(found.text, icon=icon, color=colour, help=said)  # type: ignore[arg-type]
