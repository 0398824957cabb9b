"""Who has the store: a thread that carries journals into it and hands out cursors.

The lock of the DuckDB file elects the owner. An app that cannot get it reads the journals into memory instead, so its
pages are never empty, and takes the file over as soon as it is free. Exactly one StoreOwner a home and process.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from store import handover
from store.apply import READING_TABLES
from store.database import open_file, open_memory, prepare, store_file
from store.errors import Holder, StoreBusy, StoreError
from store.ingest import Ingestor
from store.removal import remove_files

ACTIVE_SECONDS = 0.05  # between two looks while records arrive
IDLE_SECONDS = 0.2  # and when none has come for IDLE_AFTER_SECONDS
IDLE_AFTER_SECONDS = 30.0
PAUSES = 3  # times what a transaction took passes until the next one, at most IDLE_SECONDS
RETRY_SECONDS = 3.0  # between two tries for the lock, or after a fault
STEP_ASIDE_SECONDS = 5.0  # that an app waits for an ingest process to go

CATCH_UP_SECONDS = 2.0  # that `start` spends on what the journals already hold

_shared: dict[Path, StoreOwner] = {}
_shared_lock = threading.Lock()
_open_here: set[Path] = set()  # closing a second handle on one of these files would drop its lock


def shared(home: Path, kind: str = "app") -> StoreOwner:
    """The process's one owner of a home folder, started at the first call.

    Raises StoreError when the store cannot be used at all (made by a newer version, say).
    """
    home = home.resolve()
    with _shared_lock:
        owner = _shared.get(home)
        if owner is None or owner.closed:
            owner = StoreOwner(home, kind)
            owner.start()
            _shared[home] = owner
            atexit.register(owner.close)
        return owner


class StoreOwner:
    """Keeps one database filled from the journals. All attributes may be read from any thread.

    Attributes:
        version: grows with every applied batch; what was read at one version need not be read again.
        research_version: grows with every applied batch that says anything but readings and reviews of them, of which a
            busy server has many a second.
        state: "owner" (of the file) or "memory" (another process, `holder`, has the file).
        holder: who has the file while the state is "memory"; None where nobody has but it cannot be used (`error`).
        error: one sentence on what hinders ingest now; None when all is well.
        last_applied_at: when the last record was applied (UTC), or None.
        closed: whether it has ended.
    """

    def __init__(self, home: Path, kind: str = "app") -> None:
        self.home, self.kind = home, kind
        self.version = 0
        self.research_version = 0
        self.state = "memory"
        self.holder: Holder | None = None
        self.error: str | None = None
        self.last_applied_at: datetime | None = None
        self.closed = False
        self._applied_clock = time.monotonic()
        self._try_file_at = 0.0
        self._ingest_at = 0.0
        self._remove_at = 0.0
        self._clean: set[str] = set()  # deleted searches whose files are gone
        self._stop = threading.Event()
        self._wake = threading.Event()  # ends a pause between two looks
        self._answer = threading.Condition()  # of `_answered`
        self._asked = self._answered = 0  # calls of `catch_up`, and how many of them have what they wait for
        self._lock = threading.Lock()  # of the connection
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._ingestor: Ingestor | None = None
        self._thread = threading.Thread(target=self._run, name="store-owner", daemon=True)

    # --- for everyone -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the store, take in what the journals hold (for a moment, the thread does the rest), and follow them.

        Raises StoreError when the store cannot be used at all, and, unless the kind is "app", StoreBusy.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            self._open_file()
        except StoreBusy as busy:
            if self.kind != "app":
                raise
            self._ask_to_step_aside(busy.holder)
        until = time.monotonic() + CATCH_UP_SECONDS
        while time.monotonic() < until and self._look():
            pass
        self._thread.start()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A new cursor for the calling thread: one thread, one cursor. Close it, or let it go, when done."""
        with self._lock:
            if self._connection is None:
                raise StoreError(f"The store of {self.home} is closed.")
            return self._connection.cursor()

    def catch_up(self, seconds: float) -> bool:
        """Wait until all that stands in the journals at the call is applied; False where that takes longer."""
        with self._answer:
            self._asked += 1
            mine = self._asked
            self._wake.set()
            self._answer.wait_for(lambda: self._answered >= mine or self.stopped, timeout=seconds)
            return self._answered >= mine

    @property
    def stopped(self) -> bool:
        """Whether it follows the journals no more: closed, or stepped aside."""
        return self._stop.is_set()

    @property
    def idle_seconds(self) -> float:
        """How long no record has come."""
        return time.monotonic() - self._applied_clock

    def close(self) -> None:
        """Stop following, write everything to the file and let go of it. A second call does nothing."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)
        self._close_database()
        self.closed = True

    # --- the thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            asked, began = self._asked, time.monotonic()
            taken = self._look(everything=asked > self._answered)
            behind = self._ingestor is None or self._ingestor.behind
            if taken is not None and not behind:
                self._answer_to(asked)
            if self.kind == "ingest" and handover.asked(self.home):
                break
            if not taken or not behind:
                self._wake.wait(self._pause(taken, time.monotonic() - began))
                self._wake.clear()
        self._stop.set()
        self._answer_to(self._answered)

    def _pause(self, taken: int | None, seconds: float) -> float:
        """Seconds until the next look, after one that took so long: a transaction costs as much for one record as for
        many, so those of a steady stream may gather."""
        if taken:
            return max(ACTIVE_SECONDS, min(PAUSES * seconds, IDLE_SECONDS))
        return ACTIVE_SECONDS if self.idle_seconds < IDLE_AFTER_SECONDS else IDLE_SECONDS

    def _answer_to(self, asked: int) -> None:
        with self._answer:
            self._answered = asked
            self._answer.notify_all()

    def _look(self, *, everything: bool = False) -> int | None:
        """Apply at most one transaction; the number of lines taken, of which there may be more, or None in trouble.

        With `everything` journals that have been quiet are looked at too. Faults become `error` and are tried again.
        """
        now = time.monotonic()
        try:
            if self.state == "memory" and now >= self._try_file_at:
                self._try_file_at = now + RETRY_SECONDS
                with contextlib.suppress(StoreBusy):
                    self._open_file()
            if now < self._ingest_at or self._ingestor is None:
                return None
            try:
                taken = self._ingestor.step(everything=everything)
            finally:  # of what failed, a part may have been applied
                self._note_applied(self._ingestor.written)
            if self.state == "owner" or self.holder is not None:
                self.error = None
            if self.state == "owner" and now >= self._remove_at:
                self._remove_deleted()
        except Exception as error:  # a full disk, a lost file: say so, go on trying, never end the thread
            self._fault(error)
            return None
        return taken

    def _note_applied(self, tables: set[str]) -> None:
        if not tables:
            return
        self.version += 1
        self.research_version += not tables <= READING_TABLES
        tables.clear()
        self.last_applied_at = datetime.now(UTC).replace(tzinfo=None)
        self._applied_clock = time.monotonic()

    def _remove_deleted(self) -> None:
        assert self._ingestor is not None
        for search_id in self._ingestor.tombstones - self._clean:
            self._remove_at = time.monotonic() + RETRY_SECONDS  # for those that something still runs
            if remove_files(self.home, search_id):
                self._clean.add(search_id)

    def _fault(self, error: Exception) -> None:
        self.error = f"The store takes nothing new at the moment: {str(error).strip().splitlines()[0]}"
        if self.state == "owner":
            self._ingest_at = time.monotonic() + RETRY_SECONDS
            if not self._usable():
                self._close_database()  # DuckDB gives a file up for good after some faults; it can be opened again
                self._read_into_memory()

    def _usable(self) -> bool:
        try:
            self.cursor().execute("SELECT count(*) FROM journal").fetchall()
        except (duckdb.Error, StoreError):
            return False
        return True

    # --- the database -----------------------------------------------------------------------------------------

    def _open_file(self) -> None:
        path = store_file(self.home)
        if path in _open_here:
            raise StoreError(f"The store {path} is already open in this process.")
        try:
            connection = open_file(path, home=self.home)
        except StoreError as error:
            self.holder = error.holder if isinstance(error, StoreBusy) else None
            raise
        _open_here.add(path)
        try:
            self._use(connection, "owner")
        except BaseException:
            connection.close()
            _open_here.discard(path)
            raise
        self.holder = None
        handover.note_owner(self.home, self.kind)

    def _read_into_memory(self) -> None:
        self._use(open_memory(), "memory")
        self._try_file_at = time.monotonic() + RETRY_SECONDS
        self._ingest_at = 0.0

    def _use(self, connection: duckdb.DuckDBPyConnection, state: str) -> None:
        prepare(connection)
        ingestor = Ingestor(connection.cursor(), self.home)
        if self._connection is not None:
            ingestor.poll()  # who looks at the present database must not see the next one fall back behind it
            ingestor.written.clear()
        with self._lock:  # what was there before is not closed: it goes when the last cursor on it does
            self._connection, self._ingestor, self.state = connection, ingestor, state
        self.version += 1
        self.research_version += 1

    def _close_database(self) -> None:
        with self._lock:
            connection, self._connection, self._ingestor = self._connection, None, None
        if connection is None:
            return
        if self.state == "owner":
            handover.forget_owner(self.home)
        with contextlib.suppress(duckdb.Error):
            connection.execute("CHECKPOINT")
        with contextlib.suppress(duckdb.Error):
            connection.close()  # and with it every cursor: the lock goes with the last of them
        if self.state == "owner":
            _open_here.discard(store_file(self.home))

    def _ask_to_step_aside(self, holder: Holder) -> None:
        """Wait a moment for an ingest process to let go of the file; without success go on in memory."""
        if holder.kind != "app":
            handover.ask(self.home)
            until = time.monotonic() + STEP_ASIDE_SECONDS
            while time.monotonic() < until:
                time.sleep(0.1)
                with contextlib.suppress(StoreBusy):
                    self._open_file()
                    return
            handover.withdraw(self.home)
        self._read_into_memory()
