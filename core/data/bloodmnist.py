"""The BloodMNIST file (Yang et al. 2023, doi:10.1038/s41597-022-01721-8; cells: Acevedo et al. 2020), downloaded.

Where it lies and what it must hash to is told by the package `medmnist`, which nothing else here needs.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from core.data.dataset import DatasetError, ScanCancelled

SIZES: Final = (28, 64, 128, 224)  # px, of which there is a file each
PIN: Final = "medmnist==3.0.2"
TIMEOUT: Final = 30  # s without a byte
_BLOCK: Final = 2**18
_MB: Final = 10**6


def download_bloodmnist(
    folder: Path, size: int, tell: Callable[[str, int, int], None] = lambda stage, done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:  # fmt: skip
    """The file of BloodMNIST at `size` px in `folder`, downloaded unless it is there, whole or not at all.

    Args:
        tell: told (stage, megabytes done, megabytes in all; 0 where the host does not say).
        cancelled: asked between blocks.

    Raises:
        DatasetError: an unknown size, no package `medmnist`, no network, a file that is not what it must be, or a disk
            that cannot take it; one sentence.
        ScanCancelled: `cancelled` said so.
    """
    if size not in SIZES:
        raise DatasetError(f"There is no BloodMNIST of {size} px; its sizes are {', '.join(map(str, SIZES))}.")
    name = f"bloodmnist_{size}.npz"
    url, md5 = _place(size)
    target, part = folder / name, folder / f".{name}.{os.getpid()}.part"
    stage = f"download {name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if target.exists() and _md5(target) == md5:
            return target
        try:
            _fetch(url, part, lambda done, total: tell(f"{stage}, megabytes", done // _MB, total // _MB), cancelled)
            if _md5(part) != md5:
                raise DatasetError(f"What {urlsplit(url).hostname} sent is not {name} (another MD5); try again.")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise DatasetError(
            f"{name} cannot be downloaded from {urlsplit(url).hostname} ({_why(error)}). Check the network, or "
            "download the file elsewhere and import it by its path."
        ) from error
    except OSError as error:
        raise DatasetError(f"{name} cannot be written to {folder}: {error.strerror or error}.") from error
    return target


def _place(size: int) -> tuple[str, str]:
    """(address, MD5) of the file, as the package says."""
    try:
        known = importlib.import_module("medmnist.info").INFO
    except ImportError as error:
        raise DatasetError(
            f"The download of BloodMNIST needs the package medmnist, which is not installed: pip install '{PIN}'."
        ) from error
    facts: dict[str, Any] = known["bloodmnist"]
    flag = "" if size == 28 else f"_{size}"
    return str(facts[f"url{flag}"]), str(facts[f"MD5{flag}"])


def _fetch(url: str, part: Path, tell: Callable[[int, int], None], cancelled: Callable[[], bool]) -> None:
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer, part.open("wb") as file:
        total, done = int(answer.headers.get("Content-Length") or 0), 0
        while block := answer.read(_BLOCK):
            if cancelled():
                raise ScanCancelled("The download was cancelled.")
            file.write(block)
            done += len(block)
            tell(done, total)


def _md5(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _why(error: Exception) -> str:
    """'HTTP 404', 'Name or service not known', 'timed out'."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason or type(error).__name__).rstrip(".")
