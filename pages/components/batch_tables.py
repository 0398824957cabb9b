"""The tables of a batch, from what was read and what experts said of it. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from core.prediction.batch import Item, urgency
from core.prediction.count import Differential, Share, reviewed
from core.prediction.reading import CLASS, REFER, SET, Decision, Reading, name_of
from core.prediction.reading_words import reasons_to_look, share_words
from core.prediction.report_facts import Reported, Review
from pages.charts.wording import missing

Reviews = Mapping[str, Review]  # by reading id

EYES, REFERRED, BLASTS, TWO, DECIDED, OPEN, REFUSED, ALL = (
    "eyes", "referred", "blasts", "two", "decided", "open", "refused", "all",
)  # fmt: skip
SHOWN = {
    ALL: "All", EYES: "Needs eyes", REFERRED: "Referred", BLASTS: "Watch on blasts", TWO: "Two classes",
    DECIDED: "One class", OPEN: "Not reviewed", REFUSED: "Files refused",
}  # fmt: skip


def reviews_of(rows: pd.DataFrame) -> dict[str, Review]:
    """The latest review of each reading, from the store's readings of the batch."""
    return {
        str(row["reading_id"]): Review(
            str(row["verdict"]),
            None if missing(row["expert_class"]) else str(row["expert_class"]),
            "" if missing(row["review_note"]) else str(row["review_note"]),
            None if missing(row["reviewed_by"]) else str(row["reviewed_by"]),
            _time(row["reviewed_at"]),
        )
        for row in rows[rows["review_id"].notna()].to_dict("records")
    }


def in_order(items: Sequence[Item]) -> list[Item]:
    """What needs eyes first, then the rest; refused files at the end."""
    read = sorted((item for item in items if item.reading is not None), key=lambda item: urgency(_reading(item)))
    return [*read, *(item for item in items if item.reading is None)]


def chosen(items: Sequence[Item], which: str, text: str, reviews: Reviews) -> list[Item]:
    """Those of a kind (a key of SHOWN) whose file name holds a text, in any case of its letters."""
    part = text.strip().lower()
    return [item for item in items if part in item.name.lower() and _is(item, which, reviews)]


def list_table(items: Sequence[Item], pictures: Sequence[str | None], reviews: Reviews) -> pd.DataFrame:
    """Columns picture (a data URL), decision, probability, reasons, review, file."""
    rows = [
        {
            "picture": picture,
            "decision": "Refused" if item.reading is None else item.reading.decision.words,
            "probability": None if item.reading is None else share_words(item.reading),
            "reasons": item.why if item.reading is None else reasons_to_look(item.reading),
            "review": _said(item, reviews),
            "file": item.name,
        }
        for item, picture in zip(items, pictures, strict=True)
    ]
    return pd.DataFrame(rows, columns=["picture", "decision", "probability", "reasons", "review", "file"])


def export_table(items: Sequence[Item], reviews: Reviews) -> pd.DataFrame:
    """Everything that is on record of the batch, a row a file, for a CSV."""
    return pd.DataFrame([_exported(item, reviews.get(item.reading_id or "")) for item in items])


def after_review(items: Sequence[Item], reviews: Reviews) -> list[Decision]:
    """The decisions that count once experts have been heard."""
    found = []
    for item in items:
        if item.reading is not None:
            review = reviews.get(item.reading_id or "")
            said = (None, None) if review is None else (review.verdict, review.class_)
            found.append(reviewed(item.reading.decision, *said))
    return found


def count_rows(count: Differential) -> pd.DataFrame:
    """Rows of the chart: class, kind, share, low, high, cells."""
    rows = [
        {"class": name_of(row.class_), "kind": kind, "cells": row.number, **_ends(share)}
        for row in count.rows
        for kind, share in (("as found", row.raw), ("corrected", row.corrected))
    ]
    return pd.DataFrame(rows)


def count_table(count: Differential, after: Differential | None) -> pd.DataFrame:
    """Columns class, cells, as found, corrected, and after review where there is one; shares in words."""
    found = {row.class_: row for row in count.rows}
    rows = []
    for row in (after or count).rows:
        own = found.get(row.class_)
        rows.append(
            {
                "class": name_of(row.class_),
                "cells": 0 if own is None else own.number,
                "as found": told(None if own is None else own.raw),
                "corrected": told(None if own is None else own.corrected),
            }
            | ({} if after is None else {"after review": told(row.raw)})
        )
    return pd.DataFrame(rows)


def told(share: Share | None) -> str:
    """'12.5 % (8.1 to 18.7)'."""
    if share is None:
        return "–"
    return f"{100 * share.value:.1f} % ({100 * share.low:.1f} to {100 * share.high:.1f})"


def reported(items: Sequence[Item], reviews: Reviews) -> list[Reported]:
    """The readings as a report takes them."""
    return [
        Reported(item.name, item.reading, item.reading_id, item.at_time, item.picture,
                 review=reviews.get(item.reading_id or ""))
        for item in items
        if item.reading is not None
    ]  # fmt: skip


def _is(item: Item, which: str, reviews: Reviews) -> bool:
    if item.reading is None:
        return which in (ALL, REFUSED)
    kind, blast = item.reading.decision.kind, item.reading.blast
    raised = blast is not None and blast.raised
    return {
        ALL: True, EYES: kind != CLASS or raised, REFERRED: kind == REFER, BLASTS: raised, TWO: kind == SET,
        DECIDED: kind == CLASS, OPEN: item.reading_id not in reviews, REFUSED: False,
    }[which]  # fmt: skip


def _said(item: Item, reviews: Reviews) -> str:
    review = reviews.get(item.reading_id or "")
    return "" if review is None else review.words


def _exported(item: Item, review: Review | None) -> dict[str, Any]:
    row: dict[str, Any] = {"place": item.at + 1, "file": item.name, "refused": item.why, "reading_id": item.reading_id}
    if item.reading is None:
        return row
    said = item.reading.to_json()
    row |= {
        "read_at": item.at_time, "decision": said["decision"]["kind"],
        "classes": " or ".join(item.reading.decision.classes), "decided_by": item.reading.decision.decided_by,
        "reasons": " ".join(item.reading.decision.reasons), "calibrated": item.reading.calibrated,
    }  # fmt: skip
    row |= {f"p_{name}": share for name, share in said["probabilities"].items()}
    blast = item.reading.blast
    row |= {
        "prediction_set": " ".join(item.reading.prediction_set),
        "flags": " ".join(flag.name for flag in item.reading.raised),
        "blast_watch": None if blast is None else blast.raised, "width": item.reading.width,
        "height": item.reading.height, "image_sha256": item.reading.image_sha256, "model_id": item.reading.model_id,
        "runtime": item.reading.runtime, "weights_sha256": item.reading.weights_sha256,
    }  # fmt: skip
    if review is not None:
        row |= {"verdict": review.verdict, "expert_class": review.class_, "note": review.note,
                "reviewed_by": review.reviewed_by, "reviewed_at": review.at}  # fmt: skip
    return row


def _reading(item: Item) -> Reading:
    if item.reading is None:
        raise ValueError(f"{item.name} was refused and has no reading.")
    return item.reading


def _ends(share: Share | None) -> dict[str, float]:
    nan = float("nan")
    return {"share": nan, "low": nan, "high": nan} if share is None else {
        "share": share.value, "low": share.low, "high": share.high,
    }  # fmt: skip


def _time(value: object) -> datetime | None:
    return None if missing(value) else pd.Timestamp(value).to_pydatetime()  # type: ignore[arg-type]
