"""A batch in its thread: every file has its reading on record or its sentence, whatever the others are."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.data.intake import IntakeError
from core.data.uploads import Refused, Upload
from core.prediction import batch
from core.prediction.batch import About, BatchRun, BusyError, batch_of, urgency
from core.prediction.batch_files import BatchFiles
from core.prediction.reading import BlastFlag, Decision, Reading
from core.prediction.thumbnail import data_url, small_jpeg, smaller
from store.journal import HOME_JOURNAL, JournalError, replay

CLASSES = ("basophil", "monocyte")
ABOUT = About("s-1.final-1", "final", CLASSES)


def png(red: int, size: tuple[int, int] = (30, 20)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (red, 10, 10)).save(file, "PNG")
    return file.getvalue()


def reading(p: float, kind: str = "class", *, sha256: str = "0" * 64, blast: bool = False) -> Reading:
    share = np.array([p, 1 - p])
    classes = {"class": (CLASSES[int(p < 0.5)],), "set": CLASSES, "refer": ()}[kind]
    watch = BlastFlag("monocyte", blast, 1 - p, 0.5, 0.9, 30)
    return Reading(
        "s-1.final-1", "torch", "w" * 64, sha256, 30, 20, CLASSES, share, share, True, 1.0, share, classes,
        dict.fromkeys(CLASSES, 0.95), (), watch, Decision(kind, classes, "prediction set"), {},
    )  # fmt: skip


class RedIsBasophil:
    """Waits for `go` before each image where there is one."""

    def __init__(self, go: threading.Semaphore | None = None) -> None:
        self.go, self.points = go, []

    def read_pixels(self, rgb: np.ndarray, image_sha256: str, *, point: Any = None) -> Reading:
        if self.go is not None:
            assert self.go.acquire(timeout=20)
        self.points.append(point)
        return reading(float(rgb[0, 0, 0]) / 255, sha256=image_sha256)


def run_of(home: Path, files: Iterable[Upload | Refused], total: int = 3, reader: Any = None, **more: Any) -> BatchRun:
    return BatchRun(home, more.pop("about", ABOUT), lambda: reader or RedIsBasophil(), files, total, **more)


def records(home: Path) -> list[dict[str, Any]]:
    return [record for record in replay(home, HOME_JOURNAL) if record["kind"] == "reading"]


def test_every_file_has_its_reading_or_its_sentence(tmp_path: Path):
    files = [Upload("a.png", png(250)), Upload("b.png", b"no image"), Refused("c.png", "c.png is encrypted."),
             Upload("d.png", png(3))]  # fmt: skip
    run = run_of(tmp_path, files, 4, asked_by="ann@example.org").start()
    assert run.wait(60)
    now = run.progress()
    assert (now.status, now.done, now.total, now.refused, now.problem) == ("complete", 4, 4, 2, "")
    items = run.items()
    assert [item.name for item in items] == ["a.png", "b.png", "c.png", "d.png"]
    assert [item.reading.best if item.reading else None for item in items] == ["basophil", None, None, "monocyte"]
    assert "b.png" in items[1].why
    assert items[2].why == "c.png is encrypted."
    made = records(tmp_path)
    assert [record["reading_id"] for record in made] == [items[0].reading_id, items[3].reading_id]
    assert {record["batch_id"] for record in made} == {run.batch_id}
    assert {(record["through"], record["asked_by"], record["kept"]) for record in made} == {
        ("batch", "ann@example.org", False)
    }
    assert made[0]["image_sha256"] == hashlib.sha256(files[0].data).hexdigest()
    assert Image.open(io.BytesIO(items[0].picture or b"")).size == (30, 20)
    assert not (tmp_path / "kept").exists()


def test_images_are_kept_where_that_was_asked_for(tmp_path: Path):
    run = run_of(tmp_path, [Upload("a.png", png(9)), Upload("b.png", b"no")], keep_images=True).start()
    assert run.wait(60)
    assert [path.read_bytes() for path in (tmp_path / "kept").rglob("*.png")] == [png(9)]
    assert records(tmp_path)[0]["kept"] is True


def test_no_image_is_kept_without_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: Any, **more: Any) -> str:
        raise JournalError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(batch, "save_reading", full)
        run = run_of(tmp_path, [Upload("a.png", png(9))], keep_images=True).start()
        assert run.wait(60)
    assert run.progress().problem == "The disk is full."
    assert not (tmp_path / "kept").exists()
    (tmp_path / "kept").write_text("no folder")
    run = run_of(tmp_path, [Upload("a.png", png(9))], keep_images=True).start()
    assert run.wait(60)
    assert run.progress().problem.startswith("a.png has been read but cannot be kept: ")
    assert len(records(tmp_path)) == 1


def test_the_point_that_was_chosen_decides_and_is_on_record(tmp_path: Path):
    reader, point = RedIsBasophil(), SimpleNamespace(name="careful", point_id="o-7")
    about = About("s-1.final-1", "final", CLASSES, point, "careful: 0.9")
    assert run_of(tmp_path, [Upload("a.png", png(9))], 1, reader, about=about).start().wait(60)
    assert reader.points == [point]
    assert records(tmp_path)[0]["operating_point_id"] == "o-7"


def test_cancel_ends_after_the_image_that_is_being_read(tmp_path: Path):
    go = threading.Semaphore(0)
    asked: list[int] = []

    def files() -> Iterable[Upload]:
        for at in range(100):
            asked.append(at)
            yield Upload(f"{at}.png", png(at))

    run = run_of(tmp_path, files(), 100, RedIsBasophil(go)).start()
    for _ in range(3):
        go.release()
    while run.progress().done < 3:
        assert not run.wait(0.01)
    run.cancel()
    assert run.cancelling
    go.release()
    assert run.wait(60)
    now = run.progress()
    assert (now.status, now.done, now.total) == ("cancelled", 4, 100)
    assert len(asked) <= 5  # files are unpacked when their turn comes, not before
    assert len(records(tmp_path)) == 4  # what was read stays


def test_a_model_that_cannot_be_loaded_is_told(tmp_path: Path):
    def missing() -> Any:
        raise ValueError("Trial s-1.final-1 has no weights.")

    run = BatchRun(tmp_path, ABOUT, missing, [Upload("a.png", png(9))], 1).start()
    assert run.wait(60)
    assert (run.progress().status, run.progress().problem) == ("failed", "Trial s-1.final-1 has no weights.")
    assert run.items() == ()


def test_what_was_read_stays_when_the_disk_refuses_or_a_fault_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for error, said in (
        (JournalError("The disk is full."), "The disk is full."),
        (RuntimeError("odd"), "server's log"),
    ):
        save = batch.save_reading
        made: list[str] = []

        def refusing(
            *args: Any, save: Any = save, made: list[str] = made, error: Exception = error, **more: Any
        ) -> str:
            if made:
                raise error
            made.append(save(*args, **more))
            return made[0]

        with monkeypatch.context() as patch:
            patch.setattr(batch, "save_reading", refusing)
            run = run_of(tmp_path, [Upload(f"{at}.png", png(at)) for at in range(3)]).start()
            assert run.wait(60)
        assert run.progress().status == "failed"
        assert said in run.progress().problem
        assert [item.reading_id for item in run.items()] == made


def test_known_errors_come_from_the_reader_and_may_be_missing(tmp_path: Path):
    def broken(reader: Any) -> Any:
        raise ValueError("platelet is not a class of the model")

    for errors, expected in ((lambda reader: np.eye(2, 3), 2.0), (lambda reader: None, None), (broken, None)):
        run = run_of(tmp_path, [Upload("a.png", png(9))], errors=errors).start()
        assert run.wait(60)
        assert run.progress().status == "complete"
        assert (None if run.errors is None else run.errors.sum()) == expected


def test_at_most_two_batches_read_at_once_and_a_waiting_one_can_be_cancelled(tmp_path: Path):
    go = threading.Semaphore(0)
    runs = [run_of(tmp_path, [Upload("a.png", png(9))], 1, RedIsBasophil(go)).start() for _ in range(3)]
    while [run.progress().status for run in runs].count("reading") < 2:
        assert not runs[0].wait(0.01)
    waiting = next(run for run in runs if run.progress().status == "waiting")
    waiting.cancel()
    assert waiting.wait(60)
    assert waiting.progress().status == "cancelled"
    go.release(2)
    assert all(run.wait(60) for run in runs)
    assert [run.progress().status for run in runs].count("complete") == 2


def test_no_more_than_two_batches_wait(tmp_path: Path):
    go = threading.Semaphore(0)
    runs = [run_of(tmp_path, [Upload("a.png", png(9))], 1, RedIsBasophil(go)).start() for _ in range(4)]
    late = run_of(tmp_path, [Upload("a.png", png(9))], 1)
    with pytest.raises(BusyError, match="2 batches are being read and 2 wait already; start this one when"):
        late.start()
    assert batch_of(late.batch_id) is None
    go.release(4)
    assert all(run.wait(60) for run in runs)
    assert late.start().wait(60)
    assert late.progress().status == "complete"


def test_the_latest_batches_are_found_again(tmp_path: Path):
    runs = [run_of(tmp_path, [Upload("a.png", png(9))], 1) for _ in range(batch.KEPT + 2)]
    assert all(run.start().wait(60) for run in runs)
    last = run_of(tmp_path, [], 0).start()
    assert last.wait(60)
    assert batch_of(last.batch_id) is last
    assert batch_of(runs[-1].batch_id) is runs[-1]
    assert batch_of(runs[0].batch_id) is None
    assert batch_of("b-none") is None


def test_what_needs_eyes_comes_first():
    given = [reading(0.99), reading(0.6), reading(0.9, blast=True), reading(0.7, "set"), reading(0.8, "refer"),
             reading(0.55, "refer")]  # fmt: skip
    assert sorted(range(6), key=lambda at: urgency(given[at])) == [5, 4, 2, 3, 1, 0]


def given(name: str, data: bytes) -> SimpleNamespace:
    return SimpleNamespace(name=name, getvalue=lambda: data)


def zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def test_images_and_zips_are_one_batch():
    inside = zipped(
        {"x.png": b"1", "folder/y.png": b"2", ".hidden": b"3", "__MACOSX/z": b"4", "Thumbs.db": b"5",
         "folder/Desktop.ini": b"6", "folder/.DS_Store": b"7"}
    )  # fmt: skip
    files = BatchFiles([given("a.png", b"0"), given("some.ZIP", inside), given("bad.zip", b"no zip")])
    assert files.total == 4
    found = list(files)
    assert len(found) == files.total
    assert [one.data for one in found if isinstance(one, Upload)] == [b"0", b"1", b"2"]
    assert "bad.zip" in found[3].why
    assert list(files) == []  # handed out once


def test_too_many_or_no_files_are_refused():
    with pytest.raises(IntakeError, match="no files"):
        BatchFiles([])
    with pytest.raises(IntakeError, match="above the limit of 2,000"):
        BatchFiles([given(f"{at}.png", b"") for at in range(2001)])
    large = list(BatchFiles([given("large.png", bytes(20 * 2**20 + 1))]))
    assert isinstance(large[0], Refused)
    assert "above the limit of 20 MiB" in large[0].why


def test_pictures_are_small():
    noise = np.random.default_rng(0).integers(0, 255, (900, 1200, 3), dtype=np.uint8)
    picture = small_jpeg(noise)
    assert Image.open(io.BytesIO(picture)).size == (256, 192)
    assert len(data_url(smaller(picture))) < 6000
    assert Image.open(io.BytesIO(small_jpeg(noise[:20, :30]))).size == (30, 20)  # never made larger
