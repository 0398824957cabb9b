"""Validation images in the looks of another hospital: the check on shortcuts that needs no image from elsewhere.

Where class and source are one and the same, a model may know the hospital instead of the cell, and no held-out part of
the same data can tell. So each validation image takes the colours and the file's JPEG tables of a training image from
another source, and the model is judged on those too. A model that reads cells loses little. It is a lower hurdle than
real images from elsewhere: sharpness, magnification and what else differs stay as they were.

The colours are set by matching the histogram of each channel, another way than the augmentation `transfer` goes, which
would otherwise be judged by what it trained on.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
SWAP = "swap"  # the split's name in records


def lenders_for(rows: Sequence[int], lending: Sequence[int], sources: Mapping[int, str]) -> dict[int, int]:
    """For each row whose source is known, the row among `lending` from another source that it takes its looks from.

    Chosen by chance, the same for the same rows: a source is drawn, then an image of it, so that a large source does
    not crowd out a small one. Rows without a choice are left out.
    """
    by_source: dict[str, list[int]] = {}
    for row in lending:
        if row in sources:
            by_source.setdefault(sources[row], []).append(row)
    found = {}
    for row in rows:
        others = sorted(by_source.keys() - {sources.get(row)})
        if row in sources and others:
            random = np.random.default_rng([row])
            images = by_source[others[random.integers(len(others))]]
            found[row] = images[random.integers(len(images))]
    return found


def swapped(image: Pixels, lender: Pixels, tables: dict[int, list[int]] | None) -> Pixels:
    """A square image (S, S, 3) of uint8 with its lender's colours, as a JPEG with these quantisation tables."""
    matched = np.stack([_matched(image[..., c], lender[..., c]) for c in range(3)], axis=-1)
    if not tables:
        return matched
    file = io.BytesIO()
    Image.fromarray(matched).save(file, "JPEG", qtables=tables, subsampling="4:2:0")
    return np.asarray(Image.open(file, formats=("JPEG",)).convert("RGB"), dtype=np.uint8)


def jpeg_tables(path: Path) -> dict[int, list[int]] | None:
    """The quantisation tables of a JPEG file; None for any other file."""
    try:
        with Image.open(path) as image:
            tables: Any = getattr(image, "quantization", None)
    except OSError:
        return None
    return {key: list(table) for key, table in tables.items()} if tables else None


def swapped_images(
    images: Pixels, lenders: Mapping[int, int], path_of: Callable[[int], Path]
) -> tuple[NDArray[np.int64], Pixels]:
    """The rows that have a lender (n,) and those images in their lenders' looks (n, S, S, 3)."""
    rows = np.array(sorted(lenders), dtype=np.int64)
    changed = [swapped(images[row], images[lenders[row]], jpeg_tables(path_of(lenders[row]))) for row in rows.tolist()]
    return rows, np.stack(changed) if changed else images[:0]


def _matched(channel: NDArray[np.uint8], lender: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The channel with the lender's histogram: each value becomes the one of equal rank there."""
    own = np.cumsum(np.bincount(channel.ravel(), minlength=256))
    theirs = np.cumsum(np.bincount(lender.ravel(), minlength=256))
    values = np.searchsorted(theirs * channel.size, own * lender.size)  # whole numbers: no rounding decides
    return np.asarray(values.astype(np.uint8)[channel])
