"""A batch: files read one after the other in a thread of this process, each on record as soon as it is read.

The page draws what `BatchRun` says while the thread goes on, and finds it again by its id: the thread knows no page. A
file that cannot be read has its sentence and the next one is read.
Nothing of a file is kept but a small picture, a hash and what was said of it.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np

from core.data.intake import IntakeError, decode_image
from core.data.uploads import Refused, Upload
from core.prediction.count import Ints
from core.prediction.kept import keep
from core.prediction.reading import REFER, SET, Reading
from core.prediction.thumbnail import small_jpeg
from core.statements import save_reading
from store.journal import JournalError

log = logging.getLogger(__name__)

Status = Literal["waiting", "loading", "reading", "complete", "cancelled", "failed"]
AT_ONCE: Final = 2  # batches that are read at the same time; more wait, so that single readings stay quick
MAY_WAIT: Final = 2  # as each holds all its uploads, and a thread
KEPT: Final = 4  # batches that a process remembers; each holds up to 2,000 small pictures, about 20 MB
_turns = threading.BoundedSemaphore(AT_ONCE)
_kept: OrderedDict[str, BatchRun] = OrderedDict()
_keeping = threading.Lock()


class BusyError(ValueError):
    """Enough batches wait already; one sentence."""


class Reads(Protocol):
    """What a batch needs of a reader (core.prediction.reader.Reader)."""

    def read_pixels(self, rgb: np.ndarray, image_sha256: str, *, point: Any = None) -> Reading: ...


@dataclass(frozen=True)
class About:
    """What a batch was asked of: a model, its name for people, and how an operating point decides, in words."""

    model_id: str
    model_name: str
    classes: tuple[str, ...]
    point: Any = None  # core.prediction.reader.Point
    point_words: str = ""


@dataclass(frozen=True)
class Item:
    """One file of a batch.

    Attributes:
        at: its place in the batch, from 0.
        reading, reading_id: what was said, and its id on record; None where the file was refused.
        picture: a JPEG of at most 256 px; None where the file was refused.
        why: why it was refused, one sentence; empty where it was read.
        at_time: when it was read (UTC).
    """

    at: int
    name: str
    reading: Reading | None = None
    reading_id: str | None = None
    picture: bytes | None = None
    why: str = ""
    at_time: datetime | None = None


@dataclass(frozen=True)
class Progress:
    """How far a batch is. `seconds` since it was started, until it ended; `problem` is why it failed, one sentence."""

    status: Status
    done: int
    total: int
    refused: int
    seconds: float
    problem: str

    @property
    def over(self) -> bool:
        return self.status in ("complete", "cancelled", "failed")


class BatchRun:
    """One batch, from its start on. Every method may be called from any thread."""

    def __init__(
        self, home: Path, about: About, reader: Callable[[], Reads], files: Iterable[Upload | Refused], total: int, *,
        errors: Callable[[Any], Ints | None] | None = None, asked_by: str | None = None, keep_images: bool = False,
    ) -> None:  # fmt: skip
        """
        Args:
            reader: gives the reader; called in the thread, as loading a model takes seconds. May raise a ValueError
                that says why it cannot.
            files: iterated once, in the thread.
            total: how many there are, as far as is known.
            keep_images: keep the files that could be read (`core.prediction.kept`).
            errors: gives the reader's known errors (`core.prediction.known_errors`); None where none are known.
        """
        self.batch_id = f"b-{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
        self.started_at = datetime.now(UTC)
        self.about = about
        self._home, self._reader, self._files, self._total = home, reader, iter(files), total
        self._find_errors, self._asked_by, self._keep = errors, asked_by, keep_images
        self._errors: Ints | None = None
        self._lock = threading.Lock()
        self._cancel = threading.Event()
        self._items: list[Item] = []
        self._status: Status = "waiting"
        self._problem = ""
        self._began, self._ended = time.monotonic(), 0.0
        self._thread = threading.Thread(target=self._run, name=self.batch_id, daemon=True)

    def start(self) -> BatchRun:
        """Begin, and be found by `batch_of` from now on. Raises BusyError where enough others wait already."""
        with _keeping:
            if sum(not run.progress().over for run in _kept.values()) >= AT_ONCE + MAY_WAIT:
                raise BusyError(
                    f"{AT_ONCE} batches are being read and {MAY_WAIT} wait already; start this one when one of them "
                    "has ended."
                )
            _kept[self.batch_id] = self
            over = [name for name, run in _kept.items() if run.progress().over]
            for name in over[: max(0, len(_kept) - KEPT)]:
                del _kept[name]
        self._thread.start()
        return self

    def cancel(self) -> None:
        """End after the file that is being read; what was read stays, and stays on record."""
        self._cancel.set()

    @property
    def cancelling(self) -> bool:
        return self._cancel.is_set()

    def wait(self, seconds: float) -> bool:
        """Whether it is over, at the latest after so many seconds."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def progress(self) -> Progress:
        with self._lock:
            refused = sum(item.reading is None for item in self._items)
            seconds = (self._ended or time.monotonic()) - self._began
            return Progress(self._status, len(self._items), self._total, refused, seconds, self._problem)

    def items(self) -> tuple[Item, ...]:
        """What has been read so far, in the order of the files."""
        with self._lock:
            return tuple(self._items)

    @property
    def errors(self) -> Ints | None:
        """The model's known errors (C, C + 1), once it is loaded; None where none are known."""
        return self._errors

    def _run(self) -> None:
        status: Status = "failed"
        try:
            while not _turns.acquire(timeout=0.2):
                if self._cancel.is_set():
                    status = "cancelled"
                    return
            try:
                status = self._read_all()
            finally:
                _turns.release()
        except (ValueError, JournalError) as error:  # of the reader or the journal: they say one sentence
            self._problem = str(error)
        except Exception as error:
            log.error("A batch failed", exc_info=error)
            self._problem = "The batch failed for a reason that the server's log names; what was read is on record."
        finally:
            self._files = iter(())  # whatever bytes it still held
            with self._lock:
                self._status, self._ended = status, time.monotonic()
                if status == "complete":
                    self._total = len(self._items)

    def _read_all(self) -> Status:
        self._say("loading")
        reader = self._reader()
        if self._find_errors is not None:
            try:
                self._errors = self._find_errors(reader)
            except ValueError as error:  # the count is then not corrected, and says so
                log.warning("The known errors of %s cannot be told", self.about.model_id, exc_info=error)
        self._say("reading")
        while not self._cancel.is_set():
            file = next(self._files, None)
            if file is None:
                return "complete"
            item = self._item(reader, file)
            with self._lock:
                self._items.append(item)
                self._total = max(self._total, len(self._items))
        return "cancelled"

    def _item(self, reader: Reads, file: Upload | Refused) -> Item:
        at = len(self._items)  # only this thread appends
        if isinstance(file, Refused):
            return Item(at, file.name, why=file.why)
        try:
            rgb = decode_image(file.data, name=file.name)
            reading = reader.read_pixels(rgb, hashlib.sha256(file.data).hexdigest(), point=self.about.point)
        except IntakeError as error:
            return Item(at, file.name, why=str(error))
        reading_id = save_reading(
            self._home, reading, file_name=file.name, through="batch", batch_id=self.batch_id, kept=self._keep,
            asked_by=self._asked_by, operating_point_id=getattr(self.about.point, "point_id", None),
        )  # fmt: skip
        if self._keep:
            self._keep_image(file)
        return Item(at, file.name, reading, reading_id, small_jpeg(rgb), at_time=datetime.now(UTC))

    def _keep_image(self, file: Upload) -> None:
        """Once its reading is on record: an image that no record names would be kept, and nobody knew of it."""
        try:
            keep(self._home, file.data)
        except OSError as error:
            raise JournalError(
                f"{file.name} has been read but cannot be kept: {error.strerror}. Free some disk space and start again."
            ) from error

    def _say(self, status: Status) -> None:
        with self._lock:
            self._status = status


def urgency(reading: Reading) -> tuple[int, float]:
    """Sorts readings so that what needs eyes comes first.

    Referred, then a raised watch on blasts, then two classes, then the rest; within each the least sure first.
    """
    if reading.decision.kind == REFER:
        group = 0
    elif reading.blast is not None and reading.blast.raised:
        group = 1
    else:
        group = 2 if reading.decision.kind == SET else 3
    return group, float(reading.probabilities.max())


def batch_of(batch_id: str) -> BatchRun | None:
    """A batch that this process has started, while it is remembered: the latest few, and all that still run."""
    with _keeping:
        return _kept.get(batch_id)
