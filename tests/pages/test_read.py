"""What is read once for each version of the store is read anew when what it reads has changed."""

from __future__ import annotations

import inspect
import re

from pages.components.data import READINGS
from store import queries

OFTEN = re.compile(r"\b(?:FROM|JOIN)\s+(?:reading|review|reviewed_reading|journal)\b")


def test_all_queries_of_what_changes_with_a_reading_are_read_anew_with_each():
    found = {name for name in queries.__all__ if OFTEN.search(inspect.getsource(getattr(queries, name)))}
    assert found == READINGS
