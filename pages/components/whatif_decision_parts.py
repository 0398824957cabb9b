"""The parts of the page What-if: the decision. Headlines, charts, tables, saved operating points."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core import statements
from core.evaluation.decision import DecisionError, Rule, Thresholds, as_record, from_record
from core.evaluation.fusion import Outputs
from core.evaluation.prevalence import shares_of
from pages.charts.decisions import decision_matrix, operating_rates, threshold_curves
from pages.charts.wording import missing
from pages.components.choose import TRIAL
from pages.components.csv_button import csv_button
from pages.components.data import home, read
from pages.components.drawing import draw, show
from pages.components.figures import Figure, figure_row
from pages.components.models import FUSION, Model
from pages.components.saved import saved_list, saving
from pages.components.shortcut_badge import shortcut_badge
from pages.components.whatif_address import numbers
from pages.components.whatif_decision_controls import CELLS, rule_of_address, write_cells, write_rule
from pages.components.whatif_decision_tables import (
    Judged,
    Shares,
    curves,
    in_words,
    judge,
    long_csv,
    matrix_csv,
    of_a_thousand,
    wide,
)

ROLES = {"validation": "chosen here", "test": "reported, never used to choose"}


@st.cache_data(max_entries=64, show_spinner=False)
def judged(rule: Rule, _outputs: Outputs, of: tuple[Any, ...], classes: Sequence[str], shares: Shares | None) -> Judged:
    """`judge`, kept for an equal rule and prevalence; `of` says whose outputs these are."""
    return judge(rule, _outputs, classes, shares)


def headline(split: str, found: Judged, at_set: bool, dataset_id: str) -> None:
    """Decided rightly, referred, and the mean cost of one split, with intervals and the number of its images.

    At a prevalence that was set (`at_set`) the audit speaks of the dataset: its chance is that of the images.
    """
    st.subheader(f"{split.capitalize()}: {ROLES[split]}", anchor=False)
    method = (
        "at the prevalence set; below it the middle 95 % of draws from Dirichlet posteriors of the classes' rows"
        if at_set
        else "of the images; below it the 95 % Wilson interval"
    )
    shown = [
        _figure("Decided rightly", found.right, f"Share {method}. A referral is not right."),
        _figure("Referred", found.referred, f"Share {method}."),
    ]
    if found.cost is not None:
        shown.append(_figure("Cost", found.cost, "Mean an image; below it the middle 95 % of draws from Dirichlet "
                                                 "posteriors of the classes' rows."))  # fmt: skip
    shown.append(Figure("Images", f"{found.n:,}", split, "All rates here rest on them."))
    figure_row(shown, key=f"decision_figures_{split}")
    shortcut_badge(dataset_id, None if at_set else found.right[0], f"this decision on {split}")


def _figure(label: str, of: tuple[float, float, float], words: str) -> Figure:
    value, low, high = of
    if np.isnan(value):
        return Figure(label, "–", "a class has no image", words)
    return Figure(label, f"{value:.4f}", f"{low:.4f} to {high:.4f}", words)


def one_class(
    rule: Thresholds, splits: dict[str, Outputs], found: dict[str, Judged], classes: list[str], focus: str,
    shares: Shares | None,
) -> None:  # fmt: skip
    """Rates of one class against its threshold, validation beside test."""
    index = classes.index(focus)
    log = st.toggle("Logarithmic threshold axis", key="log", bind="query-params")
    grid = st.grid(2, min_column_width=400)
    for split, outputs in splits.items():
        with grid.cell():
            own = found[split].rates
            st.caption(f"**{split.capitalize()}**, {ROLES[split]}: {_images(own, focus)}")
            show(
                draw(
                    threshold_curves, curves(rule, outputs, index, shares), own[own["class"] == focus],
                    threshold=rule.values[index], log=bool(log),
                ),
                key=f"curves_{split}",
                alt=f"Sensitivity, specificity and PPV of {focus} on {split} against its threshold",
            )  # fmt: skip
            st.caption(of_a_thousand(found[split], classes, index, shares))


def _images(rates: pd.DataFrame, focus: str) -> str:
    n = rates[(rates["class"] == focus) & (rates["measure"].isin(["sensitivity", "specificity"]))]["n"].astype(int)
    return f"{n.iloc[0]} images of {focus}, {n.iloc[1]} of others"


def per_class(found: dict[str, Judged], classes: list[str], name: str, shares: Shares | None) -> None:
    """The chart and the table of all rates, with their CSV."""
    rates = pd.concat([one.rates.assign(split=split) for split, one in found.items()], ignore_index=True)
    show(
        draw(operating_rates, rates), key="operating_rates",
        alt="Sensitivity, specificity, PPV and NPV of each class with 95 % intervals, validation and test",
    )  # fmt: skip
    st.dataframe(
        wide(found, classes), hide_index=True, key="decision_table",
        column_config={"n": st.column_config.NumberColumn(help="images of the class in this split")},
        alt="Sensitivity, specificity, PPV and NPV of each class with 95 % intervals, validation and test",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: long_csv(found), f"{name}-operating-point", "decision_csv")
        st.caption(
            "In brackets 95 % intervals: Wilson of the images that each rate rests on."
            if shares is None
            else "In brackets 95 % intervals. Sensitivity: Wilson. Specificity, PPV and NPV are those of the "
            "prevalence set (Bayes, from the shares of each true class that are decided so); their intervals come from "
            "draws of each of those shares from its Jeffreys posterior. They hold if the cells of a class look as here."
        )


def matrices(found: dict[str, Judged], classes: list[str], name: str) -> None:
    """Who is decided as what, in images."""
    grid = st.grid(2, min_column_width=400)
    for split, one in found.items():
        with grid.cell():
            st.caption(f"**{split.capitalize()}**, {ROLES[split]}: {one.n} images")
            show(
                draw(decision_matrix, one.matrix, classes), key=f"decisions_{split}",
                alt=f"Images of the {split} split: rows are true classes, columns the decisions, the last one referral",
            )  # fmt: skip
    csv_button(lambda: matrix_csv(found, classes), f"{name}-decisions", "decisions_csv")


def saved_points(search_id: str, model: Model, classes: list[str]) -> None:
    """Save the operating point in the address, and open, use or remove earlier ones of this model."""

    def save(name: str) -> str:
        rule, cells = rule_of_address(len(classes)), numbers(st.query_params.get(CELLS), len(classes))
        shares = None if cells is None else shares_of(cells)
        return statements.save_operating_point(
            home(), name, model.model_id, classes, as_record(rule), search_id=model.search_id,
            prevalence=None if shares is None else {one: float(x) for one, x in zip(classes, shares, strict=True)},
        )  # fmt: skip

    rows = read("operating_points", model.model_id)
    saving("operating_point", "operating point", save, note="Saved points are offered on the page Predict.")
    table = pd.DataFrame(
        {
            "name": rows["name"],
            "rule": [rule_words(row, classes) for row in rows.to_dict("records")],
            "prevalence": [_prevalence_words(value) for value in rows["prevalence"]],
            "saved": rows["at"],
        }
    )
    saved_list(
        "operating_point", rows, table, lambda row: open_point(row, classes), words="operating point",
        links=[lambda row: predict_link(search_id, model, row)],
    )  # fmt: skip


def predict_link(search_id: str, model: Model, row: Mapping[Any, Any]) -> None:
    """The way to Predict with this model and this operating point."""
    st.page_link(
        "predict.py", label="Predict with it", icon=":material/biotech:",
        query_params={
            "search": search_id, FUSION if model.fused else TRIAL: model.model_id, "point": row["operating_point_id"]
        },
    )  # fmt: skip


def open_point(row: Mapping[Any, Any], classes: Sequence[str]) -> None:
    """Put a saved point into the address."""
    try:
        write_rule(rule_of(row, len(classes)))
    except DecisionError as error:
        st.session_state["operating_point_said"] = str(error)
        return
    shares = None if missing(row["prevalence"]) else json.loads(row["prevalence"])
    write_cells(None if not shares else [1000 * float(shares.get(name, 0)) for name in classes])


def rule_of(row: Mapping[Any, Any], n_classes: int) -> Rule:
    """The rule of a saved point. Raises DecisionError when it cannot be used."""
    try:
        record = json.loads(row["rule"])
    except (TypeError, ValueError) as error:
        raise DecisionError(f"The rule of {row['name']} cannot be read; save it anew.") from error
    return from_record(record if isinstance(record, dict) else {}, n_classes)


def rule_words(row: Mapping[Any, Any], classes: Sequence[str]) -> str:
    """The rule of a saved point in words."""
    try:
        return in_words(rule_of(row, len(classes)), classes)
    except DecisionError as error:
        return str(error)


def _prevalence_words(value: Any) -> str:
    shares = None if missing(value) else json.loads(value)
    return ", ".join(f"{name} {share:.3g}" for name, share in shares.items()) if shares else "of the data"
