"""`python -m core predict`: read single images in the terminal. Each reading is on record, as on the pages."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.prediction.reading import Reading

NOT_READ = 1  # exit code where an image could not be read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command, but for --home."""
    parser.add_argument("images", metavar="IMAGE", nargs="*", type=Path)
    parser.add_argument("--model", help="id of a trial, a fusion or a search; else the newest search's model")
    parser.add_argument("--models", action="store_true", help="only list the models")
    parser.add_argument("--runtime", help="torch or onnx; else the fastest one that the model is calibrated for")
    parser.add_argument("--json", action="store_true", help="a JSON object an image, one a line")


def run(arguments: argparse.Namespace) -> int:
    """Read, record, print; the exit code (1: an image could not be read). Raises ValueError, one sentence."""
    from core.data.intake import IntakeError
    from core.learning.settings import ModelError
    from core.prediction.models import models
    from core.prediction.readers import reader_of
    from core.statements import save_reading

    if arguments.models:
        for entry in models(arguments.home):
            print(f"{entry.model_id}  {entry.kind:<7} {entry.name}")
        return 0
    if not arguments.images:
        raise ModelError("Name at least one image, or --models to see which models there are.")
    wanted = arguments.model or next((entry.model_id for entry in models(arguments.home)), None)
    if wanted is None:
        raise ModelError(f"There is no trained model in {arguments.home}; train one with python -m core search.")
    reader, failed = reader_of(arguments.home, wanted, arguments.runtime), 0
    for file in arguments.images:
        try:
            reading = reader.read(file.read_bytes(), name=str(file))
        except (IntakeError, OSError) as error:
            failed += 1
            words = str(error) if isinstance(error, IntakeError) else f"{file} cannot be read: {error.strerror}."
            print(json.dumps({"file": str(file), "error": words}) if arguments.json else words,
                  file=sys.stdout if arguments.json else sys.stderr)  # fmt: skip
            continue
        reading_id = save_reading(arguments.home, reading, file_name=file.name, through="command line")
        if arguments.json:
            print(json.dumps({"file": str(file), "reading_id": reading_id, **reading.to_json()}))
        else:
            print(words_of(file, reading, reader.why))
    if not arguments.json:
        print("Research use only; not a medical device.")
    return NOT_READ if failed else 0


def words_of(file: Path, reading: Reading, why: str) -> str:
    """A reading for the terminal; `why` the model is not calibrated, where it is not."""
    from core.prediction.reading import FLAG_LABELS
    from core.prediction.wording import at_least, percent

    sure = "" if reading.calibrated else f" (not calibrated: {why})"
    lines = [f"{file}: {reading.decision.words}{sure}", *(f"  {reason}" for reason in reading.decision.reasons)]
    for name, share in sorted(zip(reading.classes, reading.probabilities, strict=True), key=lambda one: -one[1]):
        held = "  in the prediction set" if name in reading.prediction_set else ""
        lines.append(f"  {name:<20} {percent(share):>7}{held}")
    if reading.blast is not None:
        said = "RAISED" if reading.blast.raised else "not raised"
        found = at_least(reading.blast.sensitivity)
        lines.append(f"  blast flag ({reading.blast.class_}): {said}; finds at least {found} of new ones")
    lines += [
        f"  {FLAG_LABELS[flag.name]}: {'' if flag.raised is not None else 'not checked. '}{flag.reason}"
        for flag in reading.flags if not flag.raised
    ]  # fmt: skip
    return "\n".join(lines)
