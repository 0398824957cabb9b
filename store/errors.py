"""What can go wrong with the store, each as one sentence for the person who meets it."""

from __future__ import annotations

from dataclasses import dataclass


class StoreError(ValueError):
    """The store cannot be used as asked; the message says what, where and what to do."""


@dataclass(frozen=True)
class Holder:
    """The process that has the store file: `kind` is "app", "ingest" or "another process"."""

    kind: str
    pid: int | None = None
    host: str | None = None

    def __str__(self) -> str:
        return self.kind if self.pid is None else f"{self.kind} (pid {self.pid})"


class StoreBusy(StoreError):
    """Another process has the store file."""

    def __init__(self, path: object, holder: Holder) -> None:
        super().__init__(f"The store {path} is held by {holder}: stop that process, or use another home folder.")
        self.holder = holder
