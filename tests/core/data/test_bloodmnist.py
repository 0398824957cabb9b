"""The download of BloodMNIST, from a host on this machine: whole and checked, or one sentence and nothing left."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from core.data.bloodmnist import download_bloodmnist
from core.data.dataset import DatasetError, ScanCancelled

CONTENT = b"not really an npz" * 100_000


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "bloodmnist_64.npz").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "host")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def package(monkeypatch: pytest.MonkeyPatch, url: str, md5: str = "") -> None:
    """A medmnist that names this address."""
    info = ModuleType("medmnist.info")
    vars(info)["INFO"] = {"bloodmnist": {"url_64": url, "MD5_64": md5 or hashlib.md5(CONTENT).hexdigest()}}
    monkeypatch.setitem(sys.modules, "medmnist", ModuleType("medmnist"))
    monkeypatch.setitem(sys.modules, "medmnist.info", info)


def test_it_is_downloaded_once_and_told_in_megabytes(tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch):
    package(monkeypatch, f"{host}/bloodmnist_64.npz")
    seen: list[tuple[str, int, int]] = []
    file = download_bloodmnist(tmp_path / "new" / "folder", 64, lambda *facts: seen.append(facts))
    assert file == tmp_path / "new" / "folder" / "bloodmnist_64.npz"
    assert file.read_bytes() == CONTENT
    assert seen[-1] == ("download bloodmnist_64.npz, megabytes", 1, 1)
    package(monkeypatch, f"{host}/gone")
    assert download_bloodmnist(file.parent, 64) == file


@pytest.mark.parametrize(
    ("address", "md5", "sentence"),
    [
        ("gone", "", r"cannot be downloaded from 127\.0\.0\.1 \(HTTP 404\)\. Check the network"),
        ("bloodmnist_64.npz", "0" * 32, "sent is not bloodmnist_64.npz"),
    ],
)
def test_what_fails_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch, address: str, md5: str, sentence: str
):
    package(monkeypatch, f"{host}/{address}", md5)
    with pytest.raises(DatasetError, match=sentence):
        download_bloodmnist(tmp_path / "d", 64)
    assert list((tmp_path / "d").iterdir()) == []


def test_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package(monkeypatch, "http://127.0.0.1:9/bloodmnist_64.npz")
    with pytest.raises(DatasetError, match=r"from 127\.0\.0\.1 \(Connection refused\)\. Check the network"):
        download_bloodmnist(tmp_path, 64)


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "medmnist", None)
    monkeypatch.delitem(sys.modules, "medmnist.info", raising=False)
    with pytest.raises(DatasetError, match=r"not installed: pip install 'medmnist=="):
        download_bloodmnist(tmp_path, 28)
    with pytest.raises(DatasetError, match="its sizes are 28, 64, 128, 224"):
        download_bloodmnist(tmp_path, 299)


def test_cancelled_on_the_way(tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch):
    package(monkeypatch, f"{host}/bloodmnist_64.npz")
    with pytest.raises(ScanCancelled):
        download_bloodmnist(tmp_path / "d", 64, cancelled=lambda: True)
    assert list((tmp_path / "d").iterdir()) == []
