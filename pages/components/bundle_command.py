"""`python -m core bundle SEARCH FILE.zip`: a search as a zip, from its journals, whether or not an app runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core.paths import default_home
from pages.components.bundle import write_bundle
from pages.components.bundle_tables import BundleError, SearchTables
from store.journal import open_durably
from store.single import store_of


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m core bundle", description="Write one search as a zip.")
    parser.add_argument("search", metavar="SEARCH", help="id of the search")
    parser.add_argument("file", metavar="FILE.zip", type=Path, help="a new file")
    parser.add_argument("--home", type=Path, default=None, help="where everything lives (CELLASCENT_HOME, ./var)")
    arguments = parser.parse_args(argv)
    try:
        print(bundle((arguments.home or default_home()).absolute(), arguments.search, arguments.file))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def bundle(home: Path, search_id: str, file: Path) -> str:
    """Write the zip; a sentence on it. Raises BundleError when the file exists or the search does not."""
    if file.exists():
        raise BundleError(f"{file} exists: name a new file.")
    with store_of(home, search_id) as connection:
        SearchTables(connection, search_id)  # refuses before a file is begun
        file.absolute().parent.mkdir(parents=True, exist_ok=True)
        with open_durably(file.absolute()) as target:
            write_bundle(connection, search_id, target)
    return f"Wrote {file}: search {search_id}, {file.stat().st_size / 1e6:.1f} MB."


if __name__ == "__main__":
    sys.exit(main())
