"""The time of one reading, from the bytes of a JPEG on, against the bare network that it cannot do without.

A reading is all that a page shows of one image: decoding, the network, calibration and prediction set, the checks of
the image with the out-of-scope score, and the class activation map. It runs on torch and on ONNX Runtime; beside each
stands what a plain script would do: decode with Pillow, scale, standardise, and timm's forward pass or a session of
onnxruntime as it is made by default, on as many threads. The four take turns on the same images, so that what drifts
cancels out in their ratios. First alone, then while a search trains on this machine, started as the app starts one.

Any weights take as long; those here are random.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from benchmarks.house import House, wait_for
from benchmarks.latency_model import TRIAL, Made, make_model
from benchmarks.measure import Spread, cores, heading, percentile, ratios
from core.data.sample import make_sample
from core.paths import trial_folder
from core.prediction.explain import activation, linear_head
from core.prediction.onnx_files import GRAPH
from core.prediction.onnx_runtime import onnx_available
from core.prediction.reader import Reader
from core.search.launcher import spawn
from store.journal import journal_files, read_records

QUALITY: Final = 90  # of its JPEG
TARGET: Final = 1.15  # of a reading on ONNX Runtime against the bare session plus decoding
TRAINS_WITHIN: Final = 300.0  # s from the start of the search to its first epoch

ALONE, BESIDE = "alone", "while a search trains"
READINGS = {"torch": "reading on torch", "onnx": "reading on ONNX Runtime"}
BARE = {"torch": "timm, forward pass", "onnx": "onnxruntime, session"}


@dataclass(frozen=True)
class Options:
    """What to measure. `background` is that of the recipe: "masked" cuts the cell out first, which the bare do not."""

    backbone: str = "inception_v3"
    image_size: int = 299
    sample_size: int = 360  # side of an image's file in pixels: about that of the study's
    images: int = 30
    rounds: int = 3
    threads: int = 1
    background: str = "kept"
    training: bool = True  # also while a search trains
    training_threads: int = 1
    training_size: int = 75
    seed: int = 0

    def check(self) -> None:
        """Raise ValueError when they cannot be measured."""
        if min(self.images, self.rounds, self.threads, self.training_threads) < 1:
            raise ValueError("images, rounds, threads and training_threads must be at least 1.")


@dataclass
class Times:
    """Seconds of every call under one condition, in turn: whole readings, and the bare ones' two parts."""

    readings: dict[str, list[float]] = field(default_factory=dict)
    decoding: dict[str, list[float]] = field(default_factory=dict)
    bare: dict[str, list[float]] = field(default_factory=dict)
    parts: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def whole(self, runtime: str) -> list[float]:
        """The bare network with its decoding."""
        return [a + b for a, b in zip(self.decoding[runtime], self.bare[runtime], strict=True)]


@dataclass(frozen=True)
class Result:
    """Times by condition, and the runtimes that were there."""

    runtimes: tuple[str, ...]
    times: dict[str, Times]


def measure(options: Options) -> Result:
    """Time all of them. Raises ValueError, RuntimeError when the search does not train meanwhile."""
    options.check()
    with tempfile.TemporaryDirectory(prefix="cellascent-bench-") as name:
        folder = Path(name)
        per_class = max(12, -(-options.images // 5))
        cells = make_sample(folder / "cells", per_class=per_class, size=options.sample_size, seed=options.seed)
        files = [_jpeg(path) for path in sorted(cells.rglob("*.png"))]
        runtimes = ("torch", "onnx") if onnx_available() else ("torch",)
        made = make_model(
            folder / "home", files, options.backbone, options.image_size, options.background, options.threads,
            options.seed, runtimes,
        )  # fmt: skip
        arms = {runtime: _Arm(runtime, made, folder / "home", options) for runtime in runtimes}
        chosen = files[:: max(1, len(files) // options.images)][: options.images]
        times = {ALONE: _times(arms, chosen, options.rounds)}
        if options.training:
            with _training(folder / "search", cells, options) as trains:
                times[BESIDE] = _times(arms, chosen, options.rounds)
                if not trains():
                    raise RuntimeError("The search ended before the readings did, so nothing was measured beside it.")
        return Result(runtimes, times)


def report(options: Options, result: Result) -> str:
    """The result in words."""
    lines = [
        f"latency of a reading: {options.backbone}, {options.image_size} px, background {options.background}, threads: "
        f"{options.threads}, {options.images} images x {options.rounds} rounds, JPEG of {options.sample_size} px",
    ]
    for condition, times in result.times.items():
        lines += ["", f"  {condition:<44} {'median':>8} {'p95':>8}  ms"]
        for runtime in result.runtimes:
            lines.append(_line(READINGS[runtime], times.readings[runtime]))
            lines += [_line(f"  {part}", values) for part, values in times.parts[runtime].items()]
            lines.append(_line(BARE[runtime], times.bare[runtime]))
            lines.append(_line(f"{BARE[runtime]} plus decoding", times.whole(runtime)))
        for runtime in result.runtimes:
            target = f"  (target: {TARGET})" if runtime == "onnx" and condition == ALONE else ""
            quotient = ratios(times.readings[runtime], times.whole(runtime))
            lines.append(f"  {READINGS[runtime]} / bare plus decoding: {_spread(quotient)}{target}")
        if "onnx" in result.runtimes:
            quotient = ratios(times.readings["onnx"], times.readings["torch"])
            lines.append(f"  reading on ONNX Runtime / on torch: {_spread(quotient)}")
    if BESIDE in result.times:
        for runtime in result.runtimes:
            both = [float(np.median(result.times[one].readings[runtime])) for one in (BESIDE, ALONE)]
            lines.append(f"  {READINGS[runtime]}, {BESIDE} / alone: {both[0] / both[1]:.2f} (medians)")
    if "onnx" not in result.runtimes:
        lines.append("  left out: onnxruntime is not installed")
    return "\n".join(lines)


def as_json(options: Options, result: Result) -> dict[str, Any]:
    """Options and all times, in seconds."""
    return {"options": asdict(options), "seconds": {name: asdict(times) for name, times in result.times.items()}}


class _Arm:
    """One runtime: its whole reading, and the bare network."""

    def __init__(self, runtime: str, made: Made, home: Path, options: Options) -> None:
        self._reader: Reader = made.readers[runtime]
        self._head = linear_head(made.network)
        self._size, self._mean, self._std = options.image_size, made.mean, made.std
        folder = trial_folder(home, TRIAL)
        self._run = _session(folder / GRAPH, options.threads) if runtime == "onnx" else _forward(made.network)

    def reading(self, file: bytes) -> tuple[float, dict[str, float]]:
        """Seconds of a reading with its activation map, and of the parts that it tells of."""
        began = time.perf_counter()
        seen = self._reader.see(file)
        maps = seen.looks[0].maps
        if self._head is not None and maps is not None:
            activation(maps[0], self._head, int(seen.reading.probabilities.argmax()))
        return time.perf_counter() - began, dict(seen.reading.seconds)

    def bare(self, file: bytes) -> tuple[float, float]:
        """Seconds of decoding as a plain script does it, and of the network."""
        began = time.perf_counter()
        picture = Image.open(io.BytesIO(file)).convert("RGB").resize((self._size, self._size), Image.Resampling.BICUBIC)
        pixels = (np.asarray(picture, np.float32) / 255 - self._mean) / self._std
        images = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)
        decoded = time.perf_counter()
        self._run(images)
        return decoded - began, time.perf_counter() - decoded


def _times(arms: dict[str, _Arm], files: Sequence[bytes], rounds: int) -> Times:
    """Every image by every arm, in turn; the first pass only warms up."""
    times = Times()
    for runtime in arms:
        times.readings[runtime], times.decoding[runtime], times.bare[runtime], times.parts[runtime] = [], [], [], {}
    for number in range(rounds + 1):
        for file in files[:3] if number == 0 else files:
            for runtime, arm in arms.items():
                (reading, parts), (decoding, bare) = arm.reading(file), arm.bare(file)
                if number:
                    times.readings[runtime].append(reading)
                    times.decoding[runtime].append(decoding)
                    times.bare[runtime].append(bare)
                    for part, seconds in parts.items():
                        times.parts[runtime].setdefault(part, []).append(seconds)
    return times


def _forward(network: Any) -> Callable[[np.ndarray], object]:
    import torch

    def run(images: np.ndarray) -> object:
        with torch.inference_mode():
            return network(torch.from_numpy(images)).softmax(dim=1)

    return run


def _session(graph: Path, threads: int) -> Callable[[np.ndarray], object]:
    import onnxruntime  # type: ignore[import-not-found,import-untyped,unused-ignore]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(["logits"], {"images": images})


@contextmanager
def _training(home: Path, cells: Path, options: Options) -> Iterator[Callable[[], bool]]:
    """A search that trains on these cells, started and niced as the app does it; gives whether it still trains."""
    house = House(home)
    arguments = [
        "search", "--home", str(home), "--preset", "quick", "--data", str(cells), "--weights", "none", "--image-size",
        str(options.training_size), "--backbone", options.backbone, "--epochs", "1000", "--threads",
        str(options.training_threads),
    ]  # fmt: skip
    try:
        house.controller = spawn(["core", *arguments], home / "search.log", extra={"CELLASCENT_AUDIT": "off"})

        def epochs() -> bool:
            return any(record["kind"] == "epoch" for path in journal_files(home) for record in read_records(path)[0])

        if not wait_for(epochs, TRAINS_WITHIN):
            raise RuntimeError(f"The search trained no epoch within {TRAINS_WITHIN:.0f} s; is the machine busy?")
        yield lambda: bool(house.workers())
    finally:
        house.close()


def _jpeg(path: Path) -> bytes:
    file = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _line(name: str, seconds: Sequence[float]) -> str:
    return f"    {name:<42} {1000 * percentile(seconds, 50):>8.1f} {1000 * percentile(seconds, 95):>8.1f}"


def _spread(quotient: Spread) -> str:
    return f"{quotient.median:.3f} (least {quotient.low:.2f}, greatest {quotient.high:.2f})"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    default = Options()
    for name in (
        "image_size",
        "sample_size",
        "images",
        "rounds",
        "threads",
        "training_threads",
        "training_size",
        "seed",
    ):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(default, name))
    parser.add_argument("--backbone", default=default.backbone)
    parser.add_argument("--background", choices=("kept", "masked"), default=default.background)
    parser.add_argument("--no-training", dest="training", action="store_false", help="only alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write options and all times there too")
    given = vars(parser.parse_args(argv))
    file: Path | None = given.pop("json")
    options = Options(**given)
    try:
        result = measure(options)
        if file is not None:
            file.write_text(json.dumps(as_json(options, result), indent=1))
    except (ValueError, RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(heading("Latency of a reading", options.seed) + f"\ncores     {cores()}\n\n" + report(options, result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
