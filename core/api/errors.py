"""Every error of the API has one form: {"error": {"code", "message"}} with a sentence for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_BY_STATUS: Final = {  # of what the router itself refuses
    404: ("not_found", "There is nothing at this address; GET /api/models and POST /api/readings are what there is."),
    405: (
        "method_not_allowed",
        "This address does not take this method; the header Allow names the one that it takes.",
    ),
}


class ApiError(Exception):
    """An answer other than the one that was asked for.

    Attributes:
        status: of HTTP.
        code: for programs; stays the same when the sentence does not.
        headers: that go with the answer.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers or {})


def later(status: int, code: str, message: str, seconds: float) -> ApiError:
    """An error that is gone after a while, which Retry-After names in whole seconds."""
    return ApiError(status, code, message, {"Retry-After": str(max(1, int(-(-seconds // 1))))})


def answer(error: Exception) -> JSONResponse:
    """The answer to an error; one that is not foreseen says no more than that."""
    if isinstance(error, HTTPException):
        code, message = _BY_STATUS.get(error.status_code, ("refused", "The request is not one that is answered here."))
        error = ApiError(error.status_code, code, message, error.headers)
    if not isinstance(error, ApiError):
        error = ApiError(500, "internal", "Something went wrong on the server; its log says what.")
    content = {"error": {"code": error.code, "message": error.message}}
    return JSONResponse(content, error.status, {**HEADERS, **error.headers})
