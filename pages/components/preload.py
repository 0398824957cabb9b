"""Tells the browser with a page's first bytes to fetch the chart library, which it would ask for only much later.

Streamlit's own page loads it when the first chart arrives: after its scripts, a WebSocket and the run of the page.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CHARTLESS = ("/", "/searches", "/query", "/predict")  # they show no chart at first


class Preload:
    """Middleware: a `Link` header (rel=modulepreload) on the HTML of pages that show a chart."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        link = _link() if scope["type"] == "http" and scope["path"] not in CHARTLESS else ""

        async def with_link(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("Link", link)
            await send(message)

        await self._app(scope, receive, with_link if link else send)


@cache
def _link() -> str:
    """The chart library as Streamlit ships it; empty where it lies elsewhere, and nothing is lost then."""
    scripts = Path(st.__file__).parent / "static" / "static" / "js"
    return ", ".join(f"<./static/js/{file.name}>; rel=modulepreload" for file in scripts.glob("PlotlyChart.*.js"))
