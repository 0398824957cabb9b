"""Which searches, which of their trials, what weights and which rule: the controls of a fusion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from core.evaluation.ensemble import CRITERIA, Ensemble, best_ensemble
from core.evaluation.fusion import RULES, FusionError, Outputs, aligned
from pages.charts.wording import missing, share
from pages.components.choose import SEARCH, trial_label
from pages.components.data import home, read
from pages.components.models import trial_outputs
from pages.components.whatif_address import anew, compact, held, joined, key_of, names, numbers, put, unique
from pages.components.whatif_fusion_tables import same_proportions

SEARCHES, MEMBERS, WEIGHTS, RULE = "searches", "members", "w", "rule"
RULE_WORDS = {"average": "Average of the probabilities", "vote": "Vote of the called classes"}
MOST_WEIGHT = 10
MOST_MEMBERS = 12  # sliders and rows that a page can hold
FIRST = 3  # members to begin with


@dataclass(frozen=True)
class Candidates:
    """Finished trials of the chosen searches, all on the same data."""

    dataset_id: str
    searches: list[str]
    labels: dict[str, str]  # by trial id, in the order of searches and trials
    accuracies: dict[str, float] = field(default_factory=dict)  # on validation

    @property
    def best(self) -> list[str]:
        """Ids by validation accuracy, the highest first, equals in their order."""
        return sorted(self.labels, key=lambda trial_id: -self.accuracies[trial_id])


def candidates() -> Candidates | None:
    """Choose searches; returns their finished trials, or None after a sentence on what hinders."""
    searches = read("listing")
    own = searches[(searches["origin"] == "own") & searches["dataset_id"].notna() & (searches["done"] > 0)]
    rows = {str(row["search_id"]): row for row in own.to_dict("records")}
    if not rows:
        st.info("A fusion needs finished trials of a search of your own; there are none yet.", icon=":material/info:")
        return None
    titles = unique({one: str(row["name"]) for one, row in rows.items()})
    chosen = _chosen_searches(rows)
    st.multiselect(
        "Trials of", list(rows), format_func=titles.__getitem__, key=held("fusion_searches", chosen),
        on_change=_searches_changed, help="Searches on the same data and split, so that all judged the same images.",
    )  # fmt: skip
    if not chosen:
        st.info("Choose at least one search.", icon=":material/info:")
        return None
    datasets = {str(rows[one]["dataset_id"]): titles[one] for one in reversed(chosen)}
    if len(datasets) > 1:
        st.error(
            f"The searches {' and '.join(sorted(datasets.values()))} were made on different images or splits, so their "
            "trials cannot be fused. Choose searches on the same data set.",
            icon=":material/error:",
        )
        return None
    labels, accuracies = {}, {}
    for search_id in chosen:
        trials = read("trials", search_id)
        for row in trials[trials["status"] == "COMPLETE"].to_dict("records"):
            label = trial_label(row)
            labels[str(row["trial_id"])] = label if len(chosen) == 1 else f"{titles[search_id]}: {label}"
            accuracies[str(row["trial_id"])] = 0.0 if missing(row["val_accuracy"]) else float(row["val_accuracy"])
    known = set(read("outputs", tuple(labels), "val")["trial_id"])
    labels = unique({one: label for one, label in labels.items() if one in known})
    if not labels:
        st.info("No trial of these searches has finished yet.", icon=":material/hourglass_top:")
        return None
    return Candidates(next(iter(datasets)), chosen, labels, accuracies)


def _chosen_searches(rows: Mapping[str, Any]) -> list[str]:
    text = st.query_params.get(SEARCHES)
    if text is None:
        usual = [st.query_params.get(SEARCH), st.session_state.get("last_search"), next(iter(rows))]
        return [next(str(one) for one in usual if one in rows)]
    asked = names(text)
    known = [one for one in asked if one in rows]
    if len(known) < len(asked):
        st.warning("A search in this link is not here any more, or has no finished trial; it is left out.")
        put(**{SEARCHES: joined(known)})
    return known


def members_and_weights(found: Candidates) -> dict[str, float]:
    """Choose members and their weights; returns weights by trial id, all at least 0."""
    asked = names(st.query_params.get(MEMBERS))
    picked = (
        found.best[:FIRST] if st.query_params.get(MEMBERS) is None else [one for one in asked if one in found.labels]
    )
    picked = picked[:MOST_MEMBERS]
    if len(picked) < len(asked):
        st.warning(
            f"A trial in this link is none of these searches' finished trials, or one of more than {MOST_MEMBERS}; it "
            "is left out."
        )
        put(**{MEMBERS: joined(picked), WEIGHTS: None})
    st.multiselect(
        "Members", list(found.labels), max_selections=MOST_MEMBERS, key=held("fusion_members", picked),
        format_func=lambda one: f"{found.labels[one]}, val {share(found.accuracies[one])}",
        on_change=_members_changed, placeholder="Choose trials",
        help="To begin with, the three trials with the highest validation accuracy.",
    )  # fmt: skip
    weights = numbers(st.query_params.get(WEIGHTS), len(picked)) or (1.0,) * len(picked)
    whole = [min(MOST_WEIGHT, max(0, round(weight))) for weight in weights]
    if picked:
        grid = st.grid(min(4, len(picked)), min_column_width=200, key="weights_grid")
        for one, weight in zip(picked, whole, strict=True):
            grid.slider(
                f"Weight of {found.labels[one]}", 0, MOST_WEIGHT, key=held(f"weight_{one}", weight),
                on_change=_weights_changed, args=(tuple(picked),),
            )  # fmt: skip
    return dict(zip(picked, map(float, whole), strict=True))


def rule_choice() -> str:
    """Average or vote."""
    asked = st.query_params.get(RULE, RULES[0])
    rule = asked if asked in RULES else RULES[0]
    st.segmented_control(
        "Fuse by", list(RULES), format_func=RULE_WORDS.__getitem__, required=True, key=held("fusion_rule", rule),
        on_change=_rule_changed,
    )  # fmt: skip
    return rule


def write(members: Mapping[str, float], rule: str, searches: list[str] | None = None) -> None:
    """Put a fusion into the address and draw the controls anew."""
    if searches is not None:
        put(**{SEARCHES: joined(searches)})
    put(
        **{MEMBERS: joined(list(members)), WEIGHTS: compact(members.values()), RULE: None if rule == RULES[0] else rule}
    )
    anew()


def ensemble_controls(found: Candidates, rule: str, weights: Mapping[str, float]) -> bool:
    """Find the best small ensemble on validation and offer it; returns whether it is what is chosen."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        most = st.segmented_control(
            "Best ensemble of up to", [2, 3, 4, 5], default=3, required=True, key="k", bind="query-params",
            help="The more sets of trials are compared on few images, the more luck decides which is best.",
        )  # fmt: skip
        criterion = st.segmented_control(
            "by validation", list(CRITERIA), default=CRITERIA[0], required=True, key="by", bind="query-params"
        )
    ids = tuple(found.labels)
    outputs = trial_outputs(ids, "val")
    n = aligned(outputs).n
    best = _best((str(home()), ids), outputs, int(most or 3), rule, str(criterion or CRITERIA[0]))
    members = {ids[member]: float(weight) for member, weight in zip(best.members, best.weights, strict=True)}
    listed = " + ".join(
        found.labels[one] + (f" (weight {weight:g})" if weight != 1 else "") for one, weight in members.items()
    )
    how = (
        f"All {best.tried:,} sets of up to {most} of {len(ids)} trials were compared, equally weighted."
        if best.method == "exhaustive"
        else f"Greedy forward selection with replacement (Caruana et al. 2004) among {len(ids)} trials: {best.tried:,} "
        "sets were compared, not all there are."
    )
    is_it = same_proportions(members, weights)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "This is chosen" if is_it else "Choose it", icon=":material/check:" if is_it else ":material/auto_awesome:",
            key="use_best", disabled=is_it, on_click=write, args=(members, rule),
        )  # fmt: skip
        st.markdown(f"**{listed}**")
    st.caption(
        f"{how} On {n} validation images. The best of many sets is partly so by luck, so its validation figures are "
        "too good; the test images took no part in the choice."
    )
    return is_it


@st.cache_data(max_entries=32, show_spinner="Comparing ensembles")
def _best(of: tuple[Any, ...], _outputs: list[Outputs], most: int, rule: str, criterion: str) -> Ensemble:
    """Kept for the same trials: what a finished trial says does not change."""
    first = aligned(_outputs)
    return best_ensemble(
        first.true, [outputs.probabilities for outputs in _outputs], most, rule=rule, criterion=criterion
    )


def _searches_changed() -> None:
    put(**{SEARCHES: joined(st.session_state[key_of("fusion_searches")]), MEMBERS: None, WEIGHTS: None})


def _members_changed() -> None:
    before = names(st.query_params.get(MEMBERS))
    weights = dict(zip(before, numbers(st.query_params.get(WEIGHTS), len(before)) or (), strict=False))
    picked = st.session_state[key_of("fusion_members")]
    put(**{MEMBERS: joined(picked), WEIGHTS: compact(weights.get(one, 1.0) for one in picked) if picked else None})


def _weights_changed(picked: tuple[str, ...]) -> None:
    weights = [float(st.session_state[key_of(f"weight_{one}")]) for one in picked]
    put(**{MEMBERS: joined(picked), WEIGHTS: compact(weights)})


def _rule_changed() -> None:
    rule = st.session_state[key_of("fusion_rule")]
    put(**{RULE: None if rule == RULES[0] else rule})


def searches_of(rows: pd.DataFrame, trial_ids: tuple[str, ...]) -> list[str]:
    """The searches of trials, each once. Raises FusionError where one is not here any more."""
    found = list(dict.fromkeys(trial_id.partition(".")[0] for trial_id in trial_ids))
    gone = [search_id for search_id in found if search_id not in set(rows["search_id"])]
    if gone:
        raise FusionError(f"The search {', '.join(gone)} was deleted, and with it what its trials said of each image.")
    return found
