"""At which scale images of single cells show them: red cells across, by which the crops of a field are cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.data.intake import FORMATS_TEXT, IntakeError, decode_image
from core.prediction.smear import find_by
from core.prediction.smear_scale import red_cell_diameter
from core.prediction.smear_settings import SmearError
from core.progress_line import ProgressLine

EVERY = 5  # every fifth image of a class, by name


def scale_of(folder: Path) -> str:
    """By class (a folder each): how many red cells the shorter side measures, and how much of it the cell takes.

    Raises SmearError where there are no images.
    """
    classes = sorted(place for place in folder.iterdir() if place.is_dir()) if folder.is_dir() else []
    lines, line = [], ProgressLine()
    for place in classes:
        across, shares, images = [], [], sorted(file for file in place.iterdir() if file.is_file())[::EVERY]
        for number, file in enumerate(images, start=1):
            line.tell(place.name, number, len(images))
            try:
                rgb = decode_image(file.read_bytes(), name=file.name)
            except (IntakeError, OSError):
                continue
            side, ruler = min(rgb.shape[:2]), red_cell_diameter(rgb)
            boxes = find_by(rgb, ruler)
            if ruler.measured:
                across.append(side / ruler.diameter)
            if boxes:
                shares.append(max(boxes[0].width, boxes[0].height) / side)
        if across and shares:
            lines.append(
                f"{place.name:<16}{len(images):>4} images: {np.median(across):.2f} red cells across (middle half "
                f"{np.quantile(across, 0.25):.2f} to {np.quantile(across, 0.75):.2f}, measured in {len(across)}); the "
                f"cell takes {np.median(shares):.2f} of the side (found in {len(shares)})"
            )
    line.close()
    if not lines:
        raise SmearError(f"{folder} holds no folders of images ({FORMATS_TEXT}), a class each; name another one.")
    return "\n".join(lines)
