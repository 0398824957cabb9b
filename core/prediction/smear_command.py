"""`python -m core field`: the white cells of a field, or how well they are found where people have drawn them."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.prediction.smear_settings import HALVES, Settings, SmearError
from store.journal import write_durably

if TYPE_CHECKING:
    from core.prediction.smear import Box

HEADER: Final = ("number", "x", "y", "width", "height", "score", "at_edge")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("image", nargs="?", type=Path, metavar="IMAGE", help="an image of a whole field")
    what.add_argument("--evaluate", type=Path, metavar="DIR", help="a folder of fields with boxes.csv, as BCCD has it")
    what.add_argument("--scale-of", type=Path, metavar="DIR", help="say at which scale training images show cells")
    parser.add_argument(
        "--half",
        choices=HALVES,
        default=HALVES[0],
        help="with --evaluate: judge on this half (tune; report only at the end)",
    )
    parser.add_argument("--boxes", type=Path, metavar="FILE.csv", help="with IMAGE: write the boxes there too")
    parser.add_argument("--sensitivity", type=float, default=1.0, help="2: half the stain is enough (1 is usual)")
    parser.add_argument("--red-cell", type=float, metavar="PX", help="diameter of a red cell; without it: measured")


def run(arguments: argparse.Namespace) -> int:
    """Find, print; the exit code. Raises ValueError, one sentence."""
    settings = Settings(sensitivity=arguments.sensitivity, red_cell=arguments.red_cell)
    settings.check()
    if arguments.boxes is not None and arguments.image is None:
        raise SmearError("--boxes writes what was found in one IMAGE; name one, or leave it out.")
    if arguments.scale_of is not None:
        from core.prediction.smear_training import scale_of  # scikit-image takes a second to load

        print(scale_of(arguments.scale_of.expanduser()))
        return 0
    if arguments.evaluate is not None:
        from core.prediction.smear_judge import evaluate

        print(evaluate(arguments.evaluate.expanduser(), arguments.half, settings))
        return 0
    return _one(arguments.image.expanduser(), arguments.boxes, settings)


def _one(image: Path, file: Path | None, settings: Settings) -> int:
    """The boxes of one field, printed, and written to `file`."""
    from core.data.intake import decode_image
    from core.prediction.smear import find_by
    from core.prediction.smear_crop import at_edge
    from core.prediction.smear_scale import ruler_of

    try:
        data = image.read_bytes()
    except OSError as error:
        raise SmearError(f"{image} cannot be read ({error.strerror}); name an image file.") from error
    rgb = decode_image(data, name=image.name)
    ruler = ruler_of(rgb, settings)
    boxes = find_by(rgb, ruler, settings)
    height, width = rgb.shape[:2]
    print(f"{image.name}: {width} x {height} px; {ruler.words}.")
    rows = [_row(number, box, at_edge(box, width, height)) for number, box in enumerate(boxes, start=1)]
    print("\n".join("  ".join(f"{word!s:>7}" for word in row) for row in [HEADER, *rows]) if rows else "No white cell.")
    if file is not None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([HEADER, *rows])
        try:
            write_durably(file.expanduser(), text.getvalue().encode())
        except OSError as error:
            raise SmearError(
                f"{file} cannot be written ({error.strerror}); name a file in a folder that is there."
            ) from error
        print(f"{len(boxes)} boxes written to {file}.")
    return 0


def _row(number: int, box: Box, cut: bool) -> Sequence[object]:
    return number, box.x, box.y, box.width, box.height, f"{box.score:.2f}", "yes" if cut else "no"
