"""Pairs of images that show the same cells, put together to groups; no Streamlit in it."""

from __future__ import annotations

import pandas as pd

SHOWN = {"all": "All", "leaks": "Leaks", "conflicts": "Label conflicts"}
KINDS = {"exact": "equal pixels", "near": "same picture", "overlap": "overlapping crops"}
_SIDE = ("path", "sha256", "class", "split", "status")


def grouped(pairs: pd.DataFrame) -> pd.DataFrame:
    """The rows of the query `duplicate_pairs` with the column `group`, from 1: pairs that share an image share it.

    Groups with a leak come first, then those with a label conflict, then the others, the larger ones before.
    """
    parent: dict[int, int] = {}

    def root(image: int) -> int:
        while (above := parent.get(image, image)) != image:
            parent[image] = image = parent.get(above, above)
        return image

    for one, other in zip(pairs["image_a"].tolist(), pairs["image_b"].tolist(), strict=True):
        first, second = sorted((root(int(one)), root(int(other))))
        parent[second] = first
    top = pairs["image_a"].map(lambda image: root(int(image)))
    facts = pairs[["leak", "conflict"]].astype(bool).groupby(top).any().assign(size=top.value_counts(), first=1)
    order = facts.reset_index(names="top").sort_values(
        ["leak", "conflict", "size", "top"], ascending=[False, False, False, True], kind="stable"
    )
    number = pd.Series(range(1, len(order) + 1), index=order["top"].to_numpy())
    return pairs.assign(group=top.map(number).astype("int64"))


def kept(pairs: pd.DataFrame, show: str) -> pd.DataFrame:
    """The groups that hold a leak, or a label conflict; all of each such group, since its images belong together."""
    if show == "all":
        return pairs
    found = pairs.loc[pairs["leak" if show == "leaks" else "conflict"].astype(bool), "group"]
    return pairs[pairs["group"].isin(found)]


def images_of(pairs: pd.DataFrame) -> pd.DataFrame:
    """The images of some pairs, once each, the most held-out first: image_id, path, sha256, class, split, status."""
    sides = [
        pairs[[f"image_{side}", *(f"{name}_{side}" for name in _SIDE)]].set_axis(["image_id", *_SIDE], axis=1)
        for side in "ab"
    ]
    rows = pd.concat(sides, ignore_index=True).drop_duplicates("image_id")
    place = rows["split"].map({"test": 0, "val": 1, "calibration": 2, "train": 3}).fillna(4)
    return rows.assign(place=place).sort_values(["place", "path"]).drop(columns="place").reset_index(drop=True)


def pair_words(row: dict[str, object]) -> str:
    """What connects two images."""
    kind = str(row["kind"])
    if kind == "exact":
        return "equal pixels"
    value = f"correlation {float(str(row['correlation'])):.3f}"
    if kind == "near":
        turn = "not turned" if row["transform"] == "identity" else str(row["transform"])
        return f"same picture, {turn}, {value}, {int(float(str(row['distance'])))} of 64 bits differ"
    right, down = float(str(row["dx"])), float(str(row["dy"]))
    across, along = f"{abs(right):.0%} to the {'right' if right >= 0 else 'left'}", f"{abs(down):.0%}"
    return f"overlapping crops, the second {across} and {along} {'down' if down >= 0 else 'up'}, {value}"
