"""What went wrong with a query, as one sentence for the person who wrote it."""

from __future__ import annotations

import re
import signal

from store.sandbox.limits import Limits

OUT_OF_REACH = "A query reads the store's tables only: files, other databases and extensions are out of its reach."
READING = "SELECT, FROM, WITH, VALUES, PIVOT, DESCRIBE, SUMMARIZE, SHOW, EXPLAIN"
_READS = {"SELECT", "MULTI"}  # MULTI: a PIVOT, which first asks for its columns
_MEMORY = ("Out of Memory", "bad_alloc", "bad allocation", "malloc of size", "realloc of size", "not enough memory")


def refusal(kinds: list[str]) -> str | None:
    """Why statements of these kinds are not run; None for the one that only reads."""
    if not kinds:
        return "There is no statement in this query: write one that reads, such as FROM trial."
    if len(kinds) > 1:
        return f"These are {len(kinds)} statements: run one at a time."
    if kinds[0] not in _READS:
        word = "" if kinds[0] == "OTHER" else f"; this is {kinds[0].replace('_', ' ')}"
        return f"Only statements that read are run here ({READING}){word}."
    return None


def explain(error: BaseException, limits: Limits, *, lines_before: int = 0) -> tuple[str, str | None]:
    """(sentence, where in the SQL as DuckDB marks it or None) of an error of DuckDB, Arrow or the system.

    `lines_before` is how many lines were put before the person's SQL.
    """
    text = str(error).partition("\n\nStack Trace")[0].strip()
    if isinstance(error, MemoryError | SystemError) or any(word in text for word in _MEMORY):
        return memory(limits), None
    if "file system operations are disabled" in text or "disabled through configuration" in text:
        return OUT_OF_REACH, None
    if "configuration has been locked" in text:
        return "The settings of this database are locked.", None
    if "read-only mode" in text:
        return "Nothing can be written here: this is a read-only copy of the store.", None
    head, _, where = text.partition("\n\n")
    if not re.match(r"LINE \d+:", where):
        where = ""
    where = re.sub(r"^LINE (\d+):", lambda found: f"LINE {int(found[1]) - lines_before}:", where)
    return " ".join(head.split()) or type(error).__name__, where or None


def memory(limits: Limits) -> str:
    return (
        f"The query needs more than the {limits.memory_mb} MB of memory that it may use: "
        "aggregate or filter before you join or sort, or select fewer columns."
    )


def too_slow(limits: Limits) -> str:
    return (
        f"The query was ended after {limits.seconds:g} s, its time limit: "
        "narrow it (WHERE, LIMIT), or aggregate before you join."
    )


def never_ready(seconds: float) -> str:
    return f"The query's process was not ready within {seconds:g} s: the machine is busy. Try again later."


CANCELLED = "The query was cancelled."


def ended(code: int, limits: Limits) -> str:
    """A process that ended without an answer. `code` as from `Popen.returncode`."""
    if -code in (signal.SIGABRT, signal.SIGKILL):  # a std::bad_alloc that nobody caught; the system's OOM killer
        return memory(limits)
    if -code == signal.SIGXCPU:
        return too_slow(limits)
    how = f"by signal {-code}" if code < 0 else f"with code {code}"
    return f"The process of the query ended {how} before it answered; the store is not affected. Try a simpler query."
