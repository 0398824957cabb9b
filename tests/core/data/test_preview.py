"""Pictures to look at: small, of the file that was scanned and of no other."""

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from core.data.dataset import DatasetError
from core.data.preview import image_file, preview
from tests.core.data.conftest import picture


@pytest.fixture
def scanned(tmp_path: Path) -> tuple[Path, str]:
    """(root, SHA-256) of a data set of one image, a/1.png, of 60 x 30 px."""
    (tmp_path / "a").mkdir()
    picture(1, 60).crop((0, 0, 60, 30)).save(tmp_path / "a" / "1.png")
    return tmp_path, hashlib.sha256((tmp_path / "a" / "1.png").read_bytes()).hexdigest()


def test_it_is_shrunk_and_never_enlarged(scanned: tuple[Path, str]):
    root, sha256 = scanned
    for side, size in ((20, (20, 10)), (60, (60, 30)), (500, (60, 30))):
        image = Image.open(io.BytesIO(preview(root, "a/1.png", sha256, side)))
        assert (image.format, image.size) == ("JPEG", size)


def test_a_file_that_is_gone_changed_or_no_image_is_said_so(scanned: tuple[Path, str]):
    root, sha256 = scanned
    with pytest.raises(DatasetError, match="gone"):
        preview(root, "a/2.png", sha256, 20)
    (root / "a" / "1.png").write_bytes(b"not an image")
    with pytest.raises(DatasetError, match="has changed"):
        preview(root, "a/1.png", sha256, 20)
    with pytest.raises(DatasetError, match=r"1\.png"):  # a hash that is not known cannot be compared
        preview(root, "a/1.png", None, 20)


@pytest.mark.parametrize("path", ["../secret.png", "/etc/passwd", "a/../../secret.png"])
def test_no_path_leads_out_of_the_data(tmp_path: Path, path: str):
    with pytest.raises(DatasetError, match="leads out"):
        image_file(tmp_path, path)
