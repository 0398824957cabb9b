"""What trials of any backbone and recipe give, elsewhere too, and what they cost, as one table. No Streamlit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from core.evaluation.delong import area
from core.evaluation.elsewhere import UNKNOWN_SOURCE
from core.evaluation.intervals import wilson
from core.learning.recipes import PLAIN
from pages.charts.wording import missing, share
from pages.components.robustness_tables import mean_under_shift
from pages.components.summary import interval
from pages.components.unpacked import unpacked

Query = Callable[..., pd.DataFrame]  # (name of a query of the store, its arguments)
Columns = Mapping[str, pd.Series]  # by the column's name; a value by trial_id

SWAP = "val in another source's looks"
ENOUGH = 10  # images of a class and source from which a share says something
TEST = "test accuracy"
SHIFTED = "accuracy under shift"
MEMORY = "peak memory (GB)"
PACES = ("training images/s", "prediction images/s")
INTERVAL = ", 95 %"  # ends the name of a column that tells the counts and the interval of the one before


def finished(query: Query, trial_ids: Sequence[str]) -> pd.DataFrame:
    """The rows of `queries.outcomes` of those that have finished, with trial_id as index too."""
    rows = query("outcomes", list(trial_ids))
    return rows[rows["status"] == "COMPLETE"].set_index("trial_id", drop=False).rename_axis(None)


def outcome_table(query: Query, rows: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """A row a trial and index trial_id. `rows` as from `finished`, `names` what the trials are called.

    Columns: trial, backbone, recipe, image size (px), val accuracy, SWAP, TEST; what `figures` tells of images from
    elsewhere; SHIFTED and the areas of `scope_columns` where measured; parameters, PACES, MEMORY, initial weights.
    Those on few images have a column with INTERVAL beside them. Missing where it is not known.
    """
    own = rows["origin"] != "published"
    table: dict[str, Any] = {
        "trial": [names[trial_id] for trial_id in rows["trial_id"]],
        "backbone": rows["backbone"],
        "recipe": rows["recipe"].where(rows["recipe"].notna() | ~own, PLAIN),  # of a version without recipes
        "image size (px)": rows["image_size"].astype("Int64"),
        "val accuracy": rows["val_accuracy"].astype(float),
    }
    for name, split in ((SWAP, "swap"), (TEST, "test")):
        accuracy = rows[f"{split}_accuracy"].astype(float)
        if accuracy.notna().any() or split == "test":
            table[name] = accuracy
            table[name + INTERVAL] = _told(accuracy, rows[f"{split}_n"])
    for measure in MEASURED:
        table |= {name: column.reindex(rows.index) for name, column in measure(query, list(rows["trial_id"])).items()}
    table |= {
        "parameters": rows["parameters"].astype("Int64"),
        PACES[0]: rows["train_images_per_second"].astype(float),
        PACES[1]: rows["predict_images_per_second"].astype(float),
        MEMORY: rows["peak_rss_bytes"].astype(float) / 1e9,
        "initial weights": [weights_words(row["settled"], row["backbone"]) for row in rows.to_dict("records")],
    }
    return pd.DataFrame(table, index=rows.index)


def elsewhere_columns(query: Query, trial_ids: Sequence[str]) -> Columns:
    """Each figure of `figures`, by what it is and of which set, with its counts."""
    found: dict[str, pd.Series] = {}
    for set_, what, own in figures(elsewhere(query, trial_ids)):
        found[f"{what} on {set_}"] = (own["right"] / own["n"]).astype(float)
        counts = zip(own["right"], own["n"], strict=True)
        words = pd.Series([_counts(k, n) for k, n in counts], index=own.index, dtype=object)
        found[f"{what} on {set_}{INTERVAL}"] = words
    return found


def figures(cells: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """What images from elsewhere say, from `elsewhere`: (set, what, right and n by trial_id).

    A set's accuracy where it has several sources, saying that they are together; a source's where it has several
    classes; and each class of each source.
    """
    for set_, of_set in cells.groupby("set", sort=False):
        if of_set["source"].nunique() > 1:
            yield str(set_), "accuracy, all sources together,", _sums(of_set)
        for source, of_source in of_set.groupby("source", sort=False):
            if of_source["class"].nunique() > 1:
                yield str(set_), f"accuracy, {source},", _sums(of_source)
            for class_, own in of_source.groupby("class", sort=False):
                yield str(set_), f"{class_}, {source},", _sums(own)


def shift_columns(query: Query, trial_ids: Sequence[str]) -> Columns:
    """Mean accuracy under shift, where all shifts are measured."""
    means = mean_under_shift(query("robustness", list(trial_ids)))
    return {SHIFTED: means} if len(means) else {}


def scope_columns(query: Query, trial_ids: Sequence[str]) -> Columns:
    """How well each score tells images out of scope from test images: the area under the ROC curve, a set each."""
    results = query("scope_results", list(trial_ids))
    if results.empty:
        return {}
    from core.evaluation.scope import (  # scikit-learn: a second, which most comparisons need not wait for
        LABELS,
        METHODS,
    )

    found: dict[str, dict[str, Any]] = {}
    for row in results.to_dict("records"):
        scores = query("scope_scores", row["trial_id"], row["outside_id"])
        set_ = row["outside_id"] if missing(row["name"]) else row["name"]
        parts = scores[scores["part"].isin(["test", "outside"])]
        outside = (parts["part"] == "outside").to_numpy()
        if outside.all():  # no test images
            continue
        for method in METHODS:
            one = area(outside, parts[method].to_numpy(float))
            column = f"out-of-scope AUROC, {LABELS[method]}, {set_}"
            found.setdefault(column, {})[row["trial_id"]] = one.value
            found.setdefault(column + INTERVAL, {})[row["trial_id"]] = f"{share(one.low)} to {share(one.high)}"
    return {name: pd.Series(values) for name, values in found.items()}


# What is measured apart from training, each as columns of its own.
MEASURED: tuple[Callable[[Query, Sequence[str]], Columns], ...] = (
    elsewhere_columns,
    shift_columns,
    scope_columns,
)


def elsewhere(query: Query, trial_ids: Sequence[str]) -> pd.DataFrame:
    """A row an external set, source, class and trial: set, source, class, trial_id, right, n, sensitivity, low, high.

    low and high are the 95 % Wilson interval of the sensitivity.
    """
    cells = query("external_cells", list(trial_ids))
    labels = cells["name"].fillna(cells["external_id"])
    alike = cells.groupby(labels)["external_id"].transform("nunique") > 1  # two sets of one name
    bounds = [wilson(int(k), int(n)) for k, n in zip(cells["n_right"], cells["n"], strict=True)]
    return pd.DataFrame(
        {
            "set": labels.where(~alike, labels + " (" + cells["external_id"] + ")"),
            "source": cells["source"].replace("", None).fillna(UNKNOWN_SOURCE), "class": cells["class"],
            "trial_id": cells["trial_id"], "right": cells["n_right"].astype(int), "n": cells["n"].astype(int),
            "sensitivity": (cells["n_right"] / cells["n"]).astype(float),
            "low": [low for low, _ in bounds], "high": [high for _, high in bounds],
        }
    )  # fmt: skip


def points(query: Query, rows: pd.DataFrame, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """(rows for `charts.outcome_scatter`, what they show upwards) of a table as from `outcome_table`.

    Upwards: the sensitivity on the class and source elsewhere that a trial knows least, or, where none of them has
    judged images from elsewhere, the accuracy on validation images in another source's looks. `judged` names the sets
    that a trial has judged. Trials without both values are left out.
    """
    cells = elsewhere(query, list(rows["trial_id"]))
    if len(cells):
        upward, title = _hardest(cells), "sensitivity on the hardest class elsewhere"
    else:
        upward = _bounds(rows["swap_accuracy"], rows["swap_n"]).add_prefix("y_")
        upward = upward.assign(y=rows["swap_accuracy"].astype(float), what=SWAP, judged="")
        title = f"accuracy on {SWAP}"
    inside = pd.DataFrame({"trial_id": rows["trial_id"], "name": table["trial"], "x": table[TEST]})
    inside = inside.join(_bounds(rows["test_accuracy"], rows["test_n"]).add_prefix("x_"))
    inside = inside.assign(backbone=table["backbone"].fillna("unknown"), recipe=table["recipe"].fillna("as printed"))
    return inside.join(upward).dropna(subset=["x", "y"]).reset_index(drop=True), title


def _sums(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.groupby("trial_id")[["right", "n"]].sum()


def _hardest(cells: pd.DataFrame) -> pd.DataFrame:
    """The class and source elsewhere that each trial knows least, by trial: y, y_low, y_high, what, judged (sets).

    Where a trial has judged a class with enough images to say something, those with fewer are passed over.
    """
    enough = cells["n"] >= ENOUGH
    cells = cells[enough | ~enough.groupby(cells["trial_id"]).transform("any")]
    worst = cells.loc[cells.groupby("trial_id")["sensitivity"].idxmin()].set_index("trial_id")
    counts = pd.Series([_counts(k, n) for k, n in zip(worst["right"], worst["n"], strict=True)], index=worst.index)
    shown = worst[["sensitivity", "low", "high"]].set_axis(["y", "y_low", "y_high"], axis="columns")
    judged = cells.groupby("trial_id")["set"].agg(lambda sets: ", ".join(sorted(set(sets))))
    what = worst["class"] + " on " + worst["set"] + ", " + worst["source"] + ", " + counts
    return shown.assign(what=what, judged=judged)


def weights_words(settled: Any, backbone: Any) -> str:
    """Where the trials of a backbone start from, as the search settled it; '' where that is not recorded."""
    return str(settled_weights(unpacked(settled), backbone).get("origin") or "")


def settled_weights(settled: Mapping[str, Any], backbone: Any) -> Mapping[str, Any]:
    """The initial weights of a backbone in what a search settled; {} where none are recorded."""
    return (settled.get("others") or {}).get(str(backbone)) or settled.get("weights") or {}


def _told(accuracy: pd.Series, images: pd.Series) -> pd.Series:
    """'45 of 60; 95 % 0.6277 to 0.8422'; '' where either is unknown."""
    words = [
        "" if missing(share_) or missing(n) or not n else _counts(round(share_ * n), int(n))
        for share_, n in zip(accuracy, images, strict=True)
    ]
    return pd.Series(words, index=accuracy.index, dtype=object)


def _counts(right: int, n: int) -> str:
    low, high = wilson(right, n)
    return f"{right:,} of {n:,}; {share(low)} to {share(high)}"


def _bounds(accuracy: pd.Series, images: pd.Series) -> pd.DataFrame:
    """low and high: the 95 % Wilson interval of each."""
    found = [interval(a, None if missing(n) else int(n)) for a, n in zip(accuracy, images, strict=True)]
    return pd.DataFrame(found, columns=["low", "high"], index=accuracy.index, dtype=float)
