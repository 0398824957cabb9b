"""Append-only record files: the record of everything that a person or a process says.

Each process attempt writes its own new file; nobody appends to another's. A record is one line,
``<crc32 of the JSON, 8 hex digits> <JSON>\\n``, written in one call and fsynced before `append` returns, so that
whatever was acknowledged survives kill -9 and a power cut. A line that its checksum does not confirm was never
acknowledged and is dropped by the reader.
"""

from __future__ import annotations

import errno
import json
import os
import re
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

Record = dict[str, Any]

HOME_JOURNAL = "_home"  # folder of the records that belong to no search
CONTROLLER_VERDICT_SEQ = 1_000_000_000  # a controller's word on a dead worker comes after all the worker's own


class JournalError(OSError):
    """A record could not be made durable; the message says where and what to do."""


def utc_now() -> str:
    """The current time in UTC, ISO 8601 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def journal_folder(home: Path, search_id: str = HOME_JOURNAL) -> Path:
    """Where the journals of one search (or of none) lie."""
    return home / "journals" / search_id


def next_attempt(folder: Path, name: str) -> int:
    """The number of the next attempt of `name`: one more than the highest among the journals of earlier attempts."""
    own = re.compile(re.escape(name) + r"-(\d+)-[0-9a-f]{12}\.jsonl")
    matches = (own.fullmatch(path.name) for path in folder.glob("*.jsonl"))
    return 1 + max((int(match[1]) for match in matches if match), default=0)


class JournalWriter:
    """One process attempt's journal. Safe to use from several threads of that process.

    Raises JournalError when the file cannot be created or a record cannot be made durable.
    """

    def __init__(self, folder: Path, name: str, attempt: int = 1) -> None:
        self.path = folder / f"{name}-{attempt}-{uuid.uuid4().hex[:12]}.jsonl"
        self.attempt = attempt
        self._lock = Lock()
        self._seq = 0
        self._torn = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
            for changed in (folder, folder.parent):  # a name is durable only when its folder is
                sync_folder(changed)
        except OSError as error:
            raise JournalError(f"Cannot create the journal {self.path}: {error.strerror}.") from error

    def append(self, kind: str, *, seq: int | None = None, **payload: Any) -> int:
        """Write one record durably and return its sequence number in this file.

        Raises JournalError when the record cannot be made durable (the next append may be tried), ValueError when
        the payload is not JSON (NaN and infinity are not).
        """
        with self._lock:
            number = self._seq if seq is None else seq
            line = encode({"kind": kind, "seq": number, "at": utc_now(), **payload})
            self._seq += 1  # also when the write fails: a line that reached the disk unacknowledged keeps its number
            try:
                self._write(line)
            except OSError as error:
                raise JournalError(
                    f"Cannot write to the journal {self.path}: {error.strerror}. Free some disk space and resume."
                ) from error
            return number

    def _write(self, line: bytes) -> None:
        # A torn line must not swallow the next one. It has no newline yet, so no reader has taken it: cut it off,
        # or, should the disk refuse that too, end it before the next line. A whole line is never cut: it was
        # perhaps read already.
        if self._torn:
            line = b"\n" + line
        size = os.fstat(self._fd).st_size
        written = 0
        try:
            written = os.write(self._fd, line)
        finally:
            if written != len(line):
                self._cut(size)
        if written != len(line):
            raise OSError(errno.ENOSPC, "the disk took only a part of the record")
        self._torn = False
        os.fsync(self._fd)

    def _cut(self, size: int) -> None:
        try:
            os.ftruncate(self._fd, size)
        except OSError:
            self._torn = True

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = -1


def encode(record: Record) -> bytes:
    """One record as its line. NaN and infinity are refused: JSON has none, and no metric may be one."""
    body = json.dumps(record, separators=(",", ":"), allow_nan=False).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def decode(line: bytes) -> Record | None:
    """The record of a line without its newline, or None where the checksum does not confirm it."""
    head, _, body = line.partition(b" ")
    try:
        if int(head, 16) != zlib.crc32(body):
            return None
        record = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def read_lines(path: Path, offset: int = 0, max_bytes: int | None = None) -> list[tuple[int, bytes]]:
    """Whole lines from `offset` bytes on: (byte position, line without its newline).

    Reads about `max_bytes`, and more only where one line is longer. A last line without its newline is still being
    written (or was torn by a crash): it is left for the next call.
    """
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(-1 if max_bytes is None else max_bytes)
        while max_bytes is not None and b"\n" not in data:
            more = file.read(max_bytes)
            if not more:
                break
            data += more
    lines = []
    position = offset
    for line in data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]:
        lines.append((position, line))
        position += len(line) + 1
    return lines


def read_records(path: Path, offset: int = 0) -> tuple[list[Record], int, int]:
    """Whole records from `offset` bytes on: (records, offset after the last whole line, damaged lines skipped)."""
    lines = read_lines(path, offset)
    decoded = [decode(line) for _, line in lines]
    records = [record for record in decoded if record is not None]
    end = lines[-1][0] + len(lines[-1][1]) + 1 if lines else offset
    return records, end, len(decoded) - len(records)


def journal_files(home: Path, search_id: str | None = None) -> list[Path]:
    """All journal files of one search, or of everything, in the order of their names."""
    pattern = "*/*.jsonl" if search_id is None else f"{search_id}/*.jsonl"
    return sorted((home / "journals").glob(pattern))


def replay(home: Path, search_id: str) -> Iterator[Record]:
    """Every record of a search, file by file."""
    for path in journal_files(home, search_id):
        yield from read_records(path)[0]


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_durably(path: Path, data: bytes | memoryview) -> None:
    """Write a whole file so that after a crash either the old or the new content is there, never a part."""
    with open_durably(path) as file:
        file.write(data)


@contextmanager
def open_durably(path: Path) -> Iterator[BinaryIO]:
    """For a file that is written piece by piece: it takes its name, durably, when the block ends without an error."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
