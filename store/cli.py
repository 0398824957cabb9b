"""`python -m core store rebuild|check|export|ingest`: the commands' arguments and words."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from store.errors import StoreError
from store.maintain import check, export, rebuild
from store.serve import IDLE_EXIT_SECONDS, run_ingest


def add_store_commands(commands: Any) -> None:
    """Add the four commands to the result of `ArgumentParser.add_subparsers(dest="store_command")`."""
    rebuilt = commands.add_parser("rebuild", help="make the store file anew from the journals")
    checked = commands.add_parser("check", help="compare the journals with their checksums and with the store")
    into = commands.add_parser("export", help="write a copy for notebooks, while an app may run")
    into.add_argument("target", type=Path, help="a new file *.duckdb, or a new folder for Parquet files")
    ingest = commands.add_parser("ingest", help="carry journals into the store until an app does")
    ingest.add_argument("--idle-exit", type=float, default=IDLE_EXIT_SECONDS, metavar="SECONDS",
                        help="end when no record has come for so long (default %(default)g)")  # fmt: skip
    for each in (rebuilt, checked, into, ingest):  # also where the parser above has the option
        each.add_argument("--home", type=Path, default=argparse.SUPPRESS, help="where everything lives")


def run(arguments: argparse.Namespace) -> int:
    """Run one of the commands: `arguments.store_command` on `arguments.home`. Returns the exit code.

    0 is success; 1 a difference found by check, or a refusal (a sentence on stderr says why); 2 from check means
    that the journals are well but the store could not be compared.
    """
    try:
        if arguments.store_command == "rebuild":
            print(rebuild(arguments.home))
        elif arguments.store_command == "export":
            print(export(arguments.home, arguments.target))
        elif arguments.store_command == "check":
            return check(arguments.home, print)
        else:
            return run_ingest(arguments.home, idle_exit_s=arguments.idle_exit)
    except (StoreError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0
