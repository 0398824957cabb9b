"""What a trained network costs: its size, its pace on new images, the memory that its training took."""

from __future__ import annotations

import re
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from core.learning.settings import TrialSettings
from core.learning.training import Data, Progress, answers

BATCH = 8  # images at once, as where a model reads images from elsewhere
TIMES = 5  # batches that are timed
SECONDS = 5.0  # after which no further batch is begun


def measured(model: nn.Module, data: Data, settings: TrialSettings, tell: Progress) -> dict[str, Any]:
    """The payload of a `cost` record: parameters, predict_images_per_second, peak_rss_bytes.

    The pace is that of `images_per_second`; the memory is this process's so far.
    """
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "predict_images_per_second": images_per_second(model, data, settings, tell),
        "peak_rss_bytes": peak_rss_bytes(),
    }


def images_per_second(model: nn.Module, data: Data, settings: TrialSettings, tell: Progress) -> float:
    """How many decoded validation images a second become probabilities, on the trial's device and threads.

    The median over some batches, after one that only warms up; their preparation, as the settings want it, counts.
    """
    rows, device = np.resize(data.splits["val"], BATCH), torch.device(settings.device)

    def predict() -> None:
        answers(model, data, rows, device).softmax(dim=1).cpu()  # to the CPU: only then a GPU is done

    model.eval()
    predict()
    taken: list[float] = []
    began = time.perf_counter()
    while len(taken) < TIMES and time.perf_counter() - began < SECONDS:
        tell("time predictions", len(taken) * BATCH, TIMES * BATCH)
        start = time.perf_counter()
        predict()
        taken.append(time.perf_counter() - start)
    return BATCH / statistics.median(taken)


def peak_rss_bytes() -> int:
    """The most memory that this process has had resident so far.

    Linux's `ru_maxrss` of a new process begins at what its parent had resident, so the process's own mark comes first.
    """
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
