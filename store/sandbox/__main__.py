"""`python -m store.sandbox`: one query. The request is a line of JSON on stdin; "running" on stdout begins the time."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from store.sandbox.child import answer, open_locked
from store.sandbox.confine import confine, die_with_parent
from store.sandbox.limits import Limits


def main() -> None:
    request = json.loads(sys.stdin.buffer.readline())
    die_with_parent()
    limits = Limits(**request["limits"])
    confine(limits)
    folder = Path(request["folder"])
    os.chdir(folder)
    connection = open_locked(Path(request["snapshot"]), folder, limits)
    print("running", flush=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on; a full pipe would be a standstill
    outcome = answer(connection, request["sql"], folder, limits)
    fresh = folder / "outcome.new"
    fresh.write_text(json.dumps(outcome))
    fresh.replace(folder / "outcome.json")
    os._exit(0)  # whatever a half-read result still holds is not worth tidying up


if __name__ == "__main__":
    main()
