"""Whether images still are what they were: changed, missing, added files; archives."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.data.sample import make_sample
from core.data.scan import scan
from core.data.unchanged import DataCheck, check_files, same_archive


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    return make_sample(tmp_path / "cells", per_class=5, size=32)


def check(folder: Path, known: Path, *, selection: bool = False) -> DataCheck:
    dataset = scan(known, work=folder.parent / "work")
    used = {image.path: str(image.sha256) for image in dataset.usable}
    return check_files(folder, used, None if selection else {image.path for image in dataset.bad})


def test_the_same_files_are_the_same(cells: Path) -> None:
    (cells / "monocyte" / "broken.png").write_bytes(b"no image")
    found = check(cells, cells)
    assert found.same
    assert found.sentence() == "All 25 images have the content that they had."
    selection = check(cells, cells, selection=True)
    assert selection.same
    assert "whether files were added is not told" in selection.sentence()


def test_each_change_is_told(cells: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(cells, tmp_path / "copy"))
    files = sorted((copy / "monocyte").glob("*.png"))
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes() + b"x")
    (copy / "basophil" / "new.png").write_bytes(files[2].read_bytes())
    found = check(copy, cells)
    assert found.missing == (files[0].relative_to(copy).as_posix(),)
    assert found.changed == (files[1].relative_to(copy).as_posix(),)
    assert found.added == ("basophil/new.png",)
    assert not found.same
    assert found.sentence() == (
        f"The data have changed: 1 missing ({found.missing[0]}), 1 changed ({found.changed[0]}), 1 added "
        "(basophil/new.png), of 25 images that were used."
    )
    shutil.rmtree(copy)
    assert len(check(copy, cells).missing) == 25


def test_an_archive_is_known_by_its_content(cells: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "cells"), "zip", cells))
    root = scan(archive, work=tmp_path / "work").root
    assert same_archive(archive, root)
    with archive.open("ab") as file:
        file.write(b"x")
    assert not same_archive(archive, root)
