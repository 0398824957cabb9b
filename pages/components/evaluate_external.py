"""The tab "Other sources" of Evaluate: the trial on images from elsewhere, beside its own test images."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.data.external import ALIKE, how_alike
from core.evaluation.elsewhere import Outcome
from core.evaluation.external import KIND
from core.paths import trial_name
from pages.charts.external import sensitivities
from pages.charts.wording import missing, share
from pages.components import evaluate_external_gallery
from pages.components.csv_button import csv_button
from pages.components.data import read
from pages.components.drawing import draw, show
from pages.components.evaluate_view import View
from pages.components.external_sources import external_sources
from pages.components.external_tables import IN_SET, REMARK, Judged, by_source_table, side_by_side
from pages.components.external_view import external_sets, own_test
from pages.components.figures import Figure, figure_row
from pages.components.jobs import begin, progress, standing
from pages.components.link_tab import TAB

SET = "external"  # the chosen set, in the address
DATA_TAB = "Other sources"  # of the page Data


def other_sources(view: View) -> None:
    """All of it: what is being judged, what has been, or what to do while there is nothing."""
    if view.published:
        st.info("The study prints nothing of images from elsewhere, and its weights are not here to try.",
                icon=":material/info:")  # fmt: skip
        return
    st.badge(
        REMARK, icon=":material/verified_user:", color="gray",
        help="Nothing is trained or tuned on images from elsewhere; no trial, epoch or threshold is chosen by them.",
    )  # fmt: skip
    dataset_id = str(view.search["dataset_id"])
    job(dataset_id, str(view.search["search_id"]))
    judged = external_sets(view.trial_id, view.names)
    _not_yet(view, dataset_id, {part.dataset_id for part in judged})
    if judged:
        part = _choice(judged)
        own = own_test(view.trial_id, dataset_id, view.names)
        _results(view, part, [one for one in (own, part) if one is not None])


def job(dataset_id: str, search_id: str) -> None:
    """What judges the models of this search now, or could not; a job that ended well has said all by its results."""
    for subject in (search_id, dataset_id):
        if standing(KIND, subject)[0] not in (None, "COMPLETE"):
            progress(KIND, subject)


def _choice(judged: list[Judged]) -> Judged:
    known = {part.dataset_id: part for part in judged}
    names = {id_: part.name + ("" if part.registered else " (not registered any more)") for id_, part in known.items()}
    if len(known) == 1:
        (part,) = judged
        st.markdown(f"Images from elsewhere: **{names[part.dataset_id]}**", anchors=False)
        return part
    picked = st.selectbox(
        "Images from elsewhere", list(known), format_func=names.__getitem__, key=SET, bind="query-params", width=420
    )
    return known[picked or judged[0].dataset_id]


def _not_yet(view: View, dataset_id: str, known: set[str]) -> None:
    """Sets that this trial has not judged, and the way to have it judge them; or how to register one."""
    sets = read("external_sets", dataset_id)
    waiting = sets[~sets["external_id"].isin(known)]
    if sets.empty and not known:
        st.info(
            "No images from elsewhere are registered for the data of this search. How a model does on another "
            "hospital, stain or camera cannot be read from its own test images: register such images, and every final "
            "model is judged by them.", icon=":material/travel_explore:",
        )  # fmt: skip
        st.page_link("data.py", label="Register images from elsewhere", icon=":material/dataset:",
                     query_params={"dataset": dataset_id, TAB: DATA_TAB})  # fmt: skip
        st.caption("Or in a terminal:")
        st.code(f"python -m core external --of {dataset_id} --data FOLDER", language="bash")
    if waiting.empty:
        return
    names = ", ".join(str(name) for name in waiting["name"].fillna(waiting["external_id"]))
    if view.trial["status"] != "COMPLETE":
        st.info(f"This trial has not finished, so it has not read {names}.", icon=":material/hourglass_top:")
        return
    search_id = str(view.search["search_id"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"This trial has not read {names}. Final models do by themselves, once their search has finished.")
        st.button(
            "Judge this trial now", icon=":material/play_arrow:", key="judge_external", on_click=_begin,
            args=(search_id, trial_name(view.trial_id)), disabled=standing(KIND, search_id)[0] == "RUNNING",
        )  # fmt: skip


def _begin(search_id: str, name: str) -> None:
    begin(KIND, search_id, ["external", "--search", search_id, "--trial", name])


def _results(view: View, part: Judged, parts: list[Judged]) -> None:
    figure_row(_figures(parts), key="external_figures")
    st.caption(_remarks(view, part, parts))
    external_sources(str(view.search["dataset_id"]), part.dataset_id)
    table = side_by_side(parts)
    show(
        draw(sensitivities, table, inside=IN_SET), key="external_sensitivity",
        alt=f"Sensitivity of each class on the test images of the set and on {part.name}, by source, with intervals",
    )  # fmt: skip
    _table(table, "external_classes", "Each class in the set and elsewhere, by source")
    csv_button(lambda: table, f"{view.trial_id}-{part.dataset_id}-classes", "external_classes_csv")
    st.subheader("By source", anchor=False)
    sources = by_source_table(parts)
    _table(sources, "external_sources", "Accuracy and mean sensitivity of each source, in the set and elsewhere")
    csv_button(lambda: sources, f"{view.trial_id}-{part.dataset_id}-sources", "external_sources_csv")
    st.subheader(f"Images of {part.name}", anchor=False)
    evaluate_external_gallery.gallery(part, f"{view.trial_id}-{part.dataset_id}")


def _figures(parts: list[Judged]) -> list[Figure]:
    """In the set and elsewhere; sources apart, and all of them together only beside each."""
    found = []
    for part in parts:
        where = "In the set" if part.name == IN_SET else "Elsewhere"
        outcomes = dict(part.sources) if part.name != IN_SET else {}
        if len(outcomes) != 1:
            outcomes = {"": part.whole} | outcomes
        for source, outcome in list(outcomes.items())[:5]:
            label = f"{where}: {source}" if source else f"{where}, all sources" if part.name != IN_SET else where
            found.append(
                Figure(label, share(outcome.accuracy), f"{_ends(outcome)}, n {outcome.n:,}",
                       f"Accuracy: {outcome.right:,} of {outcome.n:,} images called right; below it the 95 % Wilson "
                       "interval.")
            )  # fmt: skip
    last = parts[-1].whole
    if last.macro is not None:
        of = len(last.classes)
        found.append(
            Figure("Elsewhere: macro", share(last.macro.value), f"{share(last.macro.low)} to {share(last.macro.high)}",
                   f"Macro average of the sensitivities of the {of} class{'es' * (of != 1)} that are there; 95 % "
                   f"interval by {last.macro.method}.")
        )  # fmt: skip
    return found


def _ends(outcome: Outcome) -> str:
    return f"{share(outcome.low)} to {share(outcome.high)}"


def _remarks(view: View, part: Judged, parts: list[Judged]) -> str:
    """What the figures rest on, and what cannot be known from them."""
    most = max(part.whole.classes, key=lambda one: one.support)
    words = [
        f"Accuracy weighs every image alike: of the {part.whole.n:,} of {part.name}, {most.support:,} are {most.name}."
    ]
    if part.whole.absent:
        words.append(
            f"It has no image of {', '.join(part.whole.absent)}: only the classes that are there are averaged, and how "
            "a model does on the others elsewhere cannot be told by it."
        )
    sets = read("external_sets", str(view.search["dataset_id"])).set_index("external_id")
    if part.dataset_id in sets.index:
        row: dict[Any, Any] = sets.loc[part.dataset_id].to_dict()
        again = "" if missing(row["alike"]) else how_alike(int(row["shared"]), int(row["alike"]))
        left = [
            (row["unknown"], "of classes that the model does not know"),
            (row["shared"], f"that are in the set too{again}"),
        ]  # fmt: skip
        told = [f"{int(number):,} {why}" for number, why in left if not missing(number) and number]
        if told:
            words.append(f"Left out: {' and '.join(told)}.")
        if missing(row["searched"]):
            words.append(f"Images that are {ALIKE} have not been looked for in the data that are trained on.")
    if len(parts) == 1:
        words.append("The probabilities of the set's own test images are not known, so nothing stands beside.")
    return " ".join(words)


def _table(table: pd.DataFrame, key: str, alt: str) -> None:
    """With each interval as one column of text."""
    shown = table.copy()
    for value, low, high in (("sensitivity", "low", "high"), ("accuracy", "low", "high"),
                             ("macro sensitivity", "macro low", "macro high")):  # fmt: skip
        if value in shown:
            words = [f"{share(a)} to {share(b)}" for a, b in zip(table[low], table[high], strict=True)]
            shown.insert(list(shown.columns).index(value) + 1, f"{value} 95 %", words)
            shown = shown.drop(columns=[low, high])
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(format="%.4f") for name in ("sensitivity", "accuracy", "macro sensitivity")
    }
    columns["source"] = st.column_config.TextColumn(width=170)
    columns["n"] = st.column_config.NumberColumn(help="images")
    columns["times"] = st.column_config.NumberColumn(help="images that were called so")
    columns["classes"] = st.column_config.NumberColumn(help="classes with images: only these are averaged")
    st.dataframe(shown, hide_index=True, column_config=columns, placeholder="–", key=key, alt=alt)
