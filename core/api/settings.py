"""How the API is switched on and bounded: by the server's environment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TOKEN: Final = "CELLASCENT_API_TOKEN"
PER_MINUTE: Final = "CELLASCENT_API_PER_MINUTE"
LEAST_TOKEN: Final = 16  # characters; a shorter one could be guessed
USUAL_PER_MINUTE: Final = 120.0
PLACES: Final = 24  # requests that may send an image, wait for their reading or be read at once; 20 MiB each


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    Attributes:
        token: empty: the API is off, and `off` says what to do.
        per_minute: requests of one client.
        places: readings under way at once.
    """

    token: bytes = b""
    off: str = ""
    per_minute: float = USUAL_PER_MINUTE
    places: int = PLACES

    @staticmethod
    def of(environment: Mapping[str, str]) -> Settings:
        """Read CELLASCENT_API_TOKEN and CELLASCENT_API_PER_MINUTE; what cannot be used switches the API off."""
        how = (
            f"set {TOKEN} to a secret of {LEAST_TOKEN} or more characters in the server's environment and start it anew"
        )
        token, off = environment.get(TOKEN, "").strip(), ""
        if not token:
            off = f"The API is off; {how}."
        elif len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
            off = f"The API is off, as its token is too short or not plain ASCII; {how}."
        asked = environment.get(PER_MINUTE, "").strip()
        try:
            per_minute = float(asked or USUAL_PER_MINUTE)
        except ValueError:
            per_minute = math.nan
        if not off and not (math.isfinite(per_minute) and per_minute > 0):
            off = f"The API is off, as {PER_MINUTE} is not a number above 0; correct it and start the server anew."
        return Settings(b"", off) if off else Settings(token.encode(), "", per_minute)
