"""The helpers of the benchmarks: summaries, comparisons, the choice of kills, and what is written."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from benchmarks import writes
from benchmarks.compare import MAX_TOLD, differences, told
from benchmarks.disturb import Kills
from benchmarks.epochs import N_CLASSES, VAL_IMAGES, epoch_payload, scalars
from benchmarks.house import House
from benchmarks.measure import Spread, heading, percentile, ratios
from benchmarks.published import published_accuracies
from benchmarks.soak import Options as SoakOptions
from benchmarks.training import Options as TrainingOptions
from benchmarks.training import Result, link_files, report
from core.data.sample import make_sample
from core.data.scan import scan
from store.rows import table_rows


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([1, 4, 9], [1, 2, 3]) == Spread(median=2, low=1, high=3)
    with pytest.raises(ValueError, match="do not pair up"):
        ratios([1, 2], [1])
    with pytest.raises(ValueError, match="not positive"):
        ratios([1], [0])
    with pytest.raises(ValueError, match="no round"):
        Spread.of([])


def test_percentile_interpolates() -> None:
    assert percentile([1, 2, 3, 4], 50) == 2.5
    assert percentile(list(range(101)), 99) == 99


def test_a_heading_names_machine_versions_seed_and_command() -> None:
    text = heading("A title", 3)
    for part in ("A title", "cores", "Python 3", "torch ", "seed      3", "command   python -m"):
        assert part in text


def test_differences_are_exact_and_name_what_is_missing() -> None:
    one = {"a": {"loss": 0.1 + 0.2}, "b": {"loss": 1.0}}
    assert differences(one, {"a": {"loss": 0.1 + 0.2}, "b": {"loss": 1.0}}, ("here", "there")) == []
    found = differences(one, {"a": {"loss": 0.3}, "c": {"loss": 1.0}}, ("here", "there"))
    assert found == [
        "a, loss: 0.30000000000000004 here, 0.3 there", "b is only in here", "c is only in there",
    ]  # fmt: skip
    assert told([]) == "equal to the last bit"
    assert "and 3 more" in told(["x"] * (MAX_TOLD + 3))


@pytest.mark.parametrize("target", [40, 41, 100, 7, 2])
@pytest.mark.parametrize("seed", range(5))
def test_every_kind_is_killed_often_enough(target: int, seed: int) -> None:
    kills = Kills(target, random.Random(seed))
    while not kills.reached:
        kills.counts[kills.next_kind()] += 1
    assert kills.total == target
    assert min(kills.counts.values()) >= kills.least == min(8, target // 3)


def test_an_epoch_is_a_record_that_the_store_takes_and_scalars_for_others() -> None:
    payload = epoch_payload(3)
    record = {"kind": "epoch", "seq": 0, "at": "2026-01-01T00:00:00+00:00", "trial_id": "s.00", "search_id": "s"}
    rows = table_rows({**record, **payload})
    assert rows is not None
    assert [row["split"] for _, row in rows] == ["train", "val"]
    assert len(rows[1][1]["image_ids"]) == VAL_IMAGES
    numbers = scalars(payload)
    assert len(numbers) == 2 * (2 + 7 * N_CLASSES)
    assert numbers["val/loss"] == payload["splits"]["val"]["loss"]
    assert epoch_payload(3) == payload != epoch_payload(4)


def test_the_published_table_gives_thirteen_accuracies() -> None:
    accuracies = published_accuracies()
    assert len(accuracies) == 13
    assert accuracies[1e-4, 10, 20] == 1.0


def test_writing_is_measured_and_a_missing_peer_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def absent(_: Path) -> writes.Tracker:
        raise ModuleNotFoundError("No module named 'peer'", name="peer")

    monkeypatch.setattr(writes, "PEERS", (absent,))
    options = writes.Options(epochs=2, folder=tmp_path)
    result = writes.measure(options)
    [ours] = result.timings
    assert len(ours.written) == len(ours.seen) == 2
    assert all(0 < written < seen for written, seen in zip(ours.written, ours.seen, strict=True))
    assert "left out: peer is not installed" in writes.report(options, result)
    assert not list(tmp_path.iterdir())


def test_the_plain_loop_gets_the_original_files_of_the_same_images(tmp_path: Path) -> None:
    cells = make_sample(tmp_path / "cells", per_class=4, size=32)
    dataset = scan(cells, work=tmp_path / "work")
    rows = [0, 5, 19]
    folder = link_files(dataset, rows, tmp_path / "files")  # type: ignore[arg-type]
    links = sorted(path for path in folder.rglob("*") if path.is_file())
    assert [path.parent.name for path in links] == [dataset.usable[row].class_ for row in rows]
    originals = {dataset.root / dataset.usable[row].path for row in rows}
    assert {path.resolve() for path in links} == {path.resolve() for path in originals}


def test_training_options_are_checked_and_the_report_gives_ratios() -> None:
    with pytest.raises(ValueError, match="must be a multiple of the batch size 10"):
        TrainingOptions(images=31).check()
    text = report(TrainingOptions(), Result([40, 42], [38, 40], [20, 20], {0: 10.0, 1: 21.0, 2: 18.0}))
    assert "workers: 1" in text
    assert re.search(r"ours / ceiling +0\.951", text)
    assert re.search(r"ours / plain +1\.95", text)


def test_a_house_finds_only_processes_of_its_own_home(tmp_path: Path) -> None:
    house = House(tmp_path / "home")
    assert house.workers() == []
    assert house.kill("worker", random.Random(0)) is None
    assert house.kill("controller", random.Random(0)) is None
    assert house.health() is None
    house.close()


def test_a_soak_runs_usable_searches() -> None:
    settings = SoakOptions().search(seed=4)
    assert (settings.seed, settings.data, settings.final_seeds) == (4, "sample", 1)
