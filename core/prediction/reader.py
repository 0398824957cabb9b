"""Bytes in, a Reading out: the one way in which pages, commands and the API read an image."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from core.data.intake import decode_image, to_square
from core.evaluation.decision import Rule
from core.evaluation.decision import decide as decide_by_rule
from core.evaluation.fusion import fuse
from core.evaluation.scope import ALPHA
from core.evaluation.scope_file import Scope
from core.evaluation.temperature import tempered
from core.prediction.calibration import Calibration
from core.prediction.models import ModelEntry
from core.prediction.quality import Limits, measure
from core.prediction.reading import BLUR, EXPOSURE, SIZE, STAIN, BlastFlag, Decision, Flag, Floats, Reading, decide
from core.prediction.scoped import scope_flag

if TYPE_CHECKING:
    from core.prediction.predictor import Look, Network

Pixels = NDArray[np.uint8]

MAX_PIXELS: Final = 64_000_000
# As many images at once as there are cores, each by one thread: threads that wait for each other wait long where a
# training has the other core (docs/decisions/0011). More at once would only take more memory.
_at_once = threading.BoundedSemaphore(min(os.cpu_count() or 1, 4))


@dataclass(frozen=True)
class Point:
    """A saved operating point; `rule` decides on uncalibrated probabilities, on which it was chosen."""

    name: str
    rule: Rule
    point_id: str | None = None

    def decision(self, raw: Floats, classes: Sequence[str]) -> str | None:
        """The decided class of one image's uncalibrated probabilities (C,); None: refer to an expert."""
        decided = int(decide_by_rule(self.rule, raw[None, :])[0])
        return None if decided == len(classes) else classes[decided]


@dataclass(frozen=True)
class Seen:
    """A reading with what it rests on: the image (H, W, 3), and what each member of the model saw in its square."""

    reading: Reading
    rgb: Pixels
    squares: tuple[Pixels, ...]
    looks: tuple[Look, ...]


class Answer(NamedTuple):
    """What a reader makes of one image's uncalibrated probabilities; the fields are those of a Reading."""

    probabilities: Floats
    p_values: Floats
    prediction_set: tuple[str, ...]
    blast: BlastFlag | None
    decision: Decision


class Reader:
    """A model ready to read. Safe to share between threads.

    Attributes:
        entry: the model.
        members: its networks (one, or those of a fusion).
        calibration: None: not calibrated; then `why` says why.
        loaded_seconds: what loading took.
    """

    def __init__(
        self, entry: ModelEntry, members: Sequence[Network], *, calibration: Calibration | None = None,
        limits: Limits | None = None, scope: Scope | None = None, why: str = "", no_limits: str = "",
        no_scope: str = "", loaded_seconds: float = 0.0,
    ) -> None:  # fmt: skip
        """`limits` and `scope` are those of the member with the most weight; `no_...` say why they are not there."""
        self.entry, self.members, self.calibration = entry, tuple(members), calibration
        self.limits, self.scope, self.why, self.loaded_seconds = limits, scope, why, loaded_seconds
        self._no_limits, self._no_scope = no_limits, no_scope
        self.main = int(np.argmax(entry.weights))

    @property
    def runtime(self) -> str:
        return self.members[0].runtime

    @property
    def classes(self) -> tuple[str, ...]:
        return self.entry.classes

    @property
    def weights_sha256(self) -> str:
        """Of the weights; of a fusion, of its members' hashes and how they are joined."""
        return joined_hash(self.entry, [member.weights_sha256 for member in self.members])

    def read(self, data: bytes, *, name: str = "The file", point: Point | None = None) -> Reading:
        """Read one image file. Raises IntakeError, one sentence that begins with `name`, when it is not one."""
        return self.see(data, name=name, point=point).reading

    def see(self, data: bytes, *, name: str = "The file", point: Point | None = None) -> Seen:
        """As `read`, with what the reading rests on."""
        began = time.perf_counter()
        rgb = decode_image(data, max_pixels=MAX_PIXELS, name=name)
        decoded = time.perf_counter() - began
        return self._see(rgb, hashlib.sha256(data).hexdigest(), point, {"decode": decoded})

    def read_pixels(self, rgb: Pixels, image_sha256: str, *, point: Point | None = None) -> Reading:
        """Read an image that is decoded already: (H, W, 3) uint8 RGB, for example a box of a field."""
        return self._see(rgb, image_sha256, point, {}).reading

    def raw(self, looks: Sequence[Look]) -> Floats:
        """Uncalibrated probabilities (n, C) from what the members saw in n images."""
        each = np.stack([softmax(look.logits.astype(np.float64), axis=1) for look in looks])
        return each[0] if len(each) == 1 else fuse(each, self.entry.weights, self.entry.rule)

    def answers(self, squares: Pixels) -> Floats:
        """Uncalibrated probabilities (n, C) of squares (n, S, S, 3) of the main member's size; waits its turn."""
        with _at_once:
            sizes = [member.facts.image_size for member in self.members]
            each = [np.stack([to_square(square, size) for square in squares]) for size in sizes]
            return self.raw([member.look(own) for member, own in zip(self.members, each, strict=True)])

    def _see(self, rgb: Pixels, sha256: str, point: Point | None, seconds: dict[str, float]) -> Seen:
        height, width = rgb.shape[:2]
        with _at_once:
            began = time.perf_counter()
            squares = tuple(to_square(rgb, member.facts.image_size) for member in self.members)
            looks = tuple(
                member.look(square[None]) for member, square in zip(self.members, squares, strict=True)
            )  # fmt: skip
            seconds["network"] = time.perf_counter() - began
        began = time.perf_counter()
        raw = self.raw(looks)[0]
        flags = self._flags(looks[self.main], squares[self.main], width, height)
        seconds["checks"] = time.perf_counter() - began
        return Seen(self._reading(raw, flags, sha256, width, height, point, seconds), rgb, squares, looks)

    def _flags(self, look: Look, square: Pixels, width: int, height: int) -> tuple[Flag, ...]:
        by = f"of its member {self.entry.trial_ids[self.main]} " if len(self.members) > 1 else ""
        scope = scope_flag(self.scope, look.features, look.logits, ALPHA, by, self._no_scope)
        if self.limits is None:
            unknown = f"It cannot be checked, since what is usual is not known. {self._no_limits}".strip()
            return scope, *(Flag(one, None, unknown) for one in (BLUR, EXPOSURE, STAIN, SIZE))
        return scope, *self.limits.flags(measure(square, width, height))

    def answer(self, raw: Floats, flags: tuple[Flag, ...], point: Point | None) -> Answer:
        """What follows from one image's uncalibrated probabilities (C,) and its flags, by the rules of `reading`."""
        found = self.calibration
        probabilities = raw if found is None else tempered(raw, found.temperature)
        p_values, members = (np.empty(0), ()) if found is None else found.prediction_set(raw)
        blast = None if found is None else found.blast(raw)
        chosen = None if point is None else (point.name, point.decision(raw, self.classes))
        decision = decide(self.classes, probabilities, None if found is None else members, flags, blast, chosen)
        return Answer(probabilities, p_values, members, blast, decision)

    def _reading(
        self, raw: Floats, flags: tuple[Flag, ...], sha256: str, width: int, height: int, point: Point | None,
        seconds: dict[str, float],
    ) -> Reading:  # fmt: skip
        found, said = self.calibration, self.answer(raw, flags, point)
        return Reading(
            self.entry.model_id, self.runtime, self.weights_sha256, sha256, width, height, self.classes,
            said.probabilities, raw, found is not None, 1.0 if found is None else found.temperature, said.p_values,
            said.prediction_set, {} if found is None else found.coverage(), flags, said.blast, said.decision, seconds,
        )  # fmt: skip


def joined_hash(entry: ModelEntry, hashes: Sequence[str]) -> str:
    """One hash of a model's weights: its own; of a fusion, of its members' hashes, weights and rule."""
    if len(hashes) == 1:
        return hashes[0]
    parts = [f"{one}:{weight!r}" for one, weight in zip(hashes, entry.weights, strict=True)]
    return hashlib.sha256("\n".join([entry.rule, *parts]).encode()).hexdigest()
