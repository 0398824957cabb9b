"""The command line: `python -m core ...`."""

from __future__ import annotations

import argparse
import io
import json
import os
import select
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from core.paths import default_home, new_search_id
from core.search.settings import SearchSettings

# Commands that are a module each, with add_arguments and run.
MODULES = {
    "data": ("core.data.command", "read a data source: say what it holds, or import it"),
    "labels": ("core.evaluation.label_command", "find the labels of a dataset that are probably wrong"),
    "audit": ("core.evaluation.audit_command", "find what tells the classes of a dataset without looking at the cell"),
    "robustness": ("core.evaluation.robustness_command", "judge a trial on shifted images: stain, blur, JPEG, ..."),
    "external": ("core.evaluation.external_command", "judge final models by images from elsewhere"),
    "scope": (
        "core.evaluation.scope_command", "fit a score for images that show none of a trial's classes; judge it"
    ),
    "calibrate": ("core.prediction.calibrate_command", "make a model ready for readings"),
    "predict": ("core.prediction.predict_command", "read single images with a trained model"),
    "field": ("core.prediction.smear_command", "find the white cells of whole fields; measure how well they are found"),
    "export": ("core.prediction.export_command", "write a model's card, or its graph for ONNX Runtime"),
    "readings": ("core.prediction.readings_command", "how far a model's readings hold: calibration, referrals"),
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m core", description="CellAscent: GSECA searches on blood cells.")
    commands = parser.add_subparsers(dest="command", required=True)
    search = commands.add_parser("search", help="run a search here, or resume one")
    _add_search(search)
    what_if = commands.add_parser("what-if", help="train points of a finished search that it did not ask for")
    what_if.add_argument("search", metavar="SEARCH")
    what_if.add_argument(
        "--points",
        nargs="+",
        required=True,
        metavar="POINT",
        help="such as batch_size=10,epochs=28,learning_rate=0.001",
    )
    note = commands.add_parser("note", help="read or write the note and the tags of a search or a trial")
    note.add_argument("search", metavar="SEARCH")
    note.add_argument("--trial", help="of this trial, such as 02-epochs; without it: of the search")
    note.add_argument("--text", help="the note, Markdown; '' for none")
    note.add_argument("--tags", nargs="*", metavar="TAG", help="all its tags; none to take them away")
    compare = commands.add_parser("compare", help="the finished trials of searches as one table: results and costs")
    compare.add_argument("searches", metavar="SEARCH", nargs="+")
    compare.add_argument("--csv", metavar="FILE", type=Path, help="write the table there too, with every column")
    bundle = commands.add_parser("bundle", help="write one search as a zip: settings, data, tables, figures")
    bundle.add_argument("search", metavar="SEARCH")
    bundle.add_argument("file", metavar="FILE.zip", type=Path, help="a new file")
    modules = []
    for name, (module, words) in MODULES.items():
        own = commands.add_parser(name, help=words)
        import_module(module).add_arguments(own)
        modules.append(own)
    commands.add_parser("recipes", help="list the recipes against shortcuts that `search --recipe` takes")
    gather = commands.add_parser("gather", help="write the kept images that experts reviewed to a folder, to train on")
    gather.add_argument("folder", metavar="FOLDER", type=Path, nargs="?", help="a new folder; else one below the home")
    sample = commands.add_parser("sample", help="make synthetic sample cells")
    sample.add_argument("folder", type=Path)
    sample.add_argument("--per-class", type=int, default=60)
    sample.add_argument("--seed", type=int, default=0)
    app = commands.add_parser("app", help="open the dashboard, with a search running on DATA or on sample cells")
    app.add_argument("--data", default="", help="folder, zip or .npz for the first search; empty: sample cells")
    app.add_argument("--port", type=int, default=8501)
    app.add_argument("--no-search", action="store_true", help="only open the dashboard")
    store = commands.add_parser("store", help="rebuild, check, export or fill the store")
    from store import cli

    cli.add_store_commands(store.add_subparsers(dest="store_command", required=True))
    homes = (search, what_if, note, compare, bundle, gather, app, store, *modules)
    for each in homes:
        each.add_argument("--home", type=Path, default=None, help="where everything lives (CELLASCENT_HOME, ./var)")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a class name that the terminal cannot show is no error
    arguments = parser.parse_args(argv)
    if hasattr(arguments, "home"):
        arguments.home = (arguments.home or default_home()).absolute()
    try:
        code = int(_run(arguments))
        sys.stdout.flush()
        return code
    except ValueError as error:  # every error that a person can mend is one, with one sentence
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        if not _nobody_reads():
            raise
        return 1
    except OSError as error:  # such as a full disk; what the journal says is a sentence already
        where = f"{error.filename}: " if error.filename else ""
        print(f"It cannot go on: {where}{error.strerror}." if error.strerror else error, file=sys.stderr)
        return 1


def _nobody_reads() -> bool:
    """Whether the reader of the output is gone, as `| head` is when it has enough; then nothing more is written."""
    try:
        output = sys.stdout.fileno()
    except (OSError, ValueError):  # no file, as in a test
        return False
    watch = select.poll()
    watch.register(output, 0)  # errors are told whatever is asked for
    if not any(event & select.POLLERR for _, event in watch.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)  # Python flushes it once more at its end
    return True


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "search":
        return _search(arguments)
    if arguments.command == "what-if":
        from core.search.terminal import run_points

        return run_points(arguments.home, arguments.search, arguments.points)
    if arguments.command == "note":
        return _note(arguments)
    if arguments.command == "bundle":
        return _bundle(arguments)
    if arguments.command == "gather":
        return _gather(arguments)
    if arguments.command == "compare":
        csv = [] if arguments.csv is None else ["--csv", str(arguments.csv.absolute())]
        return _of_pages(arguments, ["compare_command", *arguments.searches, *csv])
    if arguments.command == "store":
        from store import cli

        return cli.run(arguments)
    if arguments.command == "app":
        from core.serve import serve

        return serve(arguments.home, arguments.data, arguments.port, with_search=not arguments.no_search)
    if arguments.command == "recipes":
        from core.learning.recipes import RECIPES, RECOMMENDED

        print("\n".join(f"{recipe.name:<22} {recipe.what}" for recipe in RECIPES.values()))
        print(f"Recommended where each class comes from one hospital: {RECOMMENDED} (docs/decisions/0009-recipes.md).")
        return 0
    if arguments.command == "sample":
        from core.data.sample import make_sample

        print(make_sample(arguments.folder, per_class=arguments.per_class, seed=arguments.seed))
        return 0
    module, _ = MODULES[arguments.command]
    return int(import_module(module).run(arguments))


def _note(arguments: argparse.Namespace) -> int:
    from core.noting import take_note
    from store.published import published_records

    wish = (arguments.search, arguments.trial, arguments.text, arguments.tags)
    print(take_note(arguments.home, *wish, published_records()))
    return 0


def _gather(arguments: argparse.Namespace) -> int:
    from core.prediction.gather import gather, new_folder
    from store import queries
    from store.single import store_of

    folder = arguments.folder.absolute() if arguments.folder else new_folder(arguments.home)
    with store_of(arguments.home) as connection:
        rows = queries.gatherable(connection.cursor()).to_dict("records")
    done = gather(arguments.home, rows, folder)
    print(done.words, *(f"  left out {reading_id}: {why}" for reading_id, why in done.left_out), sep="\n")
    return 0


def _bundle(arguments: argparse.Namespace) -> int:
    return _of_pages(arguments, ["bundle_command", arguments.search, str(arguments.file.absolute())])


def _of_pages(arguments: argparse.Namespace, command: list[str]) -> int:
    """Its tables and figures are those of the pages, which nothing here imports: a process of its own makes them."""
    from core.search.launcher import REPOSITORY

    module, *words = command
    whole = [sys.executable, "-m", f"pages.components.{module}", *words, "--home", str(arguments.home)]
    return subprocess.run(whole, cwd=REPOSITORY).returncode


def _add_search(parser: argparse.ArgumentParser) -> None:
    from core.search.arguments import add_arguments

    add_arguments(parser)
    parser.add_argument("--resume", metavar="SEARCH", help="go on with a recorded search")
    parser.add_argument("--settings", type=Path, help=argparse.SUPPRESS)  # what the launch form wrote
    parser.add_argument("--search-id", help=argparse.SUPPRESS)


def _search(arguments: argparse.Namespace) -> int:
    from core.search.arguments import from_arguments
    from core.search.terminal import run

    if arguments.resume:
        return run(arguments.home, arguments.resume, None)
    if arguments.settings:
        settings = SearchSettings.from_json(json.loads(arguments.settings.read_text()))
        settings.check()
    else:
        settings = from_arguments(arguments).absolute()
    return run(arguments.home, arguments.search_id or new_search_id(), settings)


if __name__ == "__main__":
    sys.exit(main())
