"""What a person tells a search from outside: launch, stop, cancel, resume, train other points, delete.

Stop and cancel are small files that the controller reads; resume starts a controller; delete is a record, after which
the owner of the store removes the files.
"""

from __future__ import annotations

import contextlib
import json
import math
import shlex
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.locks import holder
from core.paths import log_file, new_search_id, search_folder, search_lock
from core.search.gseca import Point
from core.search.launcher import spawn
from core.search.points import point_text
from core.search.settings import SearchSettings
from store.journal import HOME_JOURNAL, JournalWriter, journal_folder, replay, write_durably

STOP = "stop"
CANCEL = "cancel"


class CommandError(ValueError):
    """A command makes no sense now; the message says why."""


def commanded(home: Path, search_id: str) -> str | None:
    """The pending command: CANCEL, STOP or None."""
    folder = search_folder(home, search_id)
    return next((name for name in (CANCEL, STOP) if (folder / name).exists()), None)


def clear_commands(home: Path, search_id: str, before: float = math.inf) -> None:
    """Forget commands that were given before a time (seconds since 1970)."""
    for name in (CANCEL, STOP):
        file = search_folder(home, search_id) / name
        with contextlib.suppress(FileNotFoundError):
            if file.stat().st_mtime < before:
                file.unlink()


def deleted(home: Path) -> set[str]:
    """The searches that were deleted, whether or not their files are gone yet."""
    records = replay(home, HOME_JOURNAL)
    return {str(record["search_id"]) for record in records if record["kind"] == "tombstone"}


def controller_pid(home: Path, search_id: str) -> int | None:
    """The process that runs the search, or None."""
    return holder(search_lock(home, search_id))


def launch(home: Path, settings: SearchSettings) -> str:
    """Start a search in the background and return its id. Raises SettingsError when a setting is unusable."""
    settings.check()
    settings = settings.absolute()
    search_id = new_search_id()
    folder = search_folder(home, search_id)
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / "settings.json", json.dumps(settings.to_json()).encode())
    _spawn_controller(home, search_id, ["--settings", str(folder / "settings.json"), "--search-id", search_id])
    return search_id


def resume(home: Path, search_id: str) -> None:
    """Start a controller that goes on with the search. Raises CommandError when one runs it already."""
    pid = controller_pid(home, search_id)
    if pid is not None:
        raise CommandError(f"Search {search_id} is already being run by process {pid}.")
    _spawn_controller(home, search_id, ["--resume", search_id])


def request_stop(home: Path, search_id: str) -> None:
    """Ask the search to stop after the current epoch. Raises CommandError when nothing runs it."""
    _command(home, search_id, STOP)


def request_cancel(home: Path, search_id: str) -> None:
    """Ask the search to end at once; whole epochs are kept. Raises CommandError when nothing runs it."""
    _command(home, search_id, CANCEL)


def train_points(home: Path, search_id: str, points: Sequence[Point]) -> None:
    """Train other points of a finished search in the background. Raises CommandError when something runs it."""
    pid = controller_pid(home, search_id)
    if pid is not None:
        raise CommandError(f"Search {search_id} is already being run by process {pid}.")
    _spawn(home, search_id, "what-if", _what_if(home, search_id, points))


def what_if_command(home: Path, search_id: str, points: Sequence[Point]) -> str:
    """The command line that trains other points of a finished search."""
    return shlex.join(["python", "-m", *_what_if(home, search_id, points)])


def delete(home: Path, search_id: str) -> None:
    """Delete a search for good. Raises CommandError while something runs it."""
    pid = controller_pid(home, search_id)
    if pid is not None:
        raise CommandError(f"Search {search_id} is being run by process {pid}; stop or cancel it first.")
    journal = JournalWriter(journal_folder(home), "delete")
    journal.append("tombstone", search_id=search_id)
    journal.close()


def repeat_command(settings: SearchSettings) -> str:
    """The shortest command line that starts a search with these settings, here and now."""
    from core.search.arguments import to_arguments  # the parser is not needed elsewhere

    return shlex.join(["python", "-m", "core", "search", *to_arguments(settings)])


def exact_command(settings: SearchSettings, weights: str | None, device: str, threads: int) -> str:
    """The command line that repeats a search to the last bit: every setting, with what it settled in their place.

    Args:
        settings: as they were asked for, with absolute paths.
        weights: the file that its trials started from; None where they started from random weights.
        device: what it was trained on, "cpu" or "cuda".
        threads: CPU threads of each trial; one more gives other bits. How many trials ran at once does not.
    """
    from core.search.arguments import to_arguments

    settled = replace(settings, weights=weights or "none", device=device, threads=threads)
    return shlex.join(["python", "-m", "core", "search", *to_arguments(settled, whole=True)])


def _command(home: Path, search_id: str, name: str) -> None:
    if controller_pid(home, search_id) is None:
        raise CommandError(f"Nothing runs search {search_id} now, so there is nothing to {name}.")
    (search_folder(home, search_id) / name).touch()


def _what_if(home: Path, search_id: str, points: Sequence[Point]) -> list[str]:
    texts = [point_text(point) for point in points]
    return ["core", "what-if", "--home", str(home), search_id, "--points", *texts]


def _spawn_controller(home: Path, search_id: str, arguments: list[str]) -> None:
    _spawn(home, search_id, "controller", ["core", "search", "--home", str(home), *arguments])


def _spawn(home: Path, search_id: str, name: str, module: list[str]) -> None:
    process = spawn(module, log_file(home, search_id, name), nice=0)
    # Its end is taken note of, so that it does not stay in the process table as long as the app lives.
    threading.Thread(target=process.wait, daemon=True).start()
