"""The routes below /api, their guard, and the places of readings under way."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.api.body import MAX_IMAGE_BYTES, read_form
from core.api.errors import HEADERS, ApiError, answer, later
from core.api.limits import RateLimit
from core.api.service import Service
from core.api.settings import Settings

log = logging.getLogger("cellascent.api")
T = TypeVar("T")

THREADS: Final = max(1, min(4, (os.cpu_count() or 1) - 1))  # images read at once: one core stays free for the pages
_DRAIN_SECONDS: Final = 5.0
_BUSY_SECONDS: Final = 2.0


def api_routes(service: Service, settings: Settings) -> list[BaseRoute]:
    """Everything at and below /api, as routes of a Starlette application."""
    api = Api(service, settings)
    return [Mount("/api", app=api), Route("/api", api)]


class Api:
    """ASGI application: who may ask, how often, and JSON whatever happens."""

    def __init__(self, service: Service, settings: Settings, limit: RateLimit | None = None) -> None:
        self._service, self._settings = service, settings
        self._limit = limit or RateLimit(settings.per_minute)
        self._taken = 0
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="api")
        self._router: ASGIApp = Router(
            [Route("/readings", self._readings, methods=["POST"]), Route("/models", self._models, methods=["GET"])],
            redirect_slashes=False, default=_nothing_here,
        )  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        body = _Body(receive)
        began = False

        async def sending(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            self._guard(Request(scope))
            await self._router(scope, body.receive, sending)
        except Exception as error:
            if not isinstance(error, (ApiError, HTTPException)):
                log.exception("The API could not answer")
            if began:
                raise
            await body.drain()
            await answer(error)(scope, receive, send)

    def _guard(self, request: Request) -> None:
        """Raises ApiError for who may not ask, or not yet. Wrong tokens count too, so that none is guessed."""
        if not self._settings.token:
            raise ApiError(403, "api_off", self._settings.off)
        _pause(self._limit.client(request.client.host if request.client else ""))
        _pause(self._limit.guess())  # before it is compared: while it says 429, nobody learns whether a token is right
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.strip().encode("latin-1", "replace")
        if not hmac.compare_digest(given, self._settings.token) or scheme.lower() != "bearer":
            message = "Give the server's token in the header Authorization, as: Bearer TOKEN."
            raise ApiError(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})
        self._limit.guessed()
        _pause(self._limit.everyone())

    async def _models(self, _: Request) -> JSONResponse:
        return JSONResponse(await asyncio.to_thread(self._service.models), headers=HEADERS)

    async def _readings(self, request: Request) -> JSONResponse:
        if self._taken >= self._settings.places:
            raise later(503, "busy", "All places for readings are taken; ask again in a moment.", _BUSY_SECONDS)
        self._taken += 1  # before the body: a place bounds the memory that bodies take
        work: asyncio.Future[dict[str, Any]] | None = None
        try:
            form = await read_form(request)
            model, point = form.fields["model"], form.fields["point"]
            work = self._in_thread(lambda: self._service.read(form.image, form.image_name, model, point))
        finally:
            if work is None:
                self._taken -= 1
        return JSONResponse(await asyncio.shield(work), headers=HEADERS)

    def _in_thread(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """The place is free again when the work has ended, even where nobody waits for it any more."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(self._free)
        return future

    def _free(self, future: asyncio.Future[Any]) -> None:
        self._taken -= 1
        if not future.cancelled():
            future.exception()  # seen, also where its client is gone


class _Body:
    """What a request still has to send: many clients read no answer before they have sent everything."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._more = receive, True

    async def receive(self) -> Message:
        message = await self._receive()
        self._more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Take the rest and forget it, within bounds."""
        seen = 0
        with contextlib.suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while self._more and seen <= 2 * MAX_IMAGE_BYTES:
                    seen += len((await self.receive()).get("body", b""))


def _pause(seconds: float) -> None:
    if seconds > 0:
        raise later(429, "too_many_requests", "Too many requests; the header Retry-After says when to go on.", seconds)


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    raise HTTPException(404)
