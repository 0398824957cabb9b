"""The ASGI application: the pages, the owner of the store beside them, /healthz, /api. Run: `streamlit run app.py`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from core.api.server import api_routes
from core.api.service import HomeService
from core.api.settings import Settings
from core.memory import share_free_memory
from core.paths import default_home
from pages.components.departed import Departed
from pages.components.guard import report
from pages.components.preload import Preload
from pages.components.whole_runs import keep_runs_whole
from store.owner import shared
from store.sandbox.desk import close_shared


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any]]:
    """Own the store from the first request to the last, so that no page has to wait for it."""
    owner = await asyncio.to_thread(shared, default_home())
    try:
        yield {}
    finally:
        await asyncio.to_thread(close_shared)
        await asyncio.to_thread(owner.close)


async def healthz(_: Request) -> JSONResponse:
    """Whether the server answers and how fresh the store is."""
    owner = shared(default_home())
    applied = owner.last_applied_at
    return JSONResponse(
        {
            "status": "ok",
            "store": owner.state,
            "store_version": owner.version,
            "last_applied_at": applied and f"{applied.isoformat()}Z",
        }
    )


def on_script_error(error: Exception) -> bool:
    """The last net: one sentence in the browser, the traceback in the log."""
    report(error)
    return True


share_free_memory()
keep_runs_whole()
MultiPartParser.spool_max_size = 256 * 2**20  # what people upload stays in memory; the server's limit is 200 MB

app = st.App(
    "pages/frame.py",
    lifespan=lifespan,
    routes=[Route("/healthz", healthz), *api_routes(HomeService(default_home()), Settings.of(os.environ))],
    middleware=[Middleware(Departed), Middleware(Preload)],
    on_script_error=on_script_error,
)
