"""Any number of trials beside each other: settings, scores, curves, classes, paired tests."""

from collections.abc import Callable

import streamlit as st

from pages.components.compare_choice import SPLIT, baseline_choice, suggestions, trials_choice
from pages.components.compare_classes import classes_view
from pages.components.compare_costs import costs_view
from pages.components.compare_curves import curves_view
from pages.components.compare_facts import SPLITS, Chosen, chosen_rows, watch
from pages.components.compare_matrices import matrices_view
from pages.components.compare_metrics import overview
from pages.components.compare_names import trial_names
from pages.components.compare_pairs import paired_view
from pages.components.compare_parallel import parallel_view
from pages.components.data import read
from pages.components.guard import guarded
from pages.components.leak_warning import leak_warning

VIEWS: dict[str, Callable[[Chosen], None]] = {
    "Overview": overview,
    "Curves": curves_view,
    "Classes": classes_view,
    "Two trials": matrices_view,
    "Paired test": paired_view,
    "Parallel coordinates": parallel_view,
    "Outcome and cost": costs_view,
}

trials = read("trial_names")
ids = trials_choice(trials)
if not ids:
    suggestions(read("searches"), trials)
else:
    rows = chosen_rows(ids)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        baseline = baseline_choice(trial_names(rows))
        split = st.segmented_control(
            "Images", list(SPLITS), format_func=SPLITS.__getitem__, default="val", required=True, key=SPLIT,
            bind="query-params",
        )  # fmt: skip
        if split == "test":
            st.badge("reported, never used to choose", icon=":material/lock:", color="orange")
    for dataset_id in rows["dataset_id"].dropna().unique():
        leak_warning(dataset_id)
    chosen = Chosen(rows, baseline, split or "val")
    for tab, (name, view) in zip(st.tabs(list(VIEWS), key="view", bind="query-params"), VIEWS.items(), strict=True):
        if tab.open:
            with tab:
                st.fragment(guarded(view), key=name)(chosen)
    watch(rows)
