"""Images of an external set that show what the data set shows too, although neither bytes nor pixels are equal.

Found once for two data sets, whose ids say what they hold, and kept as a record of the home's journal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.data.dataset import Dataset, ImageRecord
from core.data.intake import IntakeError, decode_image
from core.data.pairs import EVERYTHING, DuplicatePair
from store.journal import HOME_JOURNAL, JournalWriter, journal_files, journal_folder, next_attempt, read_records

if TYPE_CHECKING:
    from core.data.fingerprint import Fingerprint

JOURNAL = "shared"  # begins the names of its journals
THREADS: Final = 2

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Shared:
    """What a comparison of an external set with a data set found.

    Attributes:
        image_ids: of the external set, in order, each once.
        own_ids: of each, an image of the data set that shows the same cells; of several, the most alike.
        kinds: near (the same picture, turned, mirrored or encoded anew) or overlap (two crops of one field).
        searched: what was looked for (core.data.duplicates.looked_for).
        unread: images of either set that could not be read any more as they were, and so were not compared.
        crowded: images like so many others that only the closest of these were compared with them.
    """

    image_ids: tuple[int, ...] = ()
    own_ids: tuple[int, ...] = ()
    kinds: tuple[str, ...] = ()
    searched: str = ""
    unread: int = 0
    crowded: int = 0


def digests(images: Iterable[ImageRecord]) -> set[str]:
    """What tells equal files and equal pixels."""
    return {digest for image in images for digest in (image.sha256, image.pixel_sha256) if digest}


def compare(
    home: Path, dataset: Dataset, external: Dataset, tell: Tell = lambda stage, done, total: None,
    leave: Callable[[], None] = lambda: None,
) -> Shared:  # fmt: skip
    """The recorded comparison of the two, made and recorded now where there is none.

    Args:
        tell: is given the stage, and how many of how many images are done.
        leave: called now and then; it raises when a person wants it to end.

    Raises JournalError when the disk refuses.
    """
    if (known := compared(home, dataset.dataset_id, external.dataset_id)) is not None:
        return known
    found = _compare(dataset, external, tell, leave)
    folder = journal_folder(home)
    journal = JournalWriter(folder, JOURNAL, next_attempt(folder, JOURNAL))
    try:
        ids: dict[str, Any] = {"dataset_id": dataset.dataset_id, "external_id": external.dataset_id}
        journal.append("external_shared", **ids, **asdict(found))
    finally:
        journal.close()
    return found


def compared(home: Path, dataset_id: str, external_id: str) -> Shared | None:
    """What the latest comparison of the two found; None where they have not been compared."""
    latest: tuple[str, Shared] | None = None
    for path in journal_files(home, HOME_JOURNAL):
        if not path.name.startswith(f"{JOURNAL}-"):
            continue
        for record in read_records(path)[0]:
            of_it = (record.get("dataset_id"), record.get("external_id")) == (dataset_id, external_id)
            if record["kind"] == "external_shared" and of_it and (latest is None or latest[0] < str(record["at"])):
                ids, own_ids, kinds = (tuple(record[name]) for name in ("image_ids", "own_ids", "kinds"))
                counts = {name: int(record[name]) for name in ("unread", "crowded")}
                latest = str(record["at"]), Shared(ids, own_ids, kinds, str(record["searched"]), **counts)
    return None if latest is None else latest[1]


def _compare(dataset: Dataset, external: Dataset, tell: Tell, leave: Callable[[], None]) -> Shared:
    from core.data.duplicates import find_pairs, looked_for  # scipy: a second, and nothing for who reads a record

    known = digests(dataset.usable)
    theirs = [i for i in external.usable if i.class_ in dataset.classes and not {i.sha256, i.pixel_sha256} & known]
    total = len(theirs) + len(dataset.usable)
    searched = looked_for(total)
    seen: list[_Seen] = []
    unread, divide = 0, 0
    for one, images in ((external, theirs), (dataset, dataset.usable)):
        divide = len(seen)
        by_pixels: dict[str, _Seen] = {}
        for image, print_ in _prints(one.root, images, searched, leave):
            tell("read the images of both sets", len(seen) + unread, total)
            if print_ is None:
                unread += 1
            elif (pixels := image.pixel_sha256 or "") in by_pixels:
                by_pixels[pixels].image_ids.append(image.image_id)
            else:
                by_pixels[pixels] = _Seen(print_, [image.image_id])
                seen.append(by_pixels[pixels])
    found = find_pairs(
        [one.print for one in seen], searched,
        lambda done, of: tell("compare with the images that are trained on", done, of), leave, between=divide,
    )  # fmt: skip
    best: dict[int, DuplicatePair] = {}
    for pair in sorted(found.pairs, key=lambda pair: pair.correlation):
        best |= dict.fromkeys(seen[pair.image_a].image_ids, pair)
    return Shared(
        image_ids=tuple(sorted(best)),
        own_ids=tuple(seen[best[image_id].image_b].image_ids[0] for image_id in sorted(best)),
        kinds=tuple(best[image_id].kind for image_id in sorted(best)),
        searched=searched, unread=unread, crowded=found.crowded,
    )  # fmt: skip


@dataclass(frozen=True)
class _Seen:
    """A picture, and the images of one set that show its very pixels."""

    print: Fingerprint
    image_ids: list[int]


def _prints(
    root: Path, images: Sequence[ImageRecord], searched: str, leave: Callable[[], None]
) -> Iterator[tuple[ImageRecord, Fingerprint | None]]:
    """Each image with its fingerprint; None where its file is not there any more, or another one."""
    from core.data.fingerprint import fingerprint

    def read(image: ImageRecord) -> Fingerprint | None:
        try:
            data = (root / image.path).read_bytes()
            if hashlib.sha256(data).hexdigest() != image.sha256:
                return None
            return fingerprint(decode_image(data), with_field=searched == EVERYTHING)
        except (OSError, IntakeError):
            return None

    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(images), 16 * THREADS):
            leave()
            batch = images[start : start + 16 * THREADS]
            yield from zip(batch, pool.map(read, batch), strict=True)
