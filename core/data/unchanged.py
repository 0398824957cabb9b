"""Whether a data set's files are still what they were when they were read. Hashes only, nothing is decoded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.data.dataset import DatasetError
from core.data.layout import find_layout, is_text


@dataclass(frozen=True)
class DataCheck:
    """What a comparison found. Paths are relative to the root; `added` is None where that cannot be told."""

    total: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    added: tuple[str, ...] | None

    @property
    def same(self) -> bool:
        return not (self.missing or self.changed or self.added)

    def sentence(self) -> str:
        """What it found, for a person."""
        if self.same:
            told = "" if self.added is not None else "; whether files were added is not told, since only some were used"
            return f"All {self.total:,} images have the content that they had{told}."
        parts = [
            f"{len(paths):,} {word} ({paths[0]}{', ...' if len(paths) > 1 else ''})"
            for paths, word in ((self.missing, "missing"), (self.changed, "changed"), (self.added or (), "added"))
            if paths
        ]
        return f"The data have changed: {', '.join(parts)}, of {self.total:,} images that were used."


def check_files(
    root: Path, used: Mapping[str, str], left_out: Collection[str] | None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> DataCheck:  # fmt: skip
    """Compare the files below `root` with what was read there.

    Args:
        used: SHA-256 (hex) of each usable image, by its path relative to root.
        left_out: paths that were seen and left out; None when the data set is a selection, so that the files which it
            does not name say nothing.
        progress: told (images compared, images in all).
    """
    missing, changed = [], []
    for done, (path, sha256) in enumerate(used.items()):
        try:
            if hashlib.sha256((root / path).read_bytes()).hexdigest() != sha256:
                changed.append(path)
        except OSError:
            missing.append(path)
        progress(done + 1, len(used))
    added = None
    if left_out is not None:
        try:
            found = [entry.path for entry in find_layout(root).entries if is_text(entry.path)]
            added = tuple(path for path in found if path not in used and path not in left_out)
        except DatasetError:  # the folder is gone or has no classes any more: then all images are missing
            added = ()
    return DataCheck(len(used), tuple(missing), tuple(changed), added)


def same_archive(archive: Path, root: Path) -> bool:
    """Whether an archive still is the one that was unpacked to `root`, whose folder is named by its SHA-256.

    Raises OSError when it cannot be read.
    """
    with archive.open("rb") as file:
        name = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    return any(part.startswith(name) for part in root.parts)
