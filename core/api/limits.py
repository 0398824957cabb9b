"""How often may be asked, by one client and by all: token buckets."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

CLIENTS: Final = 1024  # remembered; the one that asked least recently is forgotten first
ALL: Final = 4  # times what one client may ask is what all together may
_BURST_SECONDS: Final = 15.0  # worth of requests that may come at once


class TokenBucket:
    """Lets `per_minute` through on average, and a quarter of them (at least one) at once."""

    def __init__(self, per_minute: float, now: float) -> None:
        self._rate = per_minute / 60
        self._most = max(1.0, self._rate * _BURST_SECONDS)
        self._tokens, self._at = self._most, now

    def wait(self, now: float) -> float:
        """Take one token; 0 when there was one, else the seconds until there is one (and none is taken)."""
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate

    def give_back(self) -> None:
        """The token that was taken last was not used."""
        self._tokens = min(self._most, self._tokens + 1)


class RateLimit:
    """One bucket a client, one for all, and one for the wrong tokens of all. For one thread, the event loop's.

    A client's address is what a proxy says that it is, and what runs on the server's machine may say so too: one that
    names itself anew each time has no bucket of its own to empty. The two for all hold whatever clients are called.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute, self._clock = per_minute, clock
        self._all = TokenBucket(ALL * per_minute, clock())
        self._wrong = TokenBucket(per_minute, clock())
        self._clients: OrderedDict[str, TokenBucket] = OrderedDict()

    def client(self, address: str) -> float:
        """As `TokenBucket.wait`, of one client."""
        bucket = self._clients.get(address)
        if bucket is None:
            while len(self._clients) >= CLIENTS:
                self._clients.popitem(last=False)
            bucket = self._clients[address] = TokenBucket(self._per_minute, self._clock())
        self._clients.move_to_end(address)
        return bucket.wait(self._clock())

    def everyone(self) -> float:
        """As `TokenBucket.wait`, of all clients together."""
        return self._all.wait(self._clock())

    def guess(self) -> float:
        """As `TokenBucket.wait`, for a token that is not yet compared: a right one is given back with `guessed`."""
        return self._wrong.wait(self._clock())

    def guessed(self) -> None:
        """The token was right, so it does not count."""
        self._wrong.give_back()
