"""What stands between the server and Streamlit: the chart library is announced early, a left browser is no error."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnected

from pages.components.departed import Departed
from pages.components.preload import Preload


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """In a thread of its own: another test's browser may have left an event loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, coroutine).result()


def headers(app: ASGIApp, path: str) -> dict[str, str]:
    """The headers of an answer to GET `path`."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "headers": []}
    run(app(scope, receive, send))  # type: ignore[arg-type]
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def test_a_page_with_a_chart_announces_the_chart_library_that_streamlit_has():
    link = headers(Preload(HTMLResponse("<html>")), "/evaluate")["link"]
    assert link.startswith("<./static/js/PlotlyChart.")
    assert link.endswith(".js>; rel=modulepreload")


@pytest.mark.parametrize(("answer", "path"), [(HTMLResponse("<html>"), "/"), (JSONResponse({}), "/evaluate")])
def test_nothing_else_does(answer: ASGIApp, path: str):
    assert "link" not in headers(Preload(answer), path)


@pytest.mark.parametrize("kind", ["websocket", "http"])
def test_only_a_web_socket_may_be_closed_already(kind: str):
    async def left(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise WebSocketDisconnected("closed")

    call = Departed(left)({"type": kind}, None, None)  # type: ignore[arg-type]
    if kind == "websocket":
        run(call)  # type: ignore[arg-type]
    else:
        with pytest.raises(WebSocketDisconnected):
            run(call)  # type: ignore[arg-type]
