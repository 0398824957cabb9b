"""Whatever append acknowledged is read back once and in order, whatever happens to the file's end."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.journal import (
    JournalError,
    JournalWriter,
    decode,
    encode,
    journal_files,
    journal_folder,
    next_attempt,
    read_lines,
    read_records,
    replay,
    write_durably,
)

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
payloads = st.dictionaries(
    st.text().filter(lambda name: name not in ("kind", "seq", "self")), st.recursive(scalars, st.lists, max_leaves=5)
)


def numbers(path: Path) -> list[int]:
    return [record["n"] for record in read_records(path)[0]]


@given(payload=payloads)
@settings(max_examples=50, deadline=None)
def test_any_json_comes_back(payload: dict[str, Any]):
    record = {"kind": "note", **payload}
    assert decode(encode(record)[:-1]) == record


def test_records_carry_kind_number_and_time(tmp_path: Path):
    journal = JournalWriter(tmp_path / "j", "00-initial", 2)
    assert [journal.append("a", x=1), journal.append("b")] == [0, 1]
    assert journal.append("verdict", seq=10**9) == 10**9
    assert journal.append("c") == 3
    journal.close()
    journal.close()
    records, end, damaged = read_records(journal.path)
    assert [(r["kind"], r["seq"]) for r in records] == [("a", 0), ("b", 1), ("verdict", 10**9), ("c", 3)]
    assert records[0]["x"] == 1
    assert records[0]["at"].endswith("+00:00")
    assert (end, damaged) == (journal.path.stat().st_size, 0)
    assert journal.path.name.startswith("00-initial-2-")


def test_nan_is_refused_and_leaves_nothing_behind(tmp_path: Path):
    journal = JournalWriter(tmp_path, "x")
    with pytest.raises(ValueError, match="Out of range"):
        journal.append("epoch", loss=float("nan"))
    assert journal.path.stat().st_size == 0


def test_every_torn_tail_is_left_for_later(tmp_path: Path):
    journal = JournalWriter(tmp_path, "x")
    for n in range(3):
        journal.append("note", n=n)
    whole = journal.path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == 10]
    for cut in range(len(whole) + 1):
        journal.path.write_bytes(whole[:cut])
        records, end, damaged = read_records(journal.path)
        complete = sum(stop <= cut for stop in ends)
        assert [record["n"] for record in records] == list(range(complete))
        assert (end, damaged) == (ends[complete - 1] if complete else 0, 0)
        journal.path.write_bytes(whole)
        assert [record["n"] for record in read_records(journal.path, end)[0]] == list(range(complete, 3))


def test_every_flipped_byte_costs_at_most_its_own_line_and_a_joined_one(tmp_path: Path):
    journal = JournalWriter(tmp_path, "x")
    for n in range(3):
        journal.append("note", n=n)
    whole = journal.path.read_bytes()
    for at in range(len(whole)):
        journal.path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        records, _, damaged = read_records(journal.path)
        assert len(records) >= 1
        assert len(records) < 3
        assert damaged >= 1 or whole[at] == 10
        assert [record["n"] for record in records] == sorted({record["n"] for record in records})


def test_foreign_lines_are_damaged_not_fatal(tmp_path: Path):
    path = tmp_path / "x.jsonl"
    nested = b"[" * 100_000  # deeper than the JSON reader goes
    deep = b"%08x %s\n" % (zlib.crc32(nested), nested)
    path.write_bytes(b"\n\nnonsense\n00000000 {}\n\xff\xfe\n" + deep + encode({"kind": "note", "n": 5}))
    records, end, damaged = read_records(path)
    assert [record["n"] for record in records] == [5]
    assert (end, damaged) == (path.stat().st_size, 6)
    assert decode(b"00000000 ") is None
    assert decode(encode({"kind": "a"})[:9] + b"[1]") is None


@given(sizes=st.lists(st.integers(0, 40), max_size=8), chunk=st.integers(1, 60), tail=st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_bounded_reads_give_the_same_lines(sizes: list[int], chunk: int, tail: int):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.jsonl"
        path.write_bytes(b"".join(b"x" * size + b"\n" for size in sizes) + b"y" * tail)
        lines, offset = [], 0
        while some := read_lines(path, offset, chunk):
            lines += some
            offset = some[-1][0] + len(some[-1][1]) + 1
        assert lines == read_lines(path)
        assert [len(line) for _, line in lines] == sizes


class FaultyDisk:
    """Stands in for os.write, os.fsync and os.ftruncate: fails where it is told to, else is the real disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fault = ""
        self._write, self._fsync, self._truncate = os.write, os.fsync, os.ftruncate
        for name in ("write", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, getattr(self, name))

    def write(self, fd: int, data: bytes) -> int:
        if self.fault == "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        if self.fault in ("short", "stuck"):
            return self._write(fd, data[: len(data) // 2])
        return self._write(fd, data)

    def fsync(self, fd: int) -> None:
        if self.fault == "unsynced":
            raise OSError(errno.EIO, "Input/output error")
        self._fsync(fd)

    def ftruncate(self, fd: int, size: int) -> None:
        if self.fault == "stuck":
            raise OSError(errno.EIO, "Input/output error")
        self._truncate(fd, size)


@given(faults=st.lists(st.sampled_from(["", "", "full", "short", "stuck", "unsynced"]), max_size=12))
@settings(max_examples=60, deadline=None)
def test_acknowledged_records_survive_any_faults_around_them(faults: list[str]):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        disk = FaultyDisk(patch)
        journal = JournalWriter(Path(folder), "x")
        acknowledged, offset, tailed = [], 0, []
        for n, fault in enumerate(faults):
            disk.fault = fault
            try:
                journal.append("note", n=n)
                acknowledged.append(n)
            except JournalError as error:
                assert "Free some disk space" in str(error)  # noqa: PT017
            records, offset, _ = read_records(journal.path, offset)  # a reader that follows the file all the time
            tailed += [record["n"] for record in records]
        present = numbers(journal.path)
        unsynced = [n for n, fault in enumerate(faults) if fault == "unsynced"]
        assert present == sorted({*acknowledged, *unsynced})  # an unacknowledged record may be there, once
        assert tailed == present
        assert len({record["seq"] for record in read_records(journal.path)[0]}) == len(present)
        journal.close()


def test_a_folder_that_cannot_be_written_is_said_in_one_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="Cannot create the journal"):
        JournalWriter(tmp_path / "file" / "j", "x")


def test_threads_share_a_writer(tmp_path: Path):
    journal = JournalWriter(tmp_path, "x")
    threads = [Thread(target=lambda: [journal.append("note", n=1) for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records, _, damaged = read_records(journal.path)
    assert [record["seq"] for record in records] == list(range(100))
    assert damaged == 0


WRITER = """
import sys
from pathlib import Path
from store.journal import JournalWriter
journal = JournalWriter(Path(sys.argv[1]), "x", int(sys.argv[2]))
for n in range(30):
    journal.append("note", n=n)
"""


def test_processes_have_files_of_their_own(tmp_path: Path):
    folder = journal_folder(tmp_path, "s-1")
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(i)]) for i in (1, 2, 2)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert len(journal_files(tmp_path, "s-1")) == 3
    assert sorted(record["n"] for record in replay(tmp_path, "s-1")) == sorted(3 * list(range(30)))
    assert journal_files(tmp_path) == journal_files(tmp_path, "s-1")


def test_attempts_are_counted_by_name(tmp_path: Path):
    assert next_attempt(tmp_path, "01-epochs") == 1
    JournalWriter(tmp_path, "01-epochs", 1)
    JournalWriter(tmp_path, "01-epochs", 10)
    JournalWriter(tmp_path, "01-epochs-more", 30)
    assert next_attempt(tmp_path, "01-epochs") == 11
    assert next_attempt(tmp_path, "01-epochs-more") == 31
    assert next_attempt(tmp_path, "controller") == 1


def test_durable_files_are_whole_or_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "f.json"
    write_durably(path, b"old")

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f.json"]  # noqa: PTH208
