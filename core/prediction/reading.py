"""What a reading is: everything that is said of one image, and the rules by which it is decided.

The rules, in this order (docs/reading.md says the same for people):

1. A raised flag (out of scope, blur, exposure, stain, size): refer to an expert.
2. A chosen operating point decides: one class, or refer.
3. Without one, the prediction set decides: one class; two classes as a set ("monocyte or erythroblast"). None, more
   than two, or a set without the most probable class: refer.
4. A raised blast flag adds the blast class to what 2 or 3 decided on; with two classes there already: refer.
5. A model without calibration has no prediction set: its most probable class is called, and the reading says that
   it is not calibrated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kind = Literal["class", "set", "refer"]

CLASS: Final = "class"
SET: Final = "set"
REFER: Final = "refer"
UNSURE: Final = "The model is not calibrated, so nothing says how sure this is."
MOST: Final = 2  # classes that a set may hold without being referred

OUT_OF_SCOPE: Final = "out_of_scope"
BLUR: Final = "blur"
EXPOSURE: Final = "exposure"
STAIN: Final = "stain"
SIZE: Final = "size"
FLAG_LABELS: Final = {
    OUT_OF_SCOPE: "None of these cells",
    BLUR: "Focus",
    EXPOSURE: "Exposure",
    STAIN: "Stain and background",
    SIZE: "Size of the image",
}


@dataclass(frozen=True)
class Flag:
    """One check of the image.

    Attributes:
        name: a key of FLAG_LABELS.
        raised: True: the image is referred because of it; None: it could not be checked.
        reason: one sentence for people: what was found, beside what is usual.
        value: what was measured, in `unit`; None where nothing was.
        limit: the value beyond which it is raised.
        unit: of value and limit; empty for a plain number.
    """

    name: str
    raised: bool | None
    reason: str
    value: float | None = None
    limit: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class BlastFlag:
    """The watch on the class that must not be missed, at an operating point of its own.

    Attributes:
        class_: whose probability is watched.
        raised: whether its probability reaches the threshold.
        probability: uncalibrated, as the threshold is.
        threshold: from the calibration images of the class alone.
        sensitivity: share of new images of the class that the threshold finds, at least, on average.
        images: calibration images of the class.
    """

    class_: str
    raised: bool
    probability: float
    threshold: float
    sensitivity: float
    images: int


@dataclass(frozen=True)
class Decision:
    """What is said in large words. `classes` are one (class), two (set) or none (refer); `reasons` are sentences."""

    kind: Kind
    classes: tuple[str, ...]
    decided_by: str  # "flag", "operating point NAME", "prediction set", "highest probability", "blast flag"
    reasons: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """'Monocyte', 'Monocyte or erythroblast', 'Refer to an expert'."""
        if self.kind == REFER:
            return "Refer to an expert"
        text = " or ".join(name_of(one) for one in self.classes)
        return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class Reading:
    """All that is said of one image by one model.

    Attributes:
        model_id: the trial or the fusion.
        runtime: "torch" or "onnx".
        weights_sha256: of the weights that answered; of a fusion, of its members' hashes.
        image_sha256: of the file's bytes (of a box in a field: of the field's file).
        width, height: of the image as it was read (px).
        classes: in the order of the arrays.
        probabilities: (C,) calibrated by temperature where `calibrated`, else the plain softmax.
        raw: (C,) the plain softmax; of a fusion, what its rule makes of its members'.
        calibrated: whether calibration images stand behind probabilities, set and blast flag.
        temperature: that the logits were divided by; 1 without calibration.
        p_values: (C,) conformal, a class; empty without calibration.
        prediction_set: classes that cannot be excluded at `coverage`, the most probable first.
        coverage: share of new images of each class whose set holds their class, at least, on average over calibration
            sets: by class, as few calibration images vouch for less. Empty without calibration.
        flags: the checks of the image, in the order of FLAG_LABELS.
        blast: the watch on blasts; None without calibration, or where no class is one.
        decision: what follows, by the rules above.
        seconds: what each part took, by its name (decode, network, ...).
    """

    model_id: str
    runtime: str
    weights_sha256: str
    image_sha256: str
    width: int
    height: int
    classes: tuple[str, ...]
    probabilities: Floats
    raw: Floats
    calibrated: bool
    temperature: float
    p_values: Floats
    prediction_set: tuple[str, ...]
    coverage: Mapping[str, float]
    flags: tuple[Flag, ...]
    blast: BlastFlag | None
    decision: Decision
    seconds: Mapping[str, float]

    @property
    def best(self) -> str:
        """The most probable class."""
        return self.classes[int(self.probabilities.argmax())]

    @property
    def raised(self) -> tuple[Flag, ...]:
        return tuple(flag for flag in self.flags if flag.raised)

    def to_json(self) -> dict[str, Any]:
        """As the API, `python -m core predict --json` and the journal give it: plain lists and numbers."""
        data = asdict(self) | {
            "probabilities": dict(zip(self.classes, self.probabilities.tolist(), strict=True)),
            "raw": dict(zip(self.classes, self.raw.tolist(), strict=True)),
            "p_values": dict(zip(self.classes, self.p_values.tolist(), strict=True)) if self.calibrated else None,
        }
        data["decision"]["words"] = self.decision.words
        if data["blast"] is not None:
            data["blast"]["class"] = data["blast"].pop("class_")
        return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}


def name_of(class_: str) -> str:
    """A class's name for people: 'seg_neutrophil' -> 'seg neutrophil'."""
    return class_.replace("_", " ").strip()


def decide(
    classes: Sequence[str], probabilities: Floats, prediction_set: Sequence[str] | None, flags: Sequence[Flag],
    blast: BlastFlag | None, point: tuple[str, str | None] | None = None,
) -> Decision:  # fmt: skip
    """The decision by the rules above.

    Args:
        probabilities: (C,).
        prediction_set: None: the model is not calibrated.
        point: (name of the chosen operating point, the class that it decides on, or None: refer).
    """
    raised = [flag for flag in flags if flag.raised]
    if raised:
        return Decision(REFER, (), "flag", tuple(flag.reason for flag in raised))
    found: tuple[str, ...]
    reason: tuple[str, ...] = () if prediction_set is not None else (UNSURE,)
    best = classes[int(np.asarray(probabilities).argmax())]
    if point is not None:
        by, found = f"operating point {point[0]}", () if point[1] is None else (point[1],)
        if not found:
            reason = (*reason, "No class reaches its threshold at this operating point.")
        elif best not in found:
            reason = (*reason, f"The most probable class is {name_of(best)}; this operating point decides otherwise.")
    elif prediction_set is None:
        by, found = "highest probability", (best,)
    else:
        by, found = "prediction set", tuple(prediction_set)
        if not found:
            reason = ("The image is unlike the calibration images of every class.",)
        elif best not in found:
            held = " and ".join(map(name_of, found))
            reason = (
                f"The most probable class, {name_of(best)}, is excluded by its calibration images; {held} is not.",
            )
            return Decision(REFER, (), by, reason)
        elif len(found) > MOST:
            reason = (f"{len(found)} classes cannot be excluded: {', '.join(map(name_of, found))}.",)
    if blast is not None and blast.raised and found and blast.class_ not in found:
        found, by = (*found, blast.class_), "blast flag"
        reason = (*reason, f"The watch on blasts does not exclude {name_of(blast.class_)}.")
    if not found or len(found) > MOST:
        return Decision(REFER, (), by, reason)
    return Decision(CLASS if len(found) == 1 else SET, found, by, reason)
