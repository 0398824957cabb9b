"""Pages run by Streamlit's AppTest, each test on its own home folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

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
    """A home folder that the pages use; its store closes at the end."""
    monkeypatch.setenv("CELLASCENT_HOME", str(tmp_path))
    yield tmp_path
    shared(tmp_path).close()


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
