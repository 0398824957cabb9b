"""Readers, loaded once a process and shared by all sessions and threads; a bounded number of them is kept."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

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
KEPT: Final = 2  # readers; an InceptionV3 takes about 250 MB
_FILES: Final = (
    "weights.json",
    "calibration-*.json",
    "checks.json",
    "scope.json",
    "references.json",
    "model.onnx.json",
)

_kept: OrderedDict[tuple[Path, str, str], tuple[object, Reader]] = OrderedDict()
_lock = threading.Lock()


def reader_of(home: Path, model_id: str, runtime: str | None = None) -> Reader:
    """The reader of a trial, a fusion or a search's model; loaded where it is not yet, or where its files are new.

    Args:
        runtime: "torch" or "onnx"; None: the fastest one that the model is calibrated for here.

    Raises ModelError where the model cannot be loaded, in one sentence.
    """
    entry = models.entry(home, model_id)
    chosen = runtime or preferred(home, entry)
    if chosen not in RUNTIMES:
        raise ModelError(f"There is no runtime {chosen!r}; there are {' and '.join(RUNTIMES)}.")
    key, stamp = (home, entry.model_id, chosen), _stamp(home, entry)
    with _lock:  # a second session that wants the same model waits for the first to load it
        known = _kept.get(key)
        if known is None or known[0] != stamp:
            _kept.pop(key, None)
            while len(_kept) >= KEPT:
                _kept.popitem(last=False)
            known = stamp, _load(home, entry, chosen)
            _kept[key] = known
        _kept.move_to_end(key)
        return known[1]


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
    main = trial_folder(home, entry.trial_ids[max(range(len(members)), key=lambda index: entry.weights[index])])
    found, why = None, "The model has not been calibrated yet; python -m core calibrate does it."
    limits, scope = None, None
    try:
        digest = joined_hash(entry, [one.weights_sha256 for one in members])
        found = load_calibration(models.model_folder(home, entry.model_id), runtime, digest, entry.classes)
        limits = load_limits(main, members[entry.trial_ids.index(main.name)].weights_sha256)
        scope = load_scope(main)
    except (ModelError, ScopeError) as error:  # what is damaged is not used, and the reading says that it is not there
        why = str(error)
    return Reader(
        entry, members, calibration=found, limits=limits, scope=scope, why="" if found is not None else why,
        loaded_seconds=time.perf_counter() - began,
    )  # fmt: skip


def _stamp(home: Path, entry: models.ModelEntry) -> object:
    """Changes when a file of the model does."""
    folders = [models.model_folder(home, entry.model_id), *(trial_folder(home, one) for one in entry.trial_ids)]
    files = sorted({file for folder in folders for pattern in _FILES for file in folder.glob(pattern)})
    return tuple((str(file), file.stat().st_mtime_ns) for file in files)
