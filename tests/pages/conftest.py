"""Pages run by Streamlit's AppTest, each test on its own home folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from store.database import store_file
from store.owner import shared

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"searches": "searches.py", "search": "search.py", "evaluate": "evaluate.py", "predict": "predict.py"}
PAGES |= {"compare": "compare.py"}
PAGES |= {"whatif_decision": "whatif_decision.py", "whatif_fusion": "whatif_fusion.py"}
PAGES["whatif_search"] = "whatif_search.py"
PAGES["query"] = "query.py"
PAGES["data"] = "data.py"
PAGES["history"] = "history.py"
PAGES["batch"] = "batch.py"
PAGES["field"] = "field.py"

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def installed_components() -> Iterator[None]:
    """AppTest searches all installed packages for components once a page, for longer than most pages take to draw."""
    found = manifest_scanner.scan_component_manifests()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda: found)
        yield


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store with its tables and the published search, and nothing else."""
    home = tmp_path_factory.mktemp("empty")
    shared(home).close()
    return store_file(home)


@pytest.fixture
def home(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder that the pages use; its store closes at the end.

    The store has read what a test wrote before each run of a page, as it has by the time at which a person clicks. What
    a page itself writes while it runs it must wait for itself.
    """
    shutil.copy(empty_store, store_file(tmp_path))  # making the tables takes longer than most of what is tested
    monkeypatch.setenv("CELLASCENT_HOME", str(tmp_path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AppTest, "_run", _after_the_store(tmp_path, AppTest._run))
        yield tmp_path
    shared(tmp_path).close()


def _after_the_store(home: Path, run: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def caught_up(*arguments: Any, **options: Any) -> AppTest:
        assert shared(home).catch_up(60)
        return run(*arguments, **options)

    return caught_up


@pytest.fixture
def open_page(home: Path) -> OpenPage:
    """`open_page("search", search="s-...")` runs that page inside the frame, with these query parameters."""

    def run(name: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "pages" / "frame.py"), default_timeout=60)
        app.query_params.update(query)
        if name != "searches":
            app.switch_page(PAGES[name])
        app.run()
        assert not app.exception
        return app

    return run
