"""What a network costs is counted and timed as it is used, without changing it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.learning import cost
from core.learning.settings import TrialSettings
from core.learning.training import Data
from core.search.launcher import REPOSITORY

SETTINGS = TrialSettings(image_size=8)


class Small(nn.Module):
    """Notes each batch that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.norm = nn.BatchNorm1d(2)
        self.seen: list[tuple[int, ...]] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(tuple(images.shape))
        answers: Tensor = self.norm(self.layer(images.mean(dim=(2, 3))))
        return answers


def data(n: int) -> Data:
    images = np.zeros((n, 8, 8, 3), dtype=np.uint8)
    return Data(images, np.zeros(n, dtype=np.int64), {"val": np.arange(n)}, ("a", "b"), [0.5] * 3, [0.5] * 3)


def test_a_network_is_counted_and_timed_in_batches_of_eight_however_few_images_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Small()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    clock = iter([0.0, 0.1, 1.0, 2.0, 2.0, 3.0, 5.0, 5.0, 5.5, 5.5])  # began; then asked, start, end of each batch
    monkeypatch.setattr(cost.time, "perf_counter", lambda: next(clock))
    random = torch.get_rng_state()
    found = cost.measured(network, data(3), SETTINGS, lambda *_: None)
    assert found["parameters"] == 3 * 2 + 2 + 2 + 2
    # 1 s, 2 s, and after 5 s no further batch: the median of two is their mean
    assert found["predict_images_per_second"] == 8 / 1.5
    assert found["peak_rss_bytes"] > 10 * 2**20
    assert network.seen == [(8, 3, 8, 8)] * 3  # the first warms up
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_memory_is_the_processs_own_and_not_its_parents() -> None:
    parent = (
        "import subprocess, sys\n"
        "held = b'x' * (300 * 2**20)\n"
        "subprocess.run([sys.executable, '-c', 'import re; from pathlib import Path; import resource, sys\\n'\n"
        "    + sys.argv[1] + '\\nprint(peak_rss_bytes())'])\n"
    )
    source = (REPOSITORY / "core" / "learning" / "cost.py").read_text()
    function = source[source.index("def peak_rss_bytes") :]  # without torch, which takes more than the parent holds
    done = subprocess.run([sys.executable, "-c", parent, function], capture_output=True, text=True, check=True)
    assert 2**20 < int(done.stdout) < 200 * 2**20
