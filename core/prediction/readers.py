"""Readers, loaded once a process and shared by all sessions and threads; a bounded number of them is kept."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from core.evaluation.scope import ScopeError
from core.evaluation.scope_file import load_scope
from core.learning.settings import ModelError
from core.paths import trial_folder
from core.prediction import models
from core.prediction.calibration import calibration_file, load_calibration
from core.prediction.checks_file import load_limits
from core.prediction.onnx_files import FACTS
from core.prediction.reader import Reader, joined_hash

if TYPE_CHECKING:
    from core.prediction.predictor import Network

TORCH: Final = "torch"
ONNX: Final = "onnx"
RUNTIMES: Final = (TORCH, ONNX)
UNCALIBRATED: Final = "The model has not been calibrated yet; python -m core calibrate does it."
KEPT: Final = 2  # readers; an InceptionV3 takes about 250 MB
_FILES: Final = (
    "weights.json",
    "calibration-*.json",
    "checks.json",
    "scope.json",
    "references.json",
    "model.onnx.json",
)

T = TypeVar("T")
log = logging.getLogger(__name__)

_kept: OrderedDict[tuple[Path, str, str], tuple[object, Reader]] = OrderedDict()
_loading: dict[tuple[Path, str, str], threading.Lock] = {}
_lock = threading.Lock()  # of the two; never held while a model loads


def reader_of(home: Path, model_id: str, runtime: str | None = None) -> Reader:
    """The reader of a trial, a fusion or a search's model; loaded where it is not yet, or where its files are new.

    Args:
        runtime: "torch" or "onnx"; None: the fastest one that the model is calibrated for here.

    Raises ModelError where the model cannot be loaded, in one sentence.
    """
    entry = models.entry(home, model_id)
    if runtime is not None and runtime not in RUNTIMES:
        raise ModelError(f"There is no runtime {runtime!r}; there are {' and '.join(RUNTIMES)}.")
    if runtime is None and preferred(home, entry) == ONNX:
        try:
            return _shared(home, entry, ONNX)
        except ModelError as error:  # a damaged graph or calibration must not stand in the way of what torch can read
            log.warning("%s It is read with torch instead.", error)
    return _shared(home, entry, runtime or TORCH)


def _shared(home: Path, entry: models.ModelEntry, runtime: str) -> Reader:
    """The one of this process. Who wants a model that loads waits for it; who wants another one does not."""
    key, stamp = (home, entry.model_id, runtime), _stamp(home, entry)
    with _lock:
        if (known := _known(key, stamp)) is not None:
            return known
        loading = _loading.setdefault(key, threading.Lock())
    with loading:
        with _lock:
            if (known := _known(key, stamp)) is not None:
                return known
        found = _load(home, entry, runtime)
        with _lock:
            _kept[key] = stamp, found
            _kept.move_to_end(key)
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
        return found


def _known(key: tuple[Path, str, str], stamp: object) -> Reader | None:
    kept = _kept.get(key)
    if kept is None or kept[0] != stamp:
        return None
    _kept.move_to_end(key)
    return kept[1]


def preferred(home: Path, entry: models.ModelEntry) -> str:
    """The runtime that reads fastest of those that the model is calibrated for here; torch where it is for none."""
    exported = all((trial_folder(home, trial_id) / FACTS).is_file() for trial_id in entry.trial_ids)
    calibrated = calibration_file(models.model_folder(home, entry.model_id), ONNX).is_file()
    return ONNX if exported and calibrated and find_spec("onnxruntime") is not None else TORCH


def threads() -> int:
    """CPU threads that read one image: CELLASCENT_READING_THREADS, or 1 (docs/decisions/0011 says why)."""
    try:
        return max(1, int(os.environ.get("CELLASCENT_READING_THREADS", "")))
    except ValueError:
        return 1


def network(home: Path, trial_id: str, runtime: str) -> Network:
    """One trial's network on a runtime. Raises ModelError."""
    import torch  # seconds, which nobody waits for who does not read an image

    torch.set_num_threads(threads())
    if runtime == ONNX:
        from core.prediction.onnx_runtime import load_onnx

        return load_onnx(home, trial_id, threads())
    from core.prediction.predictor import load

    return load(home, trial_id)


def _load(home: Path, entry: models.ModelEntry, runtime: str) -> Reader:
    began = time.perf_counter()
    members = [network(home, trial_id, runtime) for trial_id in entry.trial_ids]
    main = max(range(len(members)), key=lambda index: entry.weights[index])
    folder, weights = trial_folder(home, entry.trial_ids[main]), members[main].weights_sha256
    digest = joined_hash(entry, [one.weights_sha256 for one in members])
    found, why = _usable(
        lambda: load_calibration(models.model_folder(home, entry.model_id), runtime, digest, entry.classes)
    )
    limits, no_limits = _usable(lambda: load_limits(folder, weights))
    scope, no_scope = _usable(lambda: load_scope(folder))
    return Reader(
        entry, members, calibration=found, limits=limits, scope=scope, why=why, no_limits=no_limits, no_scope=no_scope,
        loaded_seconds=time.perf_counter() - began,
    )  # fmt: skip


def _usable(load: Callable[[], T | None]) -> tuple[T | None, str]:
    """What is there, or None and why: it was never made, or is damaged. One that is damaged takes no other with it."""
    try:
        found = load()
    except (ModelError, ScopeError) as error:
        return None, str(error)
    return found, "" if found is not None else UNCALIBRATED


def _stamp(home: Path, entry: models.ModelEntry) -> object:
    """Changes when a file of the model does."""
    folders = [models.model_folder(home, entry.model_id), *(trial_folder(home, one) for one in entry.trial_ids)]
    files = sorted({file for folder in folders for pattern in _FILES for file in folder.glob(pattern)})
    stamp = []
    for file in files:
        with contextlib.suppress(FileNotFoundError):  # it is being deleted, or written anew
            stamp.append((str(file), file.stat().st_mtime_ns))
    return tuple(stamp)
