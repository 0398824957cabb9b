"""Made-up results on images from elsewhere, beside the made-up searches of `tests.store.factory`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.data.cells import draw_cell
from store.journal import JournalWriter, journal_folder, next_attempt, replay
from tests.store.factory import CLASSES

Cell = tuple[str, str | None, str, int]  # true class, source, what the model calls it, images
CELLS: tuple[Cell, ...] = (  # 18 of 59 right, and far worse in the one source than in the other
    ("basophil", "munich", "basophil", 1), ("basophil", "munich", "seg_neutrophil", 2),
    ("monocyte", "munich", "monocyte", 3), ("monocyte", "munich", "myeloblast", 3),
    ("seg_neutrophil", "barcelona", "seg_neutrophil", 14), ("seg_neutrophil", "barcelona", "monocyte", 20),
    ("seg_neutrophil", "barcelona", "erythroblast", 16),
)  # fmt: skip


def write_external(
    home: Path, search_id: str, trials: Sequence[str] = (), *, cells: Sequence[Cell] = CELLS, name: str = "elsewhere",
    registered: bool = True, unknown: int = 0, pictures: Path | None = None, again: Sequence[int] | None = (),
) -> str:  # fmt: skip
    """Register an external set for the data of a made-up search, and what trials of it say; the set's id.

    Args:
        trials: names of the trials that have read it, such as "final-1".
        cells: the images that count, and what every one of the trials calls them.
        unknown: further images of a class that the models do not know.
        pictures: a folder in which to draw the images; without it there are no image files.
        again: images that a comparison found in the data that are trained on; None: there was no comparison.
    """
    facts = {record["kind"]: record for record in replay(home, search_id)}
    dataset_id, classes = facts["search_data"]["dataset_id"], list(facts["dataset"]["classes"])
    external_id = f"d-{name}"
    images = [(true, source, called) for true, source, called, n in cells for _ in range(n)]
    _dataset(home, external_id, name, [(true, source) for true, source, _ in images], unknown, pictures)
    _append(home, "_home", "external", "external_set", dataset_id=dataset_id, external_id=external_id, removed=False)
    if not registered:
        _append(home, "_home", "external", "external_set", dataset_id=dataset_id, external_id=external_id, removed=True)
    if again is not None:
        _append(
            home, "_home", "shared", "external_shared", dataset_id=dataset_id, external_id=external_id,
            image_ids=list(again), own_ids=[0] * len(again), kinds=["near"] * len(again), searched="near and overlap",
            unread=0, crowded=0,
        )  # fmt: skip
    probabilities = np.full((len(images), len(classes)), 0.1 / (len(classes) - 1), dtype="<f4")
    for at, (_, _, called) in enumerate(images):
        probabilities[at, classes.index(called)] = 0.9 - at / 1000
    for trial in trials:
        _append(
            home, search_id, "external", "external_result", search_id=search_id, trial_id=f"{search_id}.{trial}",
            external_id=external_id, image_ids=list(range(len(images))), seconds=1.5,
            true_classes=[classes.index(true) for true, _, _ in images],
            probabilities=base64.b64encode(probabilities.tobytes()).decode(),
        )  # fmt: skip
    return external_id


def _dataset(
    home: Path, external_id: str, name: str, images: list[tuple[str, str | None]], unknown: int, pictures: Path | None
) -> None:
    images = [*images, *[("platelet", "munich")] * unknown]
    n = len(images)
    paths = [f"{true}/{at:04d}.png" for at, (true, _) in enumerate(images)]
    hashes = [hashlib.sha256(f"{name} {at}".encode()).hexdigest() for at in range(n)]
    for at, (true, _) in enumerate(images) if pictures else []:
        file = (pictures or home) / paths[at]
        file.parent.mkdir(parents=True, exist_ok=True)
        kind = true if true in CLASSES else CLASSES[0]
        Image.fromarray(draw_cell(kind, 48, np.random.default_rng([7, at]))).save(file)
        hashes[at] = hashlib.sha256(file.read_bytes()).hexdigest()
    _append(
        home, "_home", f"datasets-{external_id}", "dataset", dataset_id=external_id, name=name,
        root="made-up" if pictures is None else str(pictures), classes=sorted({true for true, _ in images}),
        split_origin="made", split_seed=0, fractions={"test": 1.0}, synthetic=True, usable=n, bad=0,
    )  # fmt: skip
    columns: dict[str, list[Any]] = {
        "image_id": list(range(n)), "path": paths, "sha256": hashes, "pixel_sha256": [f"p{one}" for one in hashes],
        "class": [true for true, _ in images], "split": ["test"] * n, "group_id": list(range(n)),
        "source": [source for _, source in images], "width": [48] * n, "height": [48] * n, "status": ["ok"] * n,
        "reason": [None] * n,
    }  # fmt: skip
    _append(home, "_home", f"datasets-{external_id}", "images", dataset_id=external_id, columns=columns)


def _append(home: Path, folder: str, name: str, kind: str, /, **payload: Any) -> None:
    place = journal_folder(home, folder)
    journal = JournalWriter(place, name, next_attempt(place, name))
    journal.append(kind, **payload)
    journal.close()
