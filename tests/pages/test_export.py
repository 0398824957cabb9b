"""The exports of a figure: made only when asked for, complete, and cheap on every run of a page."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from pages.charts import export as pages
from pages.charts import palette
from pages.components import export
from tests.pages.conftest import OpenPage
from tests.store.factory import write_search

FIGURE = palette.finish(go.Figure(go.Scatter(x=[1, 2, 3], y=[4.25, 5.5, 6.125], name="<b>série</b>")), height=300)


def test_a_page_holds_the_figure_its_title_and_the_library():
    page = pages.as_page(FIGURE, 'Loss & <accuracy> of "x"', name="s-1</script>")
    assert "<title>Loss &amp; &lt;accuracy&gt; of &quot;x&quot;</title>" in page
    assert "4.25,5.5,6.125" in page.replace(" ", "")
    assert len(page) > 4_000_000  # the library is inside
    assert not re.search(r'<script[^>]+src="http', page)  # and nothing is fetched
    script = page[page.rindex("<script>") :]
    assert script.count("</script>") == 1  # a name cannot end it
    assert FIGURE.layout.autosize is None  # the page's own figure is as it was


def test_a_page_beside_its_library_is_small():
    page = pages.as_page(FIGURE, "Loss", library="beside")
    assert len(page) < 20_000
    assert f'src="{pages.LIBRARY}"' in page
    assert "Plotly" in pages.library()


def test_numbers_keep_all_their_digits():
    values = np.random.default_rng(0).normal(size=50)
    page = pages.as_page(go.Figure(go.Scatter(x=np.arange(50), y=values)), "x", library="beside")
    encoded = re.search(r'"y":\{"dtype":"f8","bdata":"([^"]+)"', page.replace("\\u002f", "/").replace(" ", ""))
    assert encoded is not None
    assert np.array_equal(np.frombuffer(base64.b64decode(encoded[1])), values)


def test_every_figure_of_a_page_has_its_button(open_page: OpenPage, home: Path):
    search_id = write_search(home, trials=3, epochs=2)
    for page in ("search", "evaluate"):
        app = open_page(page, search=search_id)
        keys = exported(app)
        assert keys, f"{page} has no figure with an export"
        assert len(keys) == len(app.get("plotly_chart"))


def exported(app: AppTest) -> list[str]:
    return [button.key for button in app.download_button if str(button.key).startswith("export_")]


def test_it_costs_little_and_makes_nothing_unasked(monkeypatch: pytest.MonkeyPatch):
    made: list[str] = []
    monkeypatch.setattr(export, "as_page", lambda *_, **__: made.append("page") or "")
    app = AppTest.from_function(many_figures, default_timeout=60).run()
    began = time.perf_counter()
    app.run()
    seconds = time.perf_counter() - began
    assert not app.exception
    assert len(exported(app)) == 20
    assert made == []
    assert seconds < 2


def many_figures() -> None:
    from pages.components.drawing import show
    from tests.pages.test_export import FIGURE

    for number in range(20):
        show(FIGURE, key=f"f{number}", alt=f"Figure {number}")


def test_exports_bring_no_torch():
    code = "import sys, pages.components.drawing; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).resolve().parents[2])  # fmt: skip
    assert done.stdout.strip() == "False"
