"""The shortcut audit of a dataset on the page Data: baselines, classes, sources, and what cannot be known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.data.sources import patient_column
from core.evaluation.audit_words import FEATURES, FOLDS, THUMBNAIL_NOTE, folds_note, source_facts
from core.jobs import command_line
from pages.charts.audit import baselines, sensitivities
from pages.charts.wording import missing
from pages.components import data_audit_tables as tables
from pages.components.csv_button import csv_button
from pages.components.data import read, record
from pages.components.data_sources import editor
from pages.components.drawing import draw, show
from pages.components.facts import classes
from pages.components.jobs import begin, progress, standing
from pages.components.shortcut import LEVELS, NO_IMAGES
from pages.components.shortcut_badge import AUDIT
from pages.components.shortcut_badge import audits as known_audits
from store.published import DATASET_ID as PUBLISHED

WORDS = {"class": "class", "source": "source"}
GUESSED = (
    "Sources here are guessed from names, image sizes and JPEG quality, so that facts of the files predict them well "
    "says nothing"
)


def section(dataset_id: str) -> None:
    """Everything that the audit says of one dataset, and the controls that run it and name its sources."""
    if dataset_id == PUBLISHED:
        st.info(NO_IMAGES, icon=":material/info:")
        return
    audits, counts = read("audits", dataset_id), read("source_classes", dataset_id)
    st.markdown(
        "How far does one get without looking at the cell? Logistic regression on what is no cell, judged by "
        "cross-validation, says it.", anchors=False,
    )  # fmt: skip
    _verdict(dataset_id, audits)
    _run(dataset_id, audits)
    if not audits.empty:
        _baselines(dataset_id, audits)
        _per_class(dataset_id, audits)
    _sources(dataset_id, counts)


def _verdict(dataset_id: str, audits: pd.DataFrame) -> None:
    """What follows; the badge itself stands above."""
    dataset = record("dataset", dataset_id) or {}
    if not missing(dataset.get("synthetic")) and bool(dataset["synthetic"]):
        st.caption("Synthetic sample cells: these figures say nothing of medicine.")
    if not audits.empty:
        known = known_audits()
        level = LEVELS.get(known.badge(dataset_id, None).level, "")
        st.markdown(f"**{known.sentence(dataset_id, None)}** {level}", anchors=False)


def _run(dataset_id: str, audits: pd.DataFrame) -> None:
    """The button that runs the audit, its progress, and the same from a terminal."""
    status = standing(AUDIT, dataset_id)[0]
    if status != "COMPLETE":  # its outcome is what stands here
        progress(AUDIT, dataset_id, units="steps")
    if status == "RUNNING":
        return
    if audits.empty and status is None:
        st.info("This dataset has not been audited yet. It takes seconds to a few minutes, in the background.",
                icon=":material/help:")  # fmt: skip
    again = not audits.empty and _sources_changed(dataset_id, audits)
    if again:
        st.warning("The sources have changed since the audit: run it to see what they are told by.",
                   icon=":material/update:")  # fmt: skip
    left = audits.empty or again or status not in ("COMPLETE", None)  # something is to be done; the rest is kept
    arguments = ["audit", "--dataset", dataset_id, *([] if left else ["--again"])]
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Run the audit" if left else "Run the audit again", key="audit_run", icon=":material/play_arrow:",
            type="primary" if left else "secondary",
        )  # fmt: skip
        when = "" if audits.empty else f"Audited {audits['at'].max():%d %b %Y, %H:%M} UTC. "
        st.caption(f"{when}The same from a terminal: `{command_line(arguments)}`.")
    if pressed and begin(AUDIT, dataset_id, arguments):
        st.rerun()


def _sources_changed(dataset_id: str, audits: pd.DataFrame) -> bool:
    """Whether a person said something of the sources after the audit."""
    told = record("sources_told", dataset_id)
    ended = standing(AUDIT, dataset_id)[1].get("event_at")
    known = [audits["at"].max()] + ([] if missing(ended) else [ended])
    return told is not None and bool(told["at"] > max(known))


def _baselines(dataset_id: str, audits: pd.DataFrame) -> None:
    """Chart and table: accuracy of each baseline on the class and, where sources are known, on the source."""
    guessed = "guess" in set(read("image_sources", dataset_id)["told_by"].dropna())
    st.subheader("What tells the class, and what the source", anchor=False)
    grid = st.grid(2, min_column_width=400)
    for target, words in WORDS.items():
        rows = tables.judged(audits, target)
        with grid.cell():
            if rows.empty:
                st.caption("**Source**: fewer than two sources are known here, so there is none to be told apart.")
                continue
            row = rows.iloc[0]
            st.caption(
                f"**{words.capitalize()}** ({len(row['labels'])}): {int(row['n']):,} images, {int(row['folds'])}-fold "
                "cross-validation" + (f". {GUESSED}" if target == "source" and guessed else "")
            )
            if note := folds_note(words, int(row["folds"]), FOLDS):
                st.caption(note)
            show(
                draw(baselines, rows[["name", "accuracy", "low", "high", "chance", "n", "n_right"]],
                     title="cross-validated accuracy, 95 % Wilson interval"),
                key=f"audit_{target}",
                alt=f"Cross-validated accuracy of each baseline at telling the {words}, with intervals and chance",
            )  # fmt: skip
    table = tables.summary(audits)
    number: Any = st.column_config.NumberColumn(format="%.4f")
    shown = tables.for_people(table)
    st.dataframe(
        shown, hide_index=True, key="audit_table", placeholder="–",
        column_config={
            **{name: number for name in shown.columns if shown[name].dtype == float},
            **{name: st.column_config.NumberColumn(format="localized") for name in shown.columns if "images" in name},
            "baseline": st.column_config.TextColumn(pinned=True),
        },
        alt="Each baseline: what it sees, and its accuracy on class and source with interval, chance and images",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: table, f"{dataset_id}-audit", "audit_csv")
        st.caption(f"Chance is the share of the largest class, or source. {THUMBNAIL_NOTE}")


def _per_class(dataset_id: str, audits: pd.DataFrame) -> None:
    """Which classes, and which sources, each baseline tells."""
    table = tables.sensitivities(audits)
    names = [tables.NAMES[one] for one in FEATURES if one in set(audits["feature"])]
    st.subheader("Sensitivity of each baseline", anchor=False)
    grid = st.grid(2, min_column_width=400)
    for target, words in WORDS.items():
        own = table[table["target"] == target]
        if own.empty:
            continue
        with grid.cell():
            st.caption(f"**{words.capitalize()}**: share of its images that the baseline gets right")
            show(
                draw(sensitivities, own, [name for name in names if name in set(own["name"])],
                     list(dict.fromkeys(own["label"]))),
                key=f"audit_sensitivity_{target}",
                alt=f"Share of the images of each {words} that each baseline gets right",
            )  # fmt: skip
    with st.expander("As a table", icon=":material/table_rows:"):
        shown = table.drop(columns="feature").rename(columns={"name": "baseline"})
        st.dataframe(
            shown, hide_index=True, key="audit_sensitivity_table",
            column_config={"sensitivity": st.column_config.NumberColumn(format="%.4f")},
            alt="Sensitivity of each baseline for each class and source, with the images that it rests on",
        )  # fmt: skip
        csv_button(lambda: shown, f"{dataset_id}-audit-sensitivity", "audit_sensitivity_csv")


def _sources(dataset_id: str, counts: pd.DataFrame) -> None:
    """Which class comes from which source, how that is known, what cannot be known, and the editor."""
    st.subheader("Sources", anchor=False)
    if counts.empty:
        st.caption("Nothing is known of single images here.")
        return
    images = read("image_sources", dataset_id)
    unknown = int(counts.loc[counts["source"].isna(), "images"].sum())
    root = (record("dataset", dataset_id) or {}).get("root")
    patients = not missing(root) and patient_column(Path(str(root))) is not None
    facts = source_facts(tables.by_source(counts), unknown=unknown, patients=patients)
    st.markdown("\n".join(f"- {_plain(fact)}" for fact in facts), anchors=False)
    table = tables.source_table(images, classes(dataset_id))
    st.dataframe(
        table, hide_index=True, key="audit_sources", alt="Each source: who told it, and its images of each class",
        column_config={"source": st.column_config.TextColumn(pinned=True)},
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: table, f"{dataset_id}-sources", "audit_sources_csv")
        csv_button(
            lambda: images, f"{dataset_id}-image-sources", "audit_images_csv", label="Every image's source (CSV)"
        )
    editor(dataset_id, images)


def _plain(text: str) -> str:
    """Names of classes and sources are a person's: no Markdown in them."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#|~$:" else letter for letter in text)
