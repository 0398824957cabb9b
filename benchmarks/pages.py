"""How long a page takes on a large store: on the server, and in Chromium until its main chart stands; peers beside it.

Server time is the run of a page's script in Streamlit's own test runner, each time on another search, so that nothing
of it is in a cache. In Chromium, cold is a new browser profile on a server that has been asked before; warm is the
page again in the same profile; click is the page's link in an open tab. "One chart alone" is the smallest Streamlit
page, so the least that any such page takes here. Peers show the same number of trials and epochs on their own main
page. A fixed computation is timed between the runs on the server: by it times can be compared, since shared machines
are faster at one hour than at another.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from benchmarks.browser import CHART_SECONDS, ROOT, Command, Loads, load, serving, until
from benchmarks.large import Size, write_mlflow, write_optuna, write_ours, write_tensorboard
from benchmarks.measure import Spread, fixed_computation, heading

QUIET_SECONDS = 3.0  # without a new record: everything is read
CHART = ".js-plotly-plot .main-svg"
COLD_WARM = f" {'cold':>7} {'warm':>7}"
TITLES = {
    "searches": "Searches", "search": "Search", "compare": "Compare", "evaluate": "Evaluate", "data": "Data",
    "query": "Query",
    "whatif_search": "What-if: the search", "whatif_decision": "What-if: the decision",
    "whatif_fusion": "What-if: fusion",
}  # fmt: skip
STEPS = ("batch_size", "epochs", "learning_rate")
TEN = ("00-initial", *(f"{cycle:02}-{step}" for cycle in (1, 2, 3) for step in STEPS))  # as many as MLflow draws first


@dataclass(frozen=True)
class View:
    """A page and how to know that its main part stands; `{search}`, `{trial}` and `{other}` are filled in."""

    name: str
    query: dict[str, str] = field(default_factory=dict)
    wait_for: str = CHART
    page: str = ""  # where it is not the name

    def filled(self, search_id: str) -> dict[str, str]:
        ten = ",".join(f"{search_id}.{trial}" for trial in TEN)
        names = {"search": search_id, "trial": f"{search_id}.{TEN[0]}", "other": f"{search_id}.{TEN[-1]}", "ten": ten}
        return {key: value.format(**names) for key, value in self.query.items()}


OF_A_SEARCH = {"search": "{search}"}
VIEWS = (
    View("searches", wait_for="[data-testid=stMain] [data-testid=stPageLink]"),
    View("search", OF_A_SEARCH),
    View("compare", {"trials": "{trial},{other}"}),
    View("curves of 10", {"trials": "{ten}", "view": "Curves"}, page="compare"),
    View("evaluate", OF_A_SEARCH),
    View("whatif_search", OF_A_SEARCH),
    View("whatif_decision", OF_A_SEARCH),
    View("whatif_fusion", {"search": "{search}", "members": "{trial}~{other}"}),
    View("data", wait_for="[data-testid=stMain] [data-testid=stPageLink]"),
    View("query", wait_for="[data-testid=stDataFrame]:visible"),
)


@dataclass(frozen=True)
class Options:
    """`work` keeps the large stores between runs; None: a temporary folder. `mlflow` is a Python with MLflow's server:
    the whole package asks for another pyarrow than ours, so it has an environment of its own."""

    size: Size = field(default_factory=Size)
    rounds: int = 5
    server_rounds: int = 20
    work: Path | None = None
    mlflow: Path | None = None
    only: tuple[str, ...] = ()


@dataclass
class Timing:
    """Of one page: seconds on the server, a value a round, and its loads in Chromium."""

    name: str
    server: list[float] = field(default_factory=list)
    loads: Loads = field(default_factory=Loads)


@dataclass(frozen=True)
class Result:
    trials: int
    timings: list[Timing]
    missing: list[str]
    fixed: list[float]  # seconds of the fixed computation


def measure(options: Options) -> Result:
    """Build the stores where they are missing, then time. Raises RuntimeError when a page does not stand in time."""
    folder = options.work or Path(tempfile.mkdtemp(prefix="cellascent-bench-"))
    try:
        home = folder / "ours"
        trials = write_ours(home, options.size)
        timings = [Timing(view.name) for view in VIEWS if not options.only or view.name in options.only]
        fixed = _server_times(home, options, timings) if timings else []
        if timings:
            with serving(_our_command, {"CELLASCENT_HOME": str(home)}, "/healthz") as url:
                _wait_for_store(url)
                for timing in timings:
                    view = _view(timing.name)
                    address = f"{url}/{'' if view.name == 'searches' else view.page or view.name}"
                    link = partial(_link, address, view)
                    timing.loads = load(link, view.wait_for, options.rounds, partial(_leave, view))
                    print(_line(timing), file=sys.stderr, flush=True)
            with serving(_one_chart_command, {}, "/") as url:
                timings.append(Timing("one chart alone", loads=load(partial(_same, url), CHART, options.rounds)))
        missing: list[str] = []
        for name, make in PEERS.items():
            if options.only and name not in options.only:
                continue
            try:
                command, wait_for, path = make(folder / name.split()[0].lower(), options)
            except ImportError as error:
                missing.append(f"{name}: {error}")
                continue
            with serving(command, {}, "/") as url:
                timings.append(Timing(name, loads=load(partial(_same, url + path), wait_for, options.rounds)))
        return Result(trials, timings, missing, fixed)
    finally:
        if options.work is None:
            shutil.rmtree(folder, ignore_errors=True)


def report(options: Options, result: Result) -> str:
    """The result in words."""

    lines = [
        f"pages on a store of {result.trials} trials of about {options.size.epochs} epochs, {options.size.val_images} "
        f"val and {options.size.test_images} test images",
        f"  seconds; {options.server_rounds} runs on the server, {options.rounds} loads in Chromium; MB received",
        f"  {'':<17} " + " ".join(f"{name:>7} {'':>7}" for name in ("server", "cold", "warm", "click")) + COLD_WARM,
        f"  {'page':<17} " + f"{'median':>7} {'p95':>7} " * 4 + f"{'MB':>7} {'MB':>7}",
    ]
    lines += [_line(timing) for timing in result.timings]
    if result.fixed:
        lines.append(f"  a fixed computation between those runs: {Spread.of(result.fixed)} s")
    lines.append("  targets: server 0.5 at the median, main chart 1.5 cold and 0.5 warm")
    return "\n".join(lines + [f"  left out: {reason}" for reason in result.missing])


def _line(timing: Timing) -> str:
    def cell(values: list[float], share: int) -> str:
        return f"{np.percentile(values, share):>7.2f}" if values else f"{'-':>7}"

    loads = timing.loads
    times = [
        cell(values, share) for values in (timing.server, loads.cold, loads.warm, loads.inside) for share in (50, 95)
    ]
    sizes = [cell([size / 1e6 for size in values], 50) for values in (loads.cold_bytes, loads.warm_bytes)]
    return f"  {timing.name:<17} {' '.join([*times, *sizes])}"


def _view(name: str) -> View:
    return next(view for view in VIEWS if view.name == name)


def _search_id(number: int) -> str:
    return f"s-20261124-101500-{number:06x}"


def _link(address: str, view: View, number: int) -> str:
    query = "&".join(f"{key}={value}" for key, value in view.filled(_search_id(number)).items())
    return f"{address}?{query}" if query else address


def _same(address: str, _number: int) -> str:
    return address


def _server_times(home: Path, options: Options, timings: list[Timing]) -> list[float]:
    """Fills the timings; the seconds that a fixed computation took between the runs."""
    os.environ["CELLASCENT_HOME"] = str(home)
    from streamlit.testing.v1 import AppTest

    from store.owner import shared

    owner = shared(home)
    until(lambda: owner.idle_seconds > QUIET_SECONDS, "the store goes on growing")
    fixed = []
    for round_ in range(options.server_rounds + 1):  # the first imports
        for timing in timings:
            view = _view(timing.name)
            app = AppTest.from_file(str(ROOT / "pages" / "frame.py"), default_timeout=CHART_SECONDS)
            app.query_params.update(view.filled(_search_id(round_)))
            if view.name != "searches":
                app.switch_page(f"{view.page or view.name}.py")
            started = time.perf_counter()
            app.run()
            taken = time.perf_counter() - started
            if app.exception or app.error:
                raise RuntimeError(f"{view.name} failed: {[e.value for e in [*app.exception, *app.error]]}")
            if round_:
                timing.server.append(taken)
                fixed.append(fixed_computation())
    owner.close()
    return fixed


def _leave(view: View, page: Page) -> Callable[[], None]:
    """To another page of ours; the click on the link that comes back."""
    own, other = TITLES.get(view.page or view.name), "Query" if view.name == "searches" else "Searches"
    page.get_by_role("link", name=other, exact=True).first.click()
    page.get_by_role("heading", name=other, exact=True, level=1).first.wait_for()
    page.locator(CHART).first.wait_for(state="detached")
    page.wait_for_timeout(1000)  # it is drawn whole
    grouped = own is not None and own.startswith("What-if")
    if grouped:
        page.get_by_text("What-if", exact=True).first.click()
    link = page.get_by_role("menuitem" if grouped else "link", name=own, exact=True).first
    link.wait_for()
    return link.click


def _one_chart_command(port: int) -> list[str]:
    return [sys.executable, "-m", "streamlit", "run", "benchmarks/one_chart.py", "--server.port", str(port)]


def _our_command(port: int) -> list[str]:
    return [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]


Peer = Callable[[Path, Options], tuple[Command, str, str]]  # -> command, what to wait for, path


def _optuna(folder: Path, options: Options) -> tuple[Command, str, str]:
    address = write_optuna(folder, options.size)
    command = [sys.executable, "-c", "from optuna_dashboard._cli import main; main()", address, "--port"]
    return (lambda port: [*command, str(port)]), CHART, "/dashboard/studies/1"


def _mlflow(folder: Path, options: Options) -> tuple[Command, str, str]:
    if options.mlflow is None:
        raise ImportError("needs --mlflow, a Python with the package mlflow installed (in an environment of its own)")
    address = write_mlflow(folder, options.size)
    command = [str(options.mlflow), "-m", "mlflow", "server", "--backend-store-uri", address, "--workers", "1"]
    path = "/#/experiments/1/runs?compareRunsMode=CHART&workflowType=machine_learning"  # ten runs are drawn
    return (lambda port: [*command, "--port", str(port)]), ".js-plotly-plot .scatterlayer .js-line", path


def _tensorboard(folder: Path, options: Options) -> tuple[Command, str, str]:
    logs = write_tensorboard(folder, options.size)
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs), "--port"]
    # With so many runs it selects none: its charts stand empty, and drawing ten curves would come on top.
    return (lambda port: [*command, str(port)]), "scalar-card line-chart svg", "/#timeseries"


PEERS: dict[str, Peer] = {"Optuna Dashboard": _optuna, "MLflow": _mlflow, "TensorBoard, empty": _tensorboard}


def _wait_for_store(url: str) -> None:
    """Until the store says the same twice, a second apart: then everything is read."""
    seen: list[bytes] = [b"", b" "]

    def settled() -> bool:
        with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
            seen[:] = [seen[1], answer.read()]
        time.sleep(1)
        return seen[0] == seen[1]

    until(settled, "the store goes on growing")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--trials", type=int, default=Size.trials)
    parser.add_argument("--epochs", type=int, default=Size.epochs)
    parser.add_argument("--val-images", type=int, default=Size.val_images)
    parser.add_argument("--test-images", type=int, default=Size.test_images)
    parser.add_argument("--rounds", type=int, default=Options.rounds, help="loads in Chromium, cold and warm")
    parser.add_argument("--server-rounds", type=int, default=Options.server_rounds)
    parser.add_argument("--work", type=Path, help="keep the large stores in this folder for the next run")
    parser.add_argument("--mlflow", type=Path, help="a Python with the package mlflow, to time its page too")
    parser.add_argument("--only", nargs="*", default=[], help="names of pages or peers (default: all)")
    given = parser.parse_args(argv)
    size = Size(given.trials, given.epochs, given.val_images, given.test_images)
    options = Options(size, given.rounds, given.server_rounds, given.work, given.mlflow, tuple(given.only))
    print(heading("CellAscent pages", 0), flush=True)
    print(report(options, measure(options)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
