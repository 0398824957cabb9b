"""The report of the reading on Predict: with where the network looked, and what an expert has said by then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.prediction.reading import name_of
from core.prediction.report_facts import Reported
from core.prediction.thumbnail import small_jpeg
from pages.components.batch_tables import reviews_of
from pages.components.data import read
from pages.components.predict_words import two_classes
from pages.components.reading_report import reading_report_button

if TYPE_CHECKING:
    from core.prediction.reader import Reader, Seen

STRENGTH = 0.6
SIDE = 480  # px of a picture in a report


def report_button(reader: Reader, seen: Seen, name: str, reading_id: str | None) -> None:
    """Made when it is pressed: occlusion takes seconds."""
    reading_report_button(lambda: _reported(reader, seen, name, reading_id), reading_id, "predict_pdf")


def _reported(reader: Reader, seen: Seen, name: str, reading_id: str | None) -> Reported:
    from core.prediction.explain import explain

    reading, found = seen.reading, explain(reader, seen)
    rows = read("reading", reading_id or "")
    pictures = [
        (f"Where the network looked for {name_of(class_)}: coarse, and no proof. {found.words}",
         small_jpeg(found.over(seen.rgb, reading.classes.index(class_), STRENGTH), SIDE))
        for class_ in two_classes(reading) if class_ is not None
    ]  # fmt: skip
    at = None if rows.empty else rows["at"].iloc[0].to_pydatetime()
    picture = small_jpeg(seen.rgb, SIDE)
    return Reported(name, reading, reading_id, at, picture, pictures, reviews_of(rows).get(reading_id or ""))
