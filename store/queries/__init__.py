"""Every SELECT of the pages, one function each. Rates are in [0, 1], losses plain means per image, times UTC.

Each takes a cursor of the calling thread (`StoreOwner.cursor`) and reads its result whole. An unknown id gives an
empty DataFrame with the same columns. What is unknown is missing (NaN, NaT, None or <NA>).
"""

from store.queries.audited import audited, sources_told
from store.queries.audits import audits, image_sources, source_classes
from store.queries.columns import columns
from store.queries.compare import class_curves, class_ends, compared, outcomes, trial_names
from store.queries.data import dataset, dataset_counts, images, split_hash
from store.queries.datasets import datasets, image_groups, image_page, image_record, image_sizes, label_conflicts
from store.queries.duplicates import duplicate_pairs, leaks
from store.queries.external import external_cells, external_predictions, external_results, external_sets
from store.queries.jobs import jobs
from store.queries.labels import label_check, label_issues
from store.queries.listing import listing
from store.queries.outputs import outputs
from store.queries.own import damage, journals
from store.queries.readings import (
    Wanted,
    gatherable,
    reading,
    reading_choices,
    reading_count,
    readings,
    review_counts,
    reviews,
)
from store.queries.reliance import calibrations, reading_checks
from store.queries.robustness import robustness
from store.queries.scope import scope_fits, scope_results, scope_scores
from store.queries.searches import cycles, epochs_saved, heartbeats, resumptions, search, searches
from store.queries.statements import fusions, notes, operating_points
from store.queries.trials import class_epochs, class_report, confusion, epochs, predictions, trial, trials
from store.queries.whole import search_predictions

__all__ = [
    "Wanted",
    "audited",
    "audits",
    "calibrations",
    "class_curves",
    "class_ends",
    "class_epochs",
    "class_report",
    "columns",
    "compared",
    "confusion",
    "cycles",
    "damage",
    "dataset",
    "dataset_counts",
    "datasets",
    "duplicate_pairs",
    "epochs",
    "epochs_saved",
    "external_cells",
    "external_predictions",
    "external_results",
    "external_sets",
    "fusions",
    "gatherable",
    "heartbeats",
    "image_groups",
    "image_page",
    "image_record",
    "image_sizes",
    "image_sources",
    "images",
    "jobs",
    "journals",
    "label_check",
    "label_conflicts",
    "label_issues",
    "leaks",
    "listing",
    "notes",
    "operating_points",
    "outcomes",
    "outputs",
    "predictions",
    "reading",
    "reading_checks",
    "reading_choices",
    "reading_count",
    "readings",
    "resumptions",
    "review_counts",
    "reviews",
    "robustness",
    "scope_fits",
    "scope_results",
    "scope_scores",
    "search",
    "search_predictions",
    "searches",
    "source_classes",
    "sources_told",
    "split_hash",
    "trial",
    "trial_names",
    "trials",
]
