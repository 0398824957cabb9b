"""How far model and expert agree on what the filter leaves: figures, classes, and what either left open."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.evaluation.agreement import Agreement, Share, agreement
from core.prediction.reading import name_of
from pages.charts.agreement import agreement as chart
from pages.charts.wording import share
from pages.components.csv_button import csv_button
from pages.components.data import read
from pages.components.drawing import draw, show
from pages.components.figures import Figure, figure_row
from store.queries import Wanted

FEW = 30  # reviewed images
CAUTION = (
    "The expert saw the model's call before judging, which favours agreement, and people choose what they review: this "
    "is not the accuracy on a random sample."
)


def section(wanted: Wanted) -> None:
    counts = read("review_counts", wanted)
    found = agreement(counts.astype(object).where(counts.notna(), None).to_dict("records"))
    if not found.reviewed:
        st.info(
            "None of these readings has been reviewed yet, so there is no agreement to tell. Open a reading and "
            "confirm, correct or refer it.", icon=":material/rate_review:",
        )  # fmt: skip
        return
    _figures(found)
    st.caption(CAUTION + _repeats(wanted, found))
    if found.kappa.why:
        st.info(found.kappa.why, icon=":material/info:")
    if found.overall.n:
        shares = class_shares(found)
        show(draw(chart, shares.assign(**{"class": shares["class"].map(name_of)})), key="agreement",
             alt="Agreement of expert and model by class, with 95 % Wilson intervals")  # fmt: skip
        st.dataframe(matrix(found), key="agreement_matrix", alt="Images by the model's class (rows) and the expert's")
        st.caption("Images on which both name one class: rows by the model, columns by the expert.")
        csv_button(lambda: shares, "agreement", "agreement_csv")
    _left_open(found)


def class_shares(found: Agreement) -> pd.DataFrame:
    """class, side (called | expert), agreed, n, value, low, high (95 % Wilson; missing where n is 0)."""
    rows = []
    for side, shares in (("called", found.by_called), ("expert", found.by_expert)):
        for one in shares:
            ends = (None, None, None) if one.estimate is None else (
                one.estimate.value, one.estimate.low, one.estimate.high
            )  # fmt: skip
            rows.append((one.class_, side, one.agreed, one.n, *ends))
    return pd.DataFrame(rows, columns=["class", "side", "agreed", "n", "value", "low", "high"])


def matrix(found: Agreement) -> pd.DataFrame:
    """Images, a row a class of the model, a column a class of the expert."""
    names = [name_of(name) for name in found.classes]
    return pd.DataFrame(found.matrix, index=pd.Index(names, name="model"), columns=names)


def _figures(found: Agreement) -> None:
    kappa = found.kappa
    interval = "no interval" if kappa.low is None else f"{kappa.low:.3f} to {kappa.high:.3f}"
    figure_row([
        Figure("Reviewed images", f"{found.reviewed:,}", f"{found.overall.n:,} comparable",
               "Each counts once for a model, by its latest review. Comparable: model and expert both name one class."),
        Figure("Agreement", _value(found.overall), _below(found.overall),
               "Of the images on which both name one class; below it the 95 % Wilson interval and the images."),
        Figure("Cohen's kappa", "–" if kappa.value is None else f"{kappa.value:.3f}",
               "undefined" if kappa.value is None else interval,
               "Agreement beyond chance: 1 complete, 0 as by chance; 95 % interval of Fleiss, Cohen, Everitt (1969)."),
        Figure("In the set of two", _value(found.sets), _below(found.sets),
               "Of the sets of two classes on which the expert names one class: how often the set holds it."),
    ], key="agreement_figures")  # fmt: skip


def _value(one: Share) -> str:
    return "–" if one.estimate is None else share(one.estimate.value, 3)


def _below(one: Share) -> str:
    if one.estimate is None:
        return "none reviewed"
    return f"{share(one.estimate.low, 3)} to {share(one.estimate.high, 3)}, n {one.n:,}"


def _repeats(wanted: Wanted, found: Agreement) -> str:
    """What else tempers the figures: repeats, several models, few images."""
    repeats = int(read("reading_count", wanted)["reviewed"].iloc[0]) - found.reviewed
    words = f" {repeats:,} reviewed readings of the same images by the same model are left out." if repeats else ""
    models = read("reading_choices")
    if wanted.model_id is None and (models["column"] == "model_id").sum() > 1:
        words += " Several models are counted together; the filter picks one."
    if found.overall.n < FEW:
        words += f" With {found.overall.n:,} such images the intervals are wide."
    return words


def _left_open(found: Agreement) -> None:
    """What cannot agree or disagree plainly, none of it dropped."""
    settled = sum(found.model_referred.values())
    each = ", ".join(f"{name_of(name)} {n:,}" for name, n in found.model_referred.items())
    lines = [
        (settled, f"referred by the model, settled by the expert: {each}"),
        (found.both_referred, "referred by both"),
        (found.expert_referred, "one class by the model, referred by the expert"),
        (found.sets.n, f"a set of two by the model, one class by the expert: {found.sets.agreed:,} of them in the set"),
        (found.sets_referred, "a set of two by the model, referred by the expert"),
        (found.undecided, "read by an earlier version, which recorded no decision"),
    ]
    told = [f"- **{n:,}** {words}" for n, words in lines if n]
    if told:
        st.markdown("Counted apart, as one of the two names no single class:\n\n" + "\n".join(told), anchors=False)
