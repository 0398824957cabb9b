"""`make run`: the dashboard, with a search under way on a folder or on sample cells."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import replace
from pathlib import Path

from core.learning.settings import SettingsError
from core.search.commands import controller_pid, deleted, launch, resume
from core.search.launcher import REPOSITORY
from core.search.settings import SAMPLE, SearchSettings, preset
from core.search.state import SearchState

ADDRESS = "127.0.0.1"


def serve(home: Path, data: str, port: int, *, with_search: bool) -> int:
    """See that a quick search on the data is there, then become the Streamlit server. Does not return on success.

    Raises SettingsError when the data are not there or the port is in use.
    """
    check_port(port)
    source = str(Path(data).absolute()) if data else SAMPLE
    if data and not Path(source).exists():
        raise SettingsError(f"DATA is {source}, which does not exist; give a folder, a zip or a MedMNIST .npz.")
    if with_search:
        print(ensure_search(home, replace(preset("quick"), data=source)))
    print(f"CellAscent opens at http://{ADDRESS}:{port} (stop it with Ctrl-C; searches go on).", flush=True)
    os.chdir(REPOSITORY)
    environment = os.environ | {"CELLASCENT_HOME": str(home), "OMP_NUM_THREADS": "1"}
    arguments = ["-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.address", ADDRESS]
    os.execve(sys.executable, [sys.executable, *arguments], environment)


def ensure_search(home: Path, settings: SearchSettings) -> str:
    """Launch a search with these settings, or resume the unfinished one of an earlier run; a sentence on which."""
    for search_id, state in searches(home):
        if state.fact is None or SearchSettings.from_json(state.fact["settings"]) != settings:
            continue
        status = state.event["status"] if state.event else "RUNNING"
        if controller_pid(home, search_id) is not None:
            return f"Search {search_id} is running."
        if status in ("COMPLETE", "STOPPED", "FAILED"):
            return f"Search {search_id} is {status.lower()}; start another from the Searches page."
        resume(home, search_id)
        return f"Search {search_id} was interrupted and goes on."
    return f"Search {launch(home, settings)} starts."


def searches(home: Path) -> list[tuple[str, SearchState]]:
    """All recorded searches, newest first, deleted ones left out."""
    found, gone = [], deleted(home)
    for folder in sorted((home / "searches").glob("s-*"), reverse=True):
        if folder.name in gone:
            continue
        state = SearchState(home, folder.name)
        state.update()
        found.append((folder.name, state))
    return found


def check_port(port: int) -> None:
    """Raise SettingsError when something already listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise SettingsError(
                f"Port {port} is in use; is CellAscent already open at http://{ADDRESS}:{port}? "
                f"Give another one: make run PORT={port + 1}."
            ) from error
