"""A form with one image, read while it arrives: bounded in bytes and time, in memory alone.

Starlette's own form parser puts a file of over 1 MiB on the disk, and knows no limit of the whole.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from core.api.errors import ApiError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

IMAGE: Final = "image"
FIELDS: Final = ("model", "point")
MAX_IMAGE_BYTES: Final = 20 * 2**20
BODY_SECONDS: Final = 30.0  # in which the whole body has to arrive
_FRAME_BYTES: Final = 64 * 2**10  # headers, boundaries and the other fields
_FIELD_BYTES: Final = 200


@dataclass
class Form:
    """What was sent: the image's bytes, the name that its sender gave it, and the other fields."""

    image: bytes = b""
    image_name: str = ""
    fields: dict[str, str] = field(default_factory=dict)


async def read_form(request: Request) -> Form:
    """Read the body. Raises ApiError: 400, 408, 413, 415 or 422."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise ApiError(415, "unsupported_media_type", "Send the image as multipart/form-data, in the field image.")
    declared = request.headers.get("content-length", "0")
    if not declared.isascii() or not declared.isdigit() or int(declared[:20]) > MAX_IMAGE_BYTES + _FRAME_BYTES:
        raise _too_large()
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        seen = 0
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                seen += len(chunk)  # what was declared may be a lie, or missing
                if seen > MAX_IMAGE_BYTES + _FRAME_BYTES:
                    raise _too_large()
                parser.write(chunk)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise ApiError(400, "bad_form", "The body is not the multipart form that its header announces.") from error
    except TimeoutError as error:
        message = f"The body did not arrive within {BODY_SECONDS:.0f} s; send it again."
        raise ApiError(408, "too_slow", message, {"Connection": "close"}) from error
    except ClientDisconnect as error:
        raise ApiError(400, "gone", "The client left before its request was complete.") from error
    if not parts.ended:
        raise ApiError(400, "bad_form", "The form ends early; send it again.")
    return parts.form()


class _Parts:
    """The parts of a form, filled by the parser's callbacks."""

    def __init__(self) -> None:
        self.ended = False
        self._headers: dict[str, str] = {}
        self._header = [bytearray(), bytearray()]
        self._name, self._file_name = "", ""
        self._found: dict[str, bytearray] = {}

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._headers.clear, "on_header_field": self._take_header_name,
            "on_header_value": self._take_header_value, "on_header_end": self._end_header,
            "on_headers_finished": self._begin, "on_part_data": self._take, "on_end": self._end,
        }  # fmt: skip

    def form(self) -> Form:
        if IMAGE not in self._found:
            raise ApiError(422, "no_image", "The form has no field image; put the image file there.")
        fields = {}
        for name in FIELDS:
            try:
                fields[name] = self._found.get(name, bytearray()).decode().strip()
            except UnicodeDecodeError as error:
                raise ApiError(422, "bad_field", f"The field {name} is not text in UTF-8.") from error
        return Form(bytes(self._found[IMAGE]), self._file_name, fields)

    def _take_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0] += data[start:end]

    def _take_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1] += data[start:end]

    def _end_header(self) -> None:
        name, value = (one.decode("utf-8", "replace") for one in self._header)
        self._headers[name.lower()] = value
        self._header = [bytearray(), bytearray()]

    def _begin(self) -> None:
        disposition = self._headers.get("content-disposition", "")
        options = _options(disposition)
        self._name = options.get("name", "")
        if self._name not in (IMAGE, *FIELDS):
            known = ", ".join((IMAGE, *FIELDS))
            raise ApiError(422, "unknown_field", f"The form has a field that is not known; there are {known}.")
        if self._name in self._found:
            raise ApiError(422, "repeated_field", f"The field {self._name} is there more than once; send one.")
        if self._name == IMAGE:
            self._file_name = options.get("filename", "")
        self._found[self._name] = bytearray()

    def _take(self, data: bytes, start: int, end: int) -> None:
        found = self._found[self._name]
        found += data[start:end]
        if self._name != IMAGE and len(found) > _FIELD_BYTES:
            raise ApiError(422, "bad_field", f"The field {self._name} is longer than {_FIELD_BYTES} bytes.")
        if len(found) > MAX_IMAGE_BYTES:
            raise _too_large()

    def _end(self) -> None:
        self.ended = True


def _options(disposition: str) -> dict[str, str]:
    """Of a Content-Disposition; the parser of its packed form works in Latin-1."""
    _, options = parse_options_header(disposition.encode().decode("latin-1"))
    return {name.decode("latin-1"): value.decode("utf-8", "replace") for name, value in options.items()}


def _too_large() -> ApiError:
    limit = f"{MAX_IMAGE_BYTES // 2**20} MiB"
    return ApiError(413, "too_large", f"The image is above the limit of {limit}; crop or shrink it.")
