"""The button under a count that saves the report of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.prediction.batch import BatchRun, Item
from core.prediction.count import Differential
from pages.components.batch_tables import Reviews, reported
from pages.components.reading_report import card_of


def report_button(
    run: BatchRun, items: Sequence[Item], reviews: Reviews, count: Differential, after: Differential | None
) -> None:
    """The report is made when the button is pressed: that of 200 readings takes some seconds."""
    st.download_button(
        "Report (PDF)", lambda: report_of(run, items, reviews, count, after), f"{run.batch_id}.pdf",
        "application/pdf", icon=":material/picture_as_pdf:", on_click="ignore", key="batch_pdf",
    )  # fmt: skip


def report_of(
    run: BatchRun, items: Sequence[Item], reviews: Reviews, count: Differential, after: Differential | None
) -> bytes:
    """The PDF of a batch."""
    from core.prediction.report import batch_report  # fonts and all, which nobody waits for who wants no report

    now, about = run.progress(), run.about
    ended = "" if now.status == "complete" else f" ({now.status})"
    facts = [
        ("Batch", run.batch_id),
        ("Started", f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("Model", f"{about.model_name} ({about.model_id})"),
        ("Decided by", f"operating point: {about.point_words}" if about.point_words else "prediction set"),
        ("Files read", f"{now.done - now.refused:,} of {now.total:,}{ended}"),
    ]
    refused = [(item.name, item.why) for item in items if item.reading is None]
    return batch_report(
        f"Batch {run.batch_id}", reported(items, reviews), count, card_of(about.model_id), reviewed=after, facts=facts,
        refused=refused,
    )  # fmt: skip
