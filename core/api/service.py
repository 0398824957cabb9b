"""What the API answers with: the models of a home folder and readings by them, on record like those of the pages."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from core.api.errors import ApiError
from core.data.intake import IntakeError, safe_name

if TYPE_CHECKING:
    from core.prediction.models import ModelEntry
    from core.prediction.reader import Point

log = logging.getLogger("cellascent.api")

NOTICE: Final = "Research use only. Not a medical device."
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")  # no path in it


class Service(Protocol):
    """Called from threads, never from the event loop."""

    def models(self) -> dict[str, Any]:
        """The answer to GET /api/models."""

    def read(self, image: bytes, image_name: str, model: str, point: str) -> dict[str, Any]:
        """The answer to POST /api/readings; empty `model` and `point`: the first model, no operating point.

        Raises ApiError.
        """


class HomeService:
    """Through the process's own readers, which the pages use too."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def models(self) -> dict[str, Any]:
        from core.prediction.models import models
        from core.prediction.points import points

        found = models(self._home)
        described = [
            {
                "model_id": entry.model_id, "name": entry.name, "kind": entry.kind, "classes": list(entry.classes),
                "dataset_id": entry.dataset_id,
                "points": [{"point_id": one.point_id, "name": one.name} for one in points(self._home, entry)],
            }
            for entry in found
        ]  # fmt: skip
        return {"models": described, "default": found[0].model_id if found else None, "notice": NOTICE}

    def read(self, image: bytes, image_name: str, model: str, point: str) -> dict[str, Any]:
        from core.learning.settings import ModelError
        from core.prediction.readers import reader_of
        from core.statements import save_reading

        entry = self._entry(model)
        chosen = self._point(entry, point) if point else None
        try:
            reader = reader_of(self._home, entry.model_id)
        except ModelError as error:  # its sentence may name folders of the server
            log.error("The model %s cannot be loaded: %s", entry.model_id, error)
            message = f"The model {entry.model_id} cannot be loaded; the server's log says why."
            raise ApiError(503, "model_unavailable", message) from error
        try:
            reading = reader.read(image, name="The image", point=chosen)
        except IntakeError as error:
            raise ApiError(422, "bad_image", str(error)) from error
        reading_id = save_reading(
            self._home, reading, file_name=safe_name(image_name), through="api",
            operating_point_id=None if chosen is None else chosen.point_id,
        )  # fmt: skip
        return {"reading_id": reading_id, **reading.to_json(), "notice": NOTICE}

    def _entry(self, model: str) -> ModelEntry:
        from core.learning.settings import ModelError
        from core.prediction.models import entry, models

        if model:
            try:
                if _ID.fullmatch(model):
                    return entry(self._home, model)
            except ModelError:
                pass
            message = "There is no model of that id that can read images; GET /api/models lists those that can."
            raise ApiError(422, "unknown_model", message)
        found = models(self._home)
        if not found:
            raise ApiError(503, "no_model", "No model can read images yet; a search that has finished gives one.")
        return found[0]

    def _point(self, entry: ModelEntry, point: str) -> Point:
        from core.prediction.points import points

        for one in points(self._home, entry):
            if point == one.point_id:
                return one
        message = "The model has no operating point of that id; GET /api/models lists those that it has."
        raise ApiError(422, "unknown_point", message)
