"""Reviewed images as a folder that can be imported: what is written, what is left out, and nothing half-written."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.data.intake import decode_image
from core.data.layout import find_layout
from core.prediction import gather as module
from core.prediction import kept as kept_module
from core.prediction.gather import GatherError, gather
from core.prediction.kept import keep, kept_file, kept_preview, kept_previews
from core.prediction.smear import Box
from core.prediction.smear_crop import ACROSS, crop
from core.prediction.smear_scale import Ruler


def kept(home: Path, shade: int, side: int = 20) -> str:
    """Keep an image whose columns differ; its hash."""
    pixels = np.full((side, side, 3), shade, np.uint8)
    pixels[:, :, 0] = np.arange(side) * 5
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    keep(home, out.getvalue())
    return hashlib.sha256(out.getvalue()).hexdigest()


def kept_bytes(home: Path, sha256: str) -> bytes:
    file = kept_file(home, sha256)
    assert file is not None
    return file.read_bytes()


def row(sha256: str, class_: str, **other: Any) -> dict[str, Any]:
    return {
        "reading_id": f"r-{sha256[:4]}", "model_id": "s.final-1", "file_name": "a.png", "image_sha256": sha256,
        "box": None, "decision": "class", "decided_classes": ["monocyte"], "verdict": "correct", "expert_class": class_,
        "reviewed_by": None,
    } | other  # fmt: skip


def manifest(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "manifest.csv").read_text().splitlines()))


def test_images_lie_in_folders_of_their_classes_ready_to_be_imported(tmp_path: Path):
    hashes = [kept(tmp_path, shade) for shade in (10, 20, 30)]
    rows = [row(hashes[0], "lymphocyte"), row(hashes[1], "monocyte", verdict="confirm", reviewed_by="N. N."),
            row(hashes[2], "lymphocyte", decision="refer", decided_classes=[])]  # fmt: skip
    told: list[tuple[int, int]] = []
    done = gather(tmp_path, rows, tmp_path / "out" / "x", lambda now, of: told.append((now, of)))
    assert (dict(done.classes), done.images, done.left_out) == ({"lymphocyte": 2, "monocyte": 1}, 3, ())
    layout = find_layout(done.folder)
    assert layout.classes == ("lymphocyte", "monocyte")
    assert set(layout.sources.values()) == {"reviewed"}
    assert set(layout.sources) == {entry.path for entry in layout.entries}
    lines = {line["file"]: line for line in manifest(done.folder)}
    second = lines[f"monocyte/{hashes[1][:16]}.png"]
    assert (second["class"], second["model_call"], second["verdict"]) == ("monocyte", "monocyte", "confirm")
    assert (second["reading_id"], second["reviewed_by"]) == (rows[1]["reading_id"], "N. N.")
    assert lines[f"lymphocyte/{hashes[2][:16]}.png"]["model_call"] == "refer"
    original = kept_file(tmp_path, hashes[0])
    assert original is not None
    assert (done.folder / "lymphocyte" / f"{hashes[0][:16]}.png").read_bytes() == original.read_bytes()
    assert told[-1] == (3, 3)


def test_the_square_around_a_box_is_cut_as_it_was_read(tmp_path: Path):
    sha256 = kept(tmp_path, 50)
    read = crop(decode_image(kept_bytes(tmp_path, sha256)), Box(2, 3, 9, 8), Ruler(3, True)).rgb
    side = read.shape[0]
    assert side == round(ACROSS * 3)
    rows = [row(sha256, "a", box=np.array([2, 3, 9, 8]), width=side, height=side)]
    done = gather(tmp_path, rows, tmp_path / "out")
    (line,) = manifest(done.folder)
    assert np.array_equal(np.asarray(Image.open(done.folder / line["file"])), read)
    preview = kept_preview(tmp_path, sha256, [2, 3, 4, 5], 90)
    assert preview is not None
    assert Image.open(io.BytesIO(preview)).size == (4, 5)


def test_the_boxes_of_one_kept_image_are_cut_from_one_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sha256 = kept(tmp_path, 50)
    decoded: list[int] = []

    def counting(data: bytes) -> Any:
        decoded.append(len(data))
        return decode_image(data)

    monkeypatch.setattr(kept_module, "decode_image", counting)
    found = kept_previews(tmp_path, sha256, [[2, 3, 4, 5], None, [900, 900, 4, 4]], 90)
    assert [None if one is None else Image.open(io.BytesIO(one)).size[0] for one in found[::2]] == [4, None]
    assert found[1] is not None
    assert len(decoded) == 1
    assert kept_previews(tmp_path, "0" * 64, [None, [1, 1, 2, 2]], 90) == [None, None]


@pytest.mark.parametrize("size", [{}, {"width": None, "height": None}, {"width": 12, "height": 11}])
def test_a_box_whose_square_is_not_on_record_is_left_out(tmp_path: Path, size: dict[str, Any]):
    with pytest.raises(GatherError, match="does not say which square"):
        gather(tmp_path, [row(kept(tmp_path, 50), "a", box=[2, 3, 4, 5], **size)], tmp_path / "out")


def test_what_models_are_judged_by_is_left_out_with_a_sentence(tmp_path: Path):
    good, judged = kept(tmp_path, 10), kept(tmp_path, 20)
    rows = [row(good, "a", judged_in=float("nan")), row(judged, "b", judged_in="blood", reading_id="r-2")]
    done = gather(tmp_path, rows, tmp_path / "out")
    assert dict(done.classes) == {"a": 1}
    assert done.left_out == (
        ("r-2", "Models are judged by this image, in the data set blood: none may be trained on it."),
    )


def test_what_cannot_be_gathered_is_left_out_and_told(tmp_path: Path):
    good, twice, odd = kept(tmp_path, 10), kept(tmp_path, 20), kept(tmp_path, 30)
    rows = [
        row(good, "a", reading_id="r-1"), row(good, "a", reading_id="r-2"),
        row(twice, "a", reading_id="r-3"), row(twice, "b", reading_id="r-4"),
        row("f" * 64, "a", reading_id="r-5"), row(odd, "test", reading_id="r-6"),
        row(good, "a", reading_id="r-7", box=[15, 15, 10, 10]),
    ]  # fmt: skip
    done = gather(tmp_path, rows, tmp_path / "out")
    assert [line["reading_id"] for line in manifest(done.folder)] == ["r-1"]
    why = dict(done.left_out)
    assert set(why) == {"r-3", "r-4", "r-5", "r-6", "r-7"}
    assert "reviews disagree on the same image: a, b" in why["r-3"]
    assert "not there any more" in why["r-5"]
    assert "cannot be the name of a class folder" in why["r-6"]
    assert "outside of the field" in why["r-7"]
    assert "5 readings were left out" in done.words


@pytest.mark.parametrize("class_", ["../../etc", "a/b", ".hidden", "a\x00b", " ", "Train"])
def test_no_class_leads_out_of_the_folder(tmp_path: Path, class_: str):
    sha256 = kept(tmp_path, 10)
    try:
        done = gather(tmp_path, [row(sha256, class_)], tmp_path / "out")
    except GatherError:
        assert not (tmp_path / "out").exists()
    else:
        (folder,) = (one for one in done.folder.iterdir() if one.is_dir())
        assert folder.parent == tmp_path / "out"
        assert not folder.name.startswith(".")


def test_two_classes_never_share_a_folder(tmp_path: Path):
    rows = [row(kept(tmp_path, 10), "a/b"), row(kept(tmp_path, 20), "a:b", reading_id="r-2")]
    done = gather(tmp_path, rows, tmp_path / "out")
    assert dict(done.classes) == {"a/b": 1}
    assert "would share the folder 'a_b'" in dict(done.left_out)["r-2"]


def test_nothing_to_gather_and_a_folder_that_is_there_are_told(tmp_path: Path):
    with pytest.raises(GatherError, match="No kept image has a class"):
        gather(tmp_path, [], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").mkdir()
    with pytest.raises(GatherError, match="exists already"):
        gather(tmp_path, [row(kept(tmp_path, 10), "a")], tmp_path / "out")


def test_a_disk_that_refuses_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sha256 = kept(tmp_path, 10)

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_durably", full)
    with pytest.raises(OSError, match="No space left"):
        gather(tmp_path, [row(sha256, "a")], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
