"""Typed access to the payload of a record."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np

STATUSES = ("RUNNING", "COMPLETE", "STOPPED", "FAILED")


class RecordError(ValueError):
    """A payload cannot become rows; the message names the field and what it holds."""


class Fields:
    """Typed access to a payload. Every method raises RecordError for a value of another type.

    An `optional` field may be missing or null, and is then None.
    """

    def __init__(self, values: Any, name: str = "the record") -> None:
        if not isinstance(values, dict):
            raise RecordError(f"{name} is {_shown(values)}, not an object")
        self.values = values

    def wrong(self, name: str, wanted: str) -> RecordError:
        return RecordError(f"{name!r} is {_shown(self.values.get(name))}, but must be {wanted}")

    def text(self, name: str, *, optional: bool = False) -> Any:
        value = self.values.get(name)
        if value is None and optional:
            return None
        if not _is_text(value):
            raise self.wrong(name, "text")
        return value

    def label(self, name: str) -> str | None:
        """A text or a whole number, as text."""
        value = self.values.get(name)
        return str(self.whole(name)) if isinstance(value, int) else self.text(name, optional=True)

    def whole(self, name: str, *, optional: bool = False) -> Any:
        value = self.values.get(name)
        if value is None and optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
            raise self.wrong(name, "a whole number")
        return value

    def real(self, name: str) -> float | None:
        """A finite number or null."""
        value = self.values.get(name)
        if value is None:
            return None
        if not _is_real(value):
            raise self.wrong(name, "a finite number")
        return float(value)

    def flag(self, name: str) -> bool | None:
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def texts(self, name: str) -> list[str]:
        value = self.values.get(name)
        if not isinstance(value, list) or not all(_is_text(item) for item in value):
            raise self.wrong(name, "a list of texts")
        return value

    def reals(self, name: str) -> list[float | None] | None:
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(item is None or _is_real(item) for item in value):
            raise self.wrong(name, "a list of finite numbers")
        return [None if item is None else float(item) for item in value]

    def wholes(self, name: str, below: int = 2**31) -> list[int] | None:
        """A list of whole numbers from 0 to `below` - 1, or null."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not _all_wholes(value, below):
            raise self.wrong(name, f"a list of whole numbers from 0 to {below - 1}")
        return value

    def json(self, name: str) -> str | None:
        """Any value, as JSON text."""
        value = self.values.get(name)
        try:
            return None if value is None else json.dumps(value, allow_nan=False)
        except ValueError as error:
            raise self.wrong(name, "JSON without NaN and infinity") from error

    def status(self, name: str) -> str:
        if self.values.get(name) not in STATUSES:
            raise self.wrong(name, " or ".join(STATUSES))
        return str(self.values[name])

    def moment(self, name: str) -> datetime | None:
        """A time as UTC without its zone, as the tables keep it."""
        text = self.text(name, optional=True)
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
        except (ValueError, OverflowError) as error:
            raise self.wrong(name, "a time in ISO 8601") from error

    def objects(self, name: str) -> dict[str, Fields]:
        """An object of objects, or nothing."""
        value = self.values.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(_is_text(key) for key in value):
            raise self.wrong(name, "an object")
        return {key: Fields(item, f"{name}.{key}") for key, item in value.items()}


def _is_text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return value.isascii() or not any(0xD800 <= ord(letter) <= 0xDFFF for letter in value)


def _is_real(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _all_wholes(values: list[Any], below: int) -> bool:
    if len(values) < 50:  # counts of classes; NumPy pays for itself only with images
        return all(type(value) is int and 0 <= value < below for value in values)
    try:
        array = np.array(values)
    except ValueError:  # lists of different lengths inside
        return False
    return array.ndim == 1 and array.dtype.kind == "i" and bool(array.min() >= 0 and array.max() < below)


def _shown(value: Any) -> str:
    return ascii(value) if len(ascii(value)) <= 60 else ascii(value)[:57] + "..."
