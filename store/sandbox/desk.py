"""Where queries are handed in: each gets a snapshot, waits for its turn, and runs in a process of its own."""

from __future__ import annotations

import atexit
import logging
import shutil
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

from store.errors import StoreError
from store.owner import StoreOwner
from store.owner import shared as shared_owner
from store.sandbox.folder import OwnFolder
from store.sandbox.limits import AT_ONCE, Limits
from store.sandbox.query import Outcome, Query
from store.sandbox.sentences import CANCELLED
from store.snapshot import Snapshots

KEPT_RESULTS = 16  # finished queries whose results stay on the disk, over all people
KEPT_BYTES = 2 * 2**30  # and their size together
FAULT = "The query could not be run; the server's log says why. The store is not affected."

log = logging.getLogger("cellascent.query")
_shared: dict[Path, Desk] = {}
_shared_lock = threading.Lock()


def shared(home: Path) -> Desk:
    """The process's one desk of a home folder, made at the first call. Raises OSError when the disk refuses."""
    home = home.resolve()
    with _shared_lock:
        desk = _shared.get(home)
        if desk is None or desk.closed:
            desk = _shared[home] = Desk(home, lambda: shared_owner(home))
            atexit.register(desk.close)
        return desk


def close_shared() -> None:
    """End all queries of this process and remove what they left; for a server that ends by a signal."""
    for desk in list(_shared.values()):
        desk.close()


class Desk:
    """Runs queries on snapshots of one store. Safe to use from several threads.

    Args:
        owner: gives the present owner of the store.
        limits: of each query.
        at_once: how many run at the same time.
    """

    def __init__(
        self, home: Path, owner: Callable[[], StoreOwner], *, limits: Limits | None = None, at_once: int = AT_ONCE
    ) -> None:
        self.limits = limits or Limits()
        self.closed = False
        self._folder = OwnFolder(home)
        self.snapshots = Snapshots(self._folder.path, owner)
        self._turns = threading.Semaphore(at_once)
        self._lock = threading.Lock()
        self._number = 0
        self._queries: list[weakref.ref[Query]] = []  # in the order in which they were started

    def start(self, sql: str, *, fresh: bool = False) -> Query:
        """Start a query in the background; its result lives as long as somebody holds the returned object.

        Args:
            fresh: on a snapshot of now, if the store has anything new.
        """
        with self._lock:
            self._number += 1
            folder = self._folder.path / f"result-{self._number}"
            query = Query(sql, folder, self.limits)
            self._queries = [ref for ref in self._queries if ref() is not None]
            self._queries.append(weakref.ref(query))
        weakref.finalize(query, shutil.rmtree, folder, ignore_errors=True)
        threading.Thread(target=self._run, args=(query, fresh), name=folder.name, daemon=True).start()
        return query

    def close(self) -> None:
        """End all queries and remove snapshots and results. A second call does nothing."""
        self.closed = True
        for query in self._alive():
            query.discard()
        self._folder.remove()

    def _run(self, query: Query, fresh: bool) -> None:
        try:
            query.finish(self._outcome(query, fresh))
        except (StoreError, OSError) as error:
            query.finish(Outcome(error=str(error)))
        except Exception as error:
            log.error("A query failed", exc_info=error)
            query.finish(Outcome(error=FAULT))
        self._make_room()

    def _outcome(self, query: Query, fresh: bool) -> Outcome:
        with self.snapshots.lease(fresh=fresh) as snapshot:
            query.snapshot = snapshot
            query.enter("waiting")
            while not self._turns.acquire(timeout=0.05):
                if query.cancelled:
                    return Outcome(error=CANCELLED)
            try:
                return query.run(snapshot)
            finally:
                self._turns.release()

    def _make_room(self) -> None:
        """Remove the oldest results above the bounds."""
        done = [query for query in self._alive() if query.stage == "done" and not query.gone]
        used = sum(query.outcome.bytes for query in done if query.outcome)
        while len(done) > KEPT_RESULTS or (used > KEPT_BYTES and len(done) > 1):
            oldest = done.pop(0)
            used -= oldest.outcome.bytes if oldest.outcome else 0
            oldest.discard()

    def _alive(self) -> list[Query]:
        with self._lock:
            return [query for ref in self._queries if (query := ref()) is not None]
