"""The tables of a dataset's shortcut audit and of its sources. pandas only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from core.evaluation.audit_words import FEATURES
from pages.charts.wording import missing, share

NAMES: Mapping[str, str] = {
    "histogram": "Colour histogram", "corners": "Four corners", "border": "Border", "file": "File facts",
    "thumbnail": "16 x 16 thumbnail",
}  # fmt: skip
SEEN: Mapping[str, str] = {
    "histogram": "how often each colour occurs, 16 bins a channel",
    "corners": "the pixels of the four corners",
    "border": "the pixels along the edges",
    "file": "width, height, bytes and JPEG quality, no pixel",
    "thumbnail": "the whole image in 16 x 16 pixels",
}
UNKNOWN = "not known"
TOLD_BY = {"manifest": "a manifest", "guess": "a guess from names and sizes", "person": "a person"}


def judged(audits: pd.DataFrame, target: str) -> pd.DataFrame:
    """The rows of `queries.audits` on one target (class | source), with `name` of each baseline."""
    rows = audits[audits["target"] == target]
    return rows.assign(name=[NAMES.get(str(feature), str(feature)) for feature in rows["feature"]])


def summary(audits: pd.DataFrame) -> pd.DataFrame:
    """A row a baseline: what it sees, and its accuracy on class and source with interval, chance and images."""
    table = pd.DataFrame({"feature": [one for one in FEATURES if one in set(audits["feature"])]})
    table["baseline"] = table["feature"].map(NAMES)
    table["sees"] = table["feature"].map(SEEN)
    for target in ("class", "source"):
        own = audits[audits["target"] == target].set_index("feature").reindex(table["feature"])
        if own["accuracy"].notna().any():
            for column, name in (("accuracy", target), ("low", f"{target} low"), ("high", f"{target} high"),
                                 ("chance", f"{target} chance")):  # fmt: skip
                table[name] = own[column].astype(float).to_numpy()
            table[f"{target} images"] = own["n"].astype("Int64").to_numpy()
    return table


def for_people(table: pd.DataFrame) -> pd.DataFrame:
    """`summary` with each interval as one column of text, without feature and chance."""
    out = table.drop(columns=["feature", *(name for name in table.columns if name.endswith(("low", "high", "chance")))])
    for target in ("source", "class"):
        if target in out.columns:
            ends = zip(table[f"{target} low"], table[f"{target} high"], strict=True)
            words = ["" if missing(low) else f"{share(low)} to {share(high)}" for low, high in ends]
            out.insert(list(out.columns).index(target) + 1, f"{target} 95 %", words)
    return out


def sensitivities(audits: pd.DataFrame) -> pd.DataFrame:
    """A row a target, baseline and label: name, label, sensitivity, right, n (images of the label)."""
    parts = []
    for row in audits.to_dict("records"):
        labels = [str(label) for label in row["labels"]]
        counts = np.asarray(row["confusion"], dtype=np.int64).reshape(len(labels), len(labels))
        n = counts.sum(axis=1)
        parts.append(pd.DataFrame({
            "target": row["target"], "feature": row["feature"], "name": NAMES.get(str(row["feature"]), row["feature"]),
            "label": labels, "sensitivity": np.divide(np.diag(counts), n, out=np.zeros(len(n)), where=n > 0),
            "right": np.diag(counts), "n": n,
        }))  # fmt: skip
    columns = ["target", "feature", "name", "label", "sensitivity", "right", "n"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def by_source(counts: pd.DataFrame) -> dict[str, dict[str, int]]:
    """`queries.source_classes` as source -> class -> images, of the images whose source is known."""
    found: dict[str, dict[str, int]] = {}
    for row in counts[counts["source"].notna()].to_dict("records"):
        found.setdefault(str(row["source"]), {})[str(row["class"])] = int(row["images"])
    return found


def source_table(images: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """A row a source of `queries.image_sources`, the unknown one last: told by, images of each class, and of all."""
    named = images.assign(
        source=[UNKNOWN if missing(source) else str(source) for source in images["source"]],
        told=["nobody" if missing(one) else TOLD_BY.get(str(one), str(one)) for one in images["told_by"]],
    )
    order = sorted(set(named["source"]), key=lambda source: (source == UNKNOWN, source))
    present = set(named["class"].dropna())
    rows = []
    for source in order:
        own = named[named["source"] == source]
        counts = own["class"].value_counts()
        told = {"source": source, "told by": ", ".join(sorted(set(own["told"])))}
        rows.append(told | {name: int(counts.get(name, 0)) for name in _ordered(present, classes)} | {"all": len(own)})
    return pd.DataFrame(rows)


def _ordered(present: set[str], classes: list[str]) -> list[str]:
    return [name for name in classes if name in present] + sorted(present - set(classes))


def file_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def beginnings(images: pd.DataFrame, most: int = 8) -> list[tuple[str, int]]:
    """How the file names begin: letters up to the first '_' or '-' or digit, the most frequent first."""
    found: Counter[str] = Counter()
    for path in images["path"]:
        match = re.match(r"[^\W\d_]+[_-]?", file_name(str(path)))
        if match:
            found[match.group()] += 1
    return found.most_common(most)
