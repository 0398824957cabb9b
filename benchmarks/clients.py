"""Many at once: 16 clients of the API and 4 browser sessions on Predict ask one server, and every answer is checked.

Every image is read alone first, through the API of the same server while nobody else asks. Then all ask at once, each
for another image whenever its last answer has come, and each answer is compared: that of the API in its probabilities,
flags and decision, that of a session in the decision that the page shows. The server's memory is sampled; flat means
that the median of the last quarter is at most 5 % above that of the first. Only this machine is asked, and a copy of
the home folder's journals and of the model is served, so that the home itself gains no readings.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.browser import started
from benchmarks.clients_asking import READY_SECONDS, Client, Clock, Picture, Sessions, Told, api_client, difference
from benchmarks.measure import heading, percentile
from core.api.settings import PER_MINUTE, TOKEN
from core.data.preview import image_file
from core.paths import trial_folder
from core.prediction.models import ModelEntry, entry, model_folder, models
from store.journal import replay

SAMPLE_SECONDS = 0.5
FLAT = 1.05  # last quarter's memory to the first's
SPLIT = "test"
CHECKED = 5  # images that are read alone twice, to see whether a reading repeats itself


@dataclass(frozen=True)
class Options:
    """What to ask. `model` None: the first model of the home; `tolerance` is of a probability."""

    home: Path
    model: str | None = None
    clients: int = 16
    sessions: int = 4
    seconds: float = 120.0
    images: int = 40
    tolerance: float = 1e-6
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """What came of it; seconds are [median, 95th percentile], memory [first quarter, last quarter, peak] in MiB."""

    model_id: str
    seconds: float
    images: int
    api_answers: int
    api_seconds: tuple[float, float]
    page_answers: int
    page_seconds: tuple[float, float]
    furthest: float
    errors: dict[str, int]
    wrong: tuple[str, ...]
    memory: tuple[float, float, float]

    @property
    def flat(self) -> bool:
        return self.memory[1] <= FLAT * self.memory[0]

    @property
    def passed(self) -> bool:
        return not self.errors and not self.wrong and self.flat and self.api_answers > 0


def measure(options: Options) -> Result:
    """Serve a copy of the home and ask. Raises ValueError or RuntimeError when that is not possible."""
    with served(options) as (url, server, token, model, search_id):
        pictures = list(pictures_of(options, model, search_id))
        alone = read_alone(Client(url.removeprefix("http://"), token, model.model_id), pictures, options.tolerance)
        return _at_once(options, url, server, token, model, search_id, pictures, alone)


@contextmanager
def served(options: Options) -> Iterator[tuple[str, psutil.Process, str, ModelEntry, str]]:
    """Address, process and token of a server of a copy of the home; the model, and the search it is found under."""
    known = models(options.home)
    if not known and options.model is None:
        raise ValueError(f"No model in {options.home} can read images.")
    model = known[0] if options.model is None else entry(options.home, options.model)
    token = secrets.token_urlsafe(24)
    with tempfile.TemporaryDirectory() as folder:
        copy_home(options.home, Path(folder), model)
        environment = {"CELLASCENT_HOME": folder, TOKEN: token, PER_MINUTE: "1e9"}
        with started(_command, environment, "/healthz") as (url, process):
            yield url, psutil.Process(process.pid), token, model, model.trial_ids[0].partition(".")[0]


def _command(port: int) -> list[str]:
    return [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]


def copy_home(home: Path, copy: Path, model: ModelEntry) -> None:
    """What the server needs to read with the model: journals, what is known of searches, the model's own files."""
    for name in ("journals", "searches", "datasets"):
        if (home / name).is_dir():
            shutil.copytree(home / name, copy / name)
    for source in {model_folder(home, model.model_id), *(trial_folder(home, one) for one in model.trial_ids)}:
        if source.is_dir():
            shutil.copytree(source, copy / source.relative_to(home), ignore=shutil.ignore_patterns("*checkpoint*"))


def pictures_of(options: Options, model: ModelEntry, search_id: str) -> Iterator[Picture]:
    """Images of the model's test split that lie on this machine, drawn by the seed. Raises ValueError without two."""
    root: Path | None = None
    rows: list[tuple[int, str]] = []
    for record in replay(options.home, search_id):
        if record.get("dataset_id") == model.dataset_id and record["kind"] == "dataset":
            root = Path(str(record["root"]))
        elif record.get("dataset_id") == model.dataset_id and record["kind"] == "images":
            columns = record["columns"]
            kept = zip(columns["image_id"], columns["path"], columns["split"], columns["status"], strict=True)
            rows += [(image_id, path) for image_id, path, split, status in kept if (split, status) == (SPLIT, "ok")]
    files = [] if root is None else [(image_id, image_file(root, str(path))) for image_id, path in sorted(set(rows))]
    files = [(image_id, file) for image_id, file in files if file.is_file()]
    if len(files) < 2:
        raise ValueError(f"The test images of {model.dataset_id} are not on this machine.")
    for image_id, file in random.Random(options.seed).sample(files, min(options.images, len(files))):
        yield Picture(int(image_id), file.read_bytes())


def read_alone(client: Client, pictures: Sequence[Picture], tolerance: float) -> dict[int, dict[str, Any]]:
    """The reading of each image while nobody else asks. Raises RuntimeError where one fails or is not repeatable."""
    alone: dict[int, dict[str, Any]] = {}
    for number, picture in enumerate([*pictures, *pictures[:CHECKED]]):
        status, said = client.read(picture.data)
        if status != 200:
            raise RuntimeError(f"Image {picture.image_id} cannot be read alone: {status}, {said}.")
        if number >= len(pictures) and difference(alone[picture.image_id], said) > tolerance:
            raise RuntimeError(f"Image {picture.image_id} is read otherwise the second time, though alone.")
        alone[picture.image_id] = said
    client.close()
    return alone


def _at_once(
    options: Options, url: str, server: psutil.Process, token: str, model: ModelEntry, search_id: str,
    pictures: Sequence[Picture], alone: Mapping[int, Mapping[str, Any]],
) -> Result:  # fmt: skip
    api, page, clock = Told(), Told(), Clock(options.seconds)
    asking = []
    if options.sessions:
        words = {image_id: str(said["decision"]["words"]) for image_id, said in alone.items()}
        kind = "fusion" if len(model.trial_ids) > 1 else "trial"
        address = f"{url}/predict?search={search_id}&{kind}={model.model_id}"
        hashes = {image_id: str(said["image_sha256"])[:12] for image_id, said in alone.items()}
        sessions = Sessions(address, options.sessions, words, hashes, page, clock, options.seed)
        asking.append(threading.Thread(target=sessions.run, daemon=True))
        asking[0].start()
    else:
        clock.start()
    begun = clock.wait(READY_SECONDS + 60)
    for number in range(options.clients):
        rng = random.Random(f"{options.seed}, {number}")
        client = Client(url.removeprefix("http://"), token, model.model_id)
        arguments = (client, pictures, alone, api, begun, clock.end(), options.tolerance, rng)
        asking.append(threading.Thread(target=api_client, args=arguments, daemon=True))
        asking[-1].start()
    memory = []
    while time.monotonic() < clock.end():
        memory.append((time.monotonic() - begun, _resident(server)))
        time.sleep(SAMPLE_SECONDS)
    for thread in asking:
        thread.join(timeout=300)
    if any(thread.is_alive() for thread in asking):
        api.error("a client did not end")
    return _result(options, model, len(pictures), api, page, memory)


def _resident(server: psutil.Process) -> float:
    """MiB of the server and of the processes that it started."""
    total = 0
    for process in (server, *server.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


def _result(
    options: Options, model: ModelEntry, images: int, api: Told, page: Told, memory: Sequence[tuple[float, float]]
) -> Result:  # fmt: skip
    quarter = options.seconds / 4
    first = [size for at, size in memory if at < quarter] or [0.0]
    last = [size for at, size in memory if at >= 3 * quarter] or [0.0]
    errors = Counter([*(f"API: {one}" for one in api.errors), *(f"page: {one}" for one in page.errors)])
    return Result(
        model.model_id, options.seconds, images, len(api.at), _spread(api), len(page.at), _spread(page), api.furthest,
        dict(errors), tuple([*api.wrong, *page.wrong][:20]),
        (statistics.median(first), statistics.median(last), max(size for _, size in memory)),
    )  # fmt: skip


def _spread(told: Told) -> tuple[float, float]:
    seconds = [one for _, one in told.at]
    return (statistics.median(seconds), percentile(seconds, 95)) if seconds else (float("nan"), float("nan"))


def report(options: Options, result: Result) -> str:
    """The table, and a line of JSON."""
    first, last, peak = result.memory
    rows = [
        ("model", result.model_id),
        ("images", f"{result.images}, each read alone first"),
        ("API", f"{options.clients} clients, {result.api_answers:,} readings, median {result.api_seconds[0]:.2f} s, "
                f"p95 {result.api_seconds[1]:.2f} s"),
        ("Predict", f"{options.sessions} sessions, {result.page_answers:,} images chosen, median "
                    f"{result.page_seconds[0]:.2f} s, p95 {result.page_seconds[1]:.2f} s"),
        ("errors", f"{sum(result.errors.values())}" + "".join(f"\n  {n} x {one}" for one, n in result.errors.items())),
        ("wrong", f"{len(result.wrong)}, furthest probability {result.furthest:.1e}"
                  + "".join(f"\n  {one}" for one in result.wrong)),
        ("memory", f"first quarter {first:.0f} MiB, last quarter {last:.0f} MiB ({last / max(first, 1) - 1:+.1%}), "
                   f"peak {peak:.0f} MiB: {'flat' if result.flat else 'NOT flat'}"),
    ]  # fmt: skip
    table = "\n".join(f"{name:<9} {text}" for name, text in rows)
    title = f"All at once for {result.seconds:g} s"
    return f"{title}\n{'-' * len(title)}\n{table}\n{json.dumps(asdict(result) | {'passed': result.passed})}"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clients", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("CELLASCENT_HOME") or "var"))
    parser.add_argument("--model", help="a trial, a fusion or a search (default: the newest search's model)")
    parser.add_argument("--clients", type=int, default=Options.clients)
    parser.add_argument("--sessions", type=int, default=Options.sessions)
    parser.add_argument("--seconds", type=float, default=Options.seconds)
    parser.add_argument("--images", type=int, default=Options.images)
    parser.add_argument("--tolerance", type=float, default=Options.tolerance, help="of a probability")
    parser.add_argument("--seed", type=int, default=0)
    options = Options(**vars(parser.parse_args(argv)))
    print(heading("CellAscent: many at once", options.seed), flush=True)
    try:
        result = measure(options)
    except (ValueError, RuntimeError, OSError) as error:
        print(f"It could not be measured: {error}")
        return 2
    print("\n" + report(options, result), flush=True)
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
