"""The export of a figure: SVG by the camera in its corner, as it is seen; HTML by the button beside the camera."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.charts.export import as_page, camera

# Both lie over the figure's upper right corner, where they show when the pointer is on the figure or the keyboard
# reaches them, and always where there is neither. They take no room, so a page full of figures stays calm.
_STYLE = """<style>
[class*="st-key-figure_"] { position: relative; }
[class*="st-key-export_"] {
    position: absolute !important; top: 0; right: 0; width: auto !important; z-index: 2;
    opacity: 0; transition: opacity 0.15s;
}
[class*="st-key-figure_"]:hover [class*="st-key-export_"], [class*="st-key-export_"]:focus-within { opacity: 1; }
[class*="st-key-export_"] button { min-height: 1.6rem; padding: 0 0.3rem; }
[class*="st-key-export_"] button * { font-size: 0.8rem; }
[class*="st-key-figure_"] .modebar { right: 3.4rem !important; }
@media (hover: none) { [class*="st-key-export_"] { opacity: 0.7; } }
</style>"""


def tools(key: str) -> dict[str, Any]:
    """The configuration of plotly's own tools for the figure of a key."""
    return camera(_name(key))


def button(figure: Any, *, key: str, title: str) -> None:
    """The button that downloads the figure as a page of its own, which is made when it is pressed."""
    name = _name(key)
    st.html(_STYLE)
    st.download_button(
        "HTML", lambda: as_page(figure, title, name=name), f"{name}.html", "text/html", icon=":material/download:",
        type="tertiary", on_click="ignore", key=f"export_{key}",
        help="The figure as an interactive page that works offline and gives SVG and PNG. The camera: SVG as seen.",
    )  # fmt: skip


def _name(key: str) -> str:
    """Of the file: what the figure is about, as far as the address says it."""
    about = st.query_params.get("trial") or st.query_params.get("search")
    return key if about is None else f"{about}-{key}"
