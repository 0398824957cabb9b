"""How hyper-parameters and rates are written, in charts and tables alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

SHORT = {
    "learning_rate": "lr", "batch_size": "batch", "epochs": "epochs", "backbone": "backbone", "recipe": "recipe",
}  # fmt: skip
LONG = SHORT | {"learning_rate": "learning rate", "batch_size": "batch size"}


def missing(value: Any) -> bool:
    """None, NaN, NaT or pandas' NA."""
    return value is None or str(value) in ("nan", "NaT", "<NA>")


def value(name: str, number: Any) -> str:
    """One hyper-parameter's value: learning rates as 1e-4, all else plainly."""
    if missing(number):
        return "–"
    if name == "learning_rate":
        return rate(float(number))
    return f"{number:g}" if isinstance(number, int | float) else str(number)


def rate(number: float) -> str:
    """1e-4 for 0.0001; 2.5e-4 for 0.00025."""
    if number <= 0 or not math.isfinite(number):
        return f"{number:g}"
    exponent = math.floor(math.log10(number) + 1e-9)
    return f"{number / 10**exponent:.3g}e{exponent}"


def point(row: Mapping[Any, Any]) -> str:
    """All hyper-parameters of a trial on one line."""
    rate_text = value("learning_rate", row["learning_rate"])
    return f"Learning rate {rate_text}, batch size {row['batch_size']}, {row['epochs']} epochs"


def short_point(row: Mapping[Any, Any]) -> str:
    """'lr 1e-4, batch 20, 24 epochs'."""
    return f"lr {value('learning_rate', row['learning_rate'])}, batch {row['batch_size']}, {row['epochs']} epochs"


def change(row: Mapping[Any, Any]) -> str:
    """What the trial's move changed: 'batch 20', or 'start' for the first trial."""
    coordinate = str(row["coordinate"])
    if coordinate == "initial":
        return "start"
    if coordinate == "what-if":
        return f"what-if: {short_point(row)}"
    if coordinate not in SHORT:  # of a search that trains every listed point: what sets this one apart
        return coordinate
    if coordinate not in row:
        return f"another {SHORT[coordinate]}"
    if coordinate == "epochs":
        return f"{row['epochs']} epochs"
    return f"{SHORT[coordinate]} {value(coordinate, row[coordinate])}"


def loss(number: Any) -> str:
    """A loss; a diverged one has no use for decimals."""
    return "–" if missing(number) else f"{float(number):.4f}" if abs(float(number)) < 1000 else f"{float(number):.3g}"


def share(number: Any, digits: int = 4) -> str:
    """An accuracy or another rate in [0, 1]."""
    return "–" if missing(number) else f"{float(number):.{digits}f}"
