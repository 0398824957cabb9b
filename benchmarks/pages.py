"""How long a page takes on a large store: on the server, and in Chromium until its main chart stands; peers beside it.

Server time is the run of a page's script in Streamlit's own test runner, each time on another search, so that nothing
of it is in a cache. In Chromium, cold is a new browser profile on a server that has been asked before; warm is the
page again in the same profile. Peers show the same number of trials and epochs on their own main page.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.large import Size, write_optuna, write_ours, write_tensorboard
from benchmarks.measure import heading

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = Path(os.environ.get("CELLASCENT_CHROMIUM", "/usr/bin/chromium"))
START_SECONDS = 600.0  # a large store is read from its journals first
CHART_SECONDS = 120.0
QUIET_SECONDS = 3.0  # without a new record: everything is read
CHART = ".js-plotly-plot .main-svg"


@dataclass(frozen=True)
class View:
    """A page and how to know that its main part stands; `{search}`, `{trial}` and `{other}` are filled in."""

    name: str
    query: dict[str, str] = field(default_factory=dict)
    wait_for: str = CHART

    def filled(self, search_id: str) -> dict[str, str]:
        names = {"search": search_id, "trial": f"{search_id}.00-initial", "other": f"{search_id}.02-learning_rate"}
        return {key: value.format(**names) for key, value in self.query.items()}


OF_A_SEARCH = {"search": "{search}"}
VIEWS = (
    View("searches", wait_for="[data-testid=stButton], [data-testid=stPageLink]"),
    View("search", OF_A_SEARCH),
    View("compare", {"trials": "{trial},{other}"}),
    View("evaluate", OF_A_SEARCH),
    View("whatif_search", OF_A_SEARCH),
    View("whatif_decision", OF_A_SEARCH),
    View("whatif_fusion", {"search": "{search}", "trials": "{trial},{other}"}),
    View("query", wait_for="[data-testid=stDataFrame]"),
)


@dataclass(frozen=True)
class Options:
    """`work` keeps the large stores between runs; None: a temporary folder."""

    size: Size = field(default_factory=Size)
    rounds: int = 5
    work: Path | None = None


@dataclass
class Timing:
    """Seconds of one page, a value a round."""

    name: str
    server: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    trials: int
    timings: list[Timing]
    missing: list[str]


def measure(options: Options) -> Result:
    """Build the stores where they are missing, then time. Raises RuntimeError when a page does not stand in time."""
    folder = options.work or Path(tempfile.mkdtemp(prefix="cellascent-bench-"))
    missing: list[str] = []
    try:
        home = folder / "ours"
        trials = write_ours(home, options.size)
        timings = [Timing(view.name) for view in VIEWS]
        _server_times(home, options, timings)
        with _serving(_our_command, {"CELLASCENT_HOME": str(home)}, "/healthz") as url:
            _wait_for_store(url)
            for view, timing in zip(VIEWS, timings, strict=True):
                address = f"{url}/{'' if view.name == 'searches' else view.name}"
                _chart_times(partial(_link, address, view), view.wait_for, options, timing)
        for name, make in (("Optuna Dashboard", _optuna), ("TensorBoard", _tensorboard)):
            try:
                command, wait_for, path = make(folder / name.split()[0].lower(), options.size)
            except ImportError as error:
                missing.append(
                    f"{name}: {error.name or error} is not installed (pip install -r requirements-bench.txt)"
                )
                continue
            timing = Timing(name)
            with _serving(command, {}, "/") as url:
                _chart_times(partial(_same, url + path), wait_for, options, timing)
            timings.append(timing)
        return Result(trials, timings, missing)
    finally:
        if options.work is None:
            shutil.rmtree(folder, ignore_errors=True)


def report(options: Options, result: Result) -> str:
    """The result in words."""

    def cell(values: list[float]) -> str:
        return f"{statistics.median(values):>8.2f} {max(values):>7.2f}" if values else f"{'-':>8} {'-':>7}"

    lines = [
        f"pages on a store of {result.trials} trials of about {options.size.epochs} epochs, {options.size.images} "
        f"validation images: seconds, median and worst of {options.rounds} rounds",
        f"  {'page':<18} {'server':>8} {'worst':>7} {'cold':>8} {'worst':>7} {'warm':>8} {'worst':>7}",
    ]
    lines += [f"  {t.name:<18} {cell(t.server)} {cell(t.cold)} {cell(t.warm)}" for t in result.timings]
    lines.append("  targets: server 0.5 at the median, main chart 1.5 cold and 0.5 warm")
    return "\n".join(lines + [f"  left out: {reason}" for reason in result.missing])


def _search_id(number: int) -> str:
    return f"s-20261124-101500-{number:06x}"


def _link(address: str, view: View, number: int) -> str:
    query = "&".join(f"{key}={value}" for key, value in view.filled(_search_id(number)).items())
    return f"{address}?{query}" if query else address


def _same(address: str, _number: int) -> str:
    return address


def _server_times(home: Path, options: Options, timings: list[Timing]) -> None:
    os.environ["CELLASCENT_HOME"] = str(home)
    from streamlit.testing.v1 import AppTest

    from store.owner import shared

    owner = shared(home)
    _until(lambda: owner.idle_seconds > QUIET_SECONDS, "the store goes on growing")
    for round_ in range(options.rounds + 1):  # the first imports
        for view, timing in zip(VIEWS, timings, strict=True):
            app = AppTest.from_file(str(ROOT / "pages" / "frame.py"), default_timeout=CHART_SECONDS)
            app.query_params.update(view.filled(_search_id(round_)))
            if view.name != "searches":
                app.switch_page(f"{view.name}.py")
            started = time.perf_counter()
            app.run()
            taken = time.perf_counter() - started
            if app.exception or app.error:
                raise RuntimeError(f"{view.name} failed: {[e.value for e in [*app.exception, *app.error]]}")
            if round_:
                timing.server.append(taken)
    owner.close()


def _chart_times(address: Callable[[int], str], wait_for: str, options: Options, timing: Timing) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        for number in range(options.rounds):
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            for values in (timing.cold, timing.warm):
                started = time.perf_counter()
                page.goto(address(number))
                page.locator(wait_for).first.wait_for(timeout=1000 * CHART_SECONDS)
                values.append(time.perf_counter() - started)
            browser.close()


Command = Callable[[int], list[str]]


def _our_command(port: int) -> list[str]:
    return [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]


def _optuna(folder: Path, size: Size) -> tuple[Command, str, str]:
    address = write_optuna(folder, size)
    command = [sys.executable, "-c", "from optuna_dashboard._cli import main; main()", address, "--port"]
    return (lambda port: [*command, str(port)]), CHART, "/dashboard/studies/1"


def _tensorboard(folder: Path, size: Size) -> tuple[Command, str, str]:
    logs = write_tensorboard(folder, size)
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs), "--port"]
    return (lambda port: [*command, str(port)]), "scalar-card line-chart svg", "/#timeseries"


@contextmanager
def _serving(command: Command, environment: dict[str, str], path: str) -> Iterator[str]:
    """A server on a free port while the block runs; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    process = subprocess.Popen(
        command(port), cwd=ROOT, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _until(lambda: _answers(url + path), "the server does not answer")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for_store(url: str) -> None:
    """Until the store says the same twice, a second apart: then everything is read."""
    seen: list[bytes] = [b"", b" "]

    def settled() -> bool:
        with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
            seen[:] = [seen[1], answer.read()]
        time.sleep(1)
        return seen[0] == seen[1]

    _until(settled, "the store goes on growing")


def _answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=5):
        return True
    return False


def _until(true: Callable[[], bool], complaint: str) -> None:
    started = time.monotonic()
    while not true():
        if time.monotonic() - started > START_SECONDS:
            raise RuntimeError(f"After {START_SECONDS:.0f} s {complaint}.")
        time.sleep(0.2)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--trials", type=int, default=Size.trials)
    parser.add_argument("--epochs", type=int, default=Size.epochs)
    parser.add_argument("--images", type=int, default=Size.images, help="in the val and in the test split")
    parser.add_argument("--rounds", type=int, default=Options.rounds)
    parser.add_argument("--work", type=Path, help="keep the large stores in this folder for the next run")
    given = parser.parse_args(argv)
    options = Options(Size(given.trials, given.epochs, given.images), given.rounds, given.work)
    print(heading("CellAscent pages", 0), flush=True)
    print(report(options, measure(options)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
