"""Which images belong together: equal pixels, the same picture again, crops of one field, and chains of these."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.data.dataset import ImageRecord


def united(images: Sequence[ImageRecord], pairs: Iterable[tuple[str, str]]) -> list[ImageRecord]:
    """The images with the group of each: that of its pixels, or a larger one that pairs of pixel hashes make.

    The id of a group is made from the pixels of all its images, so it depends neither on their order nor their place.
    """
    parent: dict[str, str] = {}

    def root(pixels: str) -> str:
        while (above := parent.get(pixels, pixels)) != pixels:
            parent[pixels] = parent.get(above, above)
            pixels = above
        return pixels

    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    members: dict[str, set[str]] = {}
    for image in images:
        if image.pixel_sha256:
            members.setdefault(root(image.pixel_sha256), set()).add(image.pixel_sha256)
    names = {
        top: f"g-{hashlib.sha256(' '.join(sorted(pixels)).encode()).hexdigest()[:16]}"
        for top, pixels in members.items() if len(pixels) > 1
    }  # fmt: skip
    return [
        replace(image, group_id=names.get(root(image.pixel_sha256), image.group_id)) if image.pixel_sha256 else image
        for image in images
    ]
