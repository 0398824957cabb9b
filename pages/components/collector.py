"""Keeps the garbage collector's work small, which Streamlit asks for after every run of a page.

Torch, Plotly and the like leave hundreds of thousands of objects that live as long as the process. Looking at all of
them takes a good part of a second in which no other thread of the server moves, after each beat of each open page.
"""

from __future__ import annotations

import atexit
import gc
import sys
import time

AGAIN_SECONDS = 600.0

_loaded, _at = 0, 0.0  # modules that there were, and when, at the last call that did something


def spare_modules() -> None:
    """Where modules were loaded since the last time, or that is long ago: what lives now is not looked at again.

    What dies by its reference count still goes. A session that is alive at such a moment, being a cycle, is given back
    at the next one.
    """
    global _loaded, _at
    if len(sys.modules) > _loaded or time.monotonic() - _at > AGAIN_SECONDS:
        _loaded, _at = len(sys.modules), time.monotonic()
        gc.unfreeze()
        gc.collect()
        gc.freeze()


atexit.register(gc.unfreeze)  # libraries look at the end for what was not collected
