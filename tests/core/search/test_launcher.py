"""How trials become processes: GPUs are handed out by slot, out of those that the person allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.search import launcher
from core.search.launcher import LocalLauncher, spawn


@pytest.mark.parametrize(
    ("device", "allowed", "slot", "gpu"),
    [("cuda", None, 1, "1"), ("cuda", "3,5", 1, "5"), ("cuda", "3", 0, "3"), ("cpu", "3", 0, "")],
)
def test_each_slot_has_its_own_gpu(
    monkeypatch: pytest.MonkeyPatch, device: str, allowed: str | None, slot: int, gpu: str
) -> None:
    seen: list[tuple[int, dict[str, str]]] = []

    def fake(_module: list[str], _log: Path, *, threads: int, extra: dict[str, str]) -> None:
        seen.append((threads, extra))

    monkeypatch.setattr(launcher, "spawn", fake)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if allowed is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
    LocalLauncher(device).start(Path("spec.json"), Path("log"), slot, threads=3)
    assert seen == [(3, {"CUDA_VISIBLE_DEVICES": gpu})]


def test_a_spawned_process_writes_to_its_log_with_its_own_thread_count(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "x.log"
    process = spawn(["core", "--help"], log, threads=2, extra={"COLUMNS": "200"})
    assert process.wait(timeout=60) == 0
    assert "python -m core" in log.read_text()
    process = spawn(["timeit", "-n", "1", "-r", "1", "import os; print(os.environ['OMP_NUM_THREADS'])"], log, threads=2)
    assert process.wait(timeout=60) == 0
    assert "\n2\n" in log.read_text()


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="the system does not group by session")
def test_a_spawned_process_gives_way_across_sessions_too(tmp_path: Path) -> None:
    process = spawn(["timeit", "-n", "1", "-r", "1", "import time; time.sleep(30)"], tmp_path / "log", nice=7)
    try:
        assert Path(f"/proc/{process.pid}/autogroup").read_text().split()[-1] == "7"
    finally:
        process.kill()
        process.wait()
