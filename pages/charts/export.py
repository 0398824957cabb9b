"""A figure as a page of its own, for a paper, a talk, a colleague."""

from __future__ import annotations

import html
import json
from typing import Any, Literal

import plotly.graph_objects as go

LIBRARY = "plotly.min.js"  # beside pages that share it
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font-family: "Open Sans", Verdana, Arial, sans-serif; color: #23283a; margin: 1.5rem auto; max-width: 1200px; }}
h1 {{ font-size: 1rem; font-weight: 600; margin: 0 1rem 1rem; }}
p {{ font-size: 0.8rem; margin: 1rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
{figure}
<p>Download as <button onclick="image('svg')">SVG</button> <button onclick="image('png')">PNG</button></p>
<script>
function image(format) {{
    const figure = document.querySelector(".js-plotly-plot");
    Plotly.downloadImage(figure, {{format, filename: {name}, width: figure.clientWidth, height: figure.clientHeight,
        scale: format === "png" ? 3 : 1}});
}}
</script>
</body>
</html>
"""


def as_page(
    figure: go.Figure, title: str, *, name: str = "figure", library: Literal["inside", "beside"] = "inside"
) -> str:
    """HTML that shows the figure, to be looked at and zoomed into like here, with buttons that give an SVG or a PNG.

    Args:
        name: of the SVG and the PNG.
        library: plotly's code "inside" makes the page 5 MB that works anywhere; "beside" expects LIBRARY in its folder.
    """
    shown = go.Figure(figure)
    # What Streamlit's theme gives the figure on the page; there is none here.
    shown.update_layout(template="plotly_white", font={"color": "#23283a", "size": 13}, autosize=True)
    source: bool | str = True if library == "inside" else LIBRARY
    bare = {"displayModeBar": False, "responsive": True}
    body: str = shown.to_html(full_html=False, include_plotlyjs=source, config=bare)
    return _PAGE.format(title=html.escape(title), figure=body, name=json.dumps(name).replace("<", "\\u003c"))


def camera(name: str) -> dict[str, Any]:
    """How plotly's own tools are shown: a camera alone, which gives the figure as it is seen, as SVG."""
    return {
        "displayModeBar": "hover",
        "modeBarButtonsToRemove": ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "resetScale2d",
                                   "select2d", "lasso2d"],
        "toImageButtonOptions": {"format": "svg", "filename": name},
    }  # fmt: skip


def library() -> str:
    """plotly's code, to lie beside pages made with library="beside"."""
    from plotly.offline import get_plotlyjs

    code: str = get_plotlyjs()
    return code
