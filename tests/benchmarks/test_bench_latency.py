"""The benchmark of a reading's latency times what it says, in pairs, and notices a search that does not train."""

from __future__ import annotations

import json

import pytest

from benchmarks.latency import ALONE, BESIDE, TARGET, Options, Result, Times, as_json, measure, report


def made(reading: float) -> Times:
    one = {"torch": [0.3, 0.3], "onnx": [reading, reading]}
    two = {"torch": [0.1, 0.1], "onnx": [0.05, 0.05]}
    return Times(one, two, two, {runtime: {"network": [0.04, 0.05]} for runtime in one})


def test_the_report_pairs_each_reading_with_the_bare_network_and_its_decoding():
    options = Options()
    result = Result(("torch", "onnx"), {ALONE: made(0.11), BESIDE: made(0.22)})
    lines = [line.strip() for line in report(options, result).splitlines()]
    assert (
        f"reading on ONNX Runtime / bare plus decoding: 1.100 (least 1.10, greatest 1.10)  (target: {TARGET})" in lines
    )
    assert "reading on torch / bare plus decoding: 1.500 (least 1.50, greatest 1.50)" in lines
    assert "reading on ONNX Runtime, while a search trains / alone: 2.00 (medians)" in lines
    assert any(line.split() == ["onnxruntime,", "session", "plus", "decoding", "100.0", "100.0"] for line in lines)
    told = json.loads(json.dumps(as_json(options, result)))
    assert told["seconds"][ALONE]["readings"]["onnx"] == [0.11, 0.11]
    assert told["options"]["image_size"] == 299


def test_without_onnx_runtime_it_says_so():
    times = Times({"torch": [0.3]}, {"torch": [0.1]}, {"torch": [0.2]}, {"torch": {}})
    assert "onnxruntime is not installed" in report(Options(), Result(("torch",), {ALONE: times}))


def test_options_are_checked():
    with pytest.raises(ValueError, match="must be at least 1"):
        measure(Options(rounds=0))


def test_every_arm_is_timed_in_every_round():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    options = Options(backbone="test_resnet", image_size=64, sample_size=64, images=3, rounds=2, training=False)
    result = measure(options)
    times = result.times[ALONE]
    for runtime in ("torch", "onnx"):
        assert len(times.readings[runtime]) == len(times.whole(runtime)) == len(times.parts[runtime]["decode"]) >= 6
        parts = zip(*times.parts[runtime].values(), strict=True)
        assert all(sum(part) < whole for part, whole in zip(parts, times.readings[runtime], strict=True))
    assert list(result.times) == [ALONE]
