"""What a trial says of images from elsewhere, beside what it says of its own test images, as tables. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.evaluation.elsewhere import UNKNOWN_SOURCE, Outcome, by_source, outcome_of
from core.evaluation.intervals import wilson
from pages.charts.wording import missing, share

IN_SET = "in the set (test)"
REMARK = "reported, never used to choose"
TOLD = 3  # sources that one sentence names

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """Some images that a trial has judged: those of an external set, or its own test images (`name` is IN_SET).

    `images` has image_id, path and source (UNKNOWN_SOURCE where it is not known), in the order of `true` (n,), class
    indices in `names`, and `probabilities` (n, C).
    """

    name: str
    dataset_id: str
    registered: bool  # false: taken back since
    names: list[str]
    images: pd.DataFrame
    true: Ints
    probabilities: Floats

    @cached_property
    def predicted(self) -> Ints:
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @cached_property
    def whole(self) -> Outcome:
        """All of them together."""
        return outcome_of(self.true, self.predicted, self.names)

    @cached_property
    def sources(self) -> dict[str, Outcome]:
        """Each source by itself."""
        return by_source(self.true, self.predicted, list(self.images["source"]), self.names)


def side_by_side(parts: Sequence[Judged]) -> pd.DataFrame:
    """A row a class, set and source with images, by class, in the order of `parts`.

    Columns: class, images from, source, n (images), right, sensitivity, low, high (95 % Wilson interval), most often
    called (the most frequent wrong class; '' without an error), times.
    """
    rows = [
        {
            "class": one.name, "images from": part.name, "source": source, "n": one.support, "right": one.right,
            "sensitivity": one.sensitivity, "low": one.low, "high": one.high,
            "most often called": one.mistaken_for or "", "times": one.mistaken,
        }
        for part in parts for source, outcome in part.sources.items() for one in outcome.classes
    ]  # fmt: skip
    columns = ["class", "images from", "source", "n", "right", "sensitivity", "low", "high", "most often called"]
    table = pd.DataFrame(rows, columns=[*columns, "times"])
    order = {name: at for at, name in enumerate(parts[0].names)} if parts else {}
    return table.sort_values("class", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def by_source_table(parts: Sequence[Judged]) -> pd.DataFrame:
    """A row a set and source: images from, source, n, right, accuracy, low, high, macro sensitivity (of the classes
    that are there) with macro low and high, classes (that are there), without images (classes)."""
    rows = []
    for part in parts:
        for source, one in part.sources.items():
            assert one.macro is not None  # a source without images is none
            rows.append(
                {
                    "images from": part.name, "source": source, "n": one.n, "right": one.right,
                    "accuracy": one.accuracy, "low": one.low, "high": one.high, "macro sensitivity": one.macro.value,
                    "macro low": one.macro.low, "macro high": one.macro.high, "classes": len(one.classes),
                    "without images": ", ".join(one.absent),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def gallery_table(part: Judged) -> pd.DataFrame:
    """A row an image, the surest first: image_id, path, true_class, called, probability (of called), of_true, right,
    source."""
    names, rows = np.array(part.names, dtype=object), np.arange(len(part.true))
    table = part.images.reset_index(drop=True).assign(
        true_class=names[part.true], called=names[part.predicted], right=part.predicted == part.true,
        probability=part.probabilities[rows, part.predicted], of_true=part.probabilities[rows, part.true],
    )  # fmt: skip
    first = ["image_id", "path", "true_class", "called", "probability", "of_true", "right", "source"]
    return table[first].sort_values(["probability", "image_id"], ascending=[False, True], ignore_index=True)


def told(outcome: Outcome) -> str:
    """'0.3051 (18 of 59; 95 % 0.2028 to 0.4309)'."""
    return counted(outcome.right, outcome.n)


def counted(right: int, n: int) -> str:
    """A share with its counts and its 95 % Wilson interval."""
    low, high = wilson(right, n)
    return f"{share(right / n)} ({right:,} of {n:,}; 95 % {share(low)} to {share(high)})"


def sentence(part: Judged, own: Judged | None) -> str:
    """The outcome on one external set in one sentence, each source by itself, beside that in the set."""
    each = [f"{source} {told(outcome)}" for source, outcome in part.sources.items()]
    if list(part.sources) == [UNKNOWN_SOURCE]:
        each = [told(part.whole)]
    more = f" and {len(each) - TOLD} more sources" if len(each) > TOLD else ""
    inside = "" if own is None else f"; in the set {told(own.whole)}"
    return f"{', '.join(each[:TOLD])}{more}{inside}"


def judged(name: str, dataset_id: str, rows: pd.DataFrame, true: Any, names: list[str], *, registered: bool) -> Judged:
    """From rows with image_id, path, source and probabilities, and the class index of each."""
    images = pd.DataFrame(rows, columns=["image_id", "path", "source"])
    images["path"] = images["path"].fillna("unknown file")
    images["source"] = [UNKNOWN_SOURCE if missing(source) or not source else str(source) for source in images["source"]]
    probabilities = np.stack(rows["probabilities"].to_list()).astype(np.float64)
    return Judged(name, dataset_id, registered, names, images, np.asarray(true, dtype=np.int64), probabilities)
