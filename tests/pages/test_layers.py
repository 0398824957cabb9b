"""What pages may import: no SQL, no torch, no chart building in them, and no Streamlit below them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "pages").glob("*.py"))
COMPONENTS = sorted((ROOT / "pages" / "components").glob("*.py"))
CHARTS = sorted((ROOT / "pages" / "charts").glob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level packages that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", [*PAGES, *COMPONENTS], ids=lambda path: path.name)
def test_pages_query_through_the_store_and_draw_through_charts(path: Path):
    assert not imported(path) & {"duckdb", "torch", "plotly", "timm", "sklearn"}


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: path.name)
def test_charts_know_no_streamlit_and_no_store(path: Path):
    assert not imported(path) & {"streamlit", "store", "duckdb", "torch"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_short(path: Path):
    assert len(path.read_text().splitlines()) <= 110


def test_no_page_but_predict_brings_torch(tmp_path: Path):
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "for page in ('searches.py', 'search.py', 'compare.py', 'evaluate.py', 'whatif_search.py',\n"
        "             'whatif_decision.py', 'whatif_fusion.py', 'query.py', 'data.py', 'history.py', 'batch.py',\n"
        "             'field.py'):\n"
        "    app = AppTest.from_file('pages/frame.py', default_timeout=60)\n"
        "    app.switch_page(page)\n"
        "    assert not app.run().exception\n"
        "import app, pages.components.launch\n"
        "print('torch' in sys.modules)\n"
    )
    environment = {"CELLASCENT_HOME": str(tmp_path), "PATH": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.strip().endswith("False"), done.stderr
