"""Pages run by Streamlit's AppTest, each test on its own home folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from store.owner import shared

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"searches": "searches.py", "search": "search.py", "evaluate": "evaluate.py", "predict": "predict.py"}
PAGES |= {"compare": "compare.py"}
PAGES |= {"whatif_decision": "whatif_decision.py", "whatif_fusion": "whatif_fusion.py"}
PAGES["whatif_search"] = "whatif_search.py"
PAGES["query"] = "query.py"
PAGES["data"] = "data.py"

OpenPage = Callable[..., AppTest]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home folder that the pages use; its store closes at the end.

    The store has read what a test wrote before each run of a page, as it has by the time at which a person clicks. What
    a page itself writes while it runs it must wait for itself.
    """
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
