"""Keeps the garbage collector's work small, which Streamlit asks for after every run of a page.

Torch, Plotly and the like leave half a million objects that live as long as the process. To look at them all takes more
than half a second in which no other thread of the server moves, after each beat of each open page.
"""

from __future__ import annotations

import atexit
import gc
import sys

_loaded = 0  # modules that the last call found


def spare_modules() -> None:
    """Where modules were loaded since the last call: what lives now is not looked at again.

    What dies by its reference count still goes. Of the few objects of sessions that are alive at such a moment, those
    that end in a cycle are kept, which happens a few times in the life of a process.
    """
    global _loaded
    if len(sys.modules) > _loaded:
        _loaded = len(sys.modules)
        gc.collect()
        gc.freeze()


atexit.register(gc.unfreeze)  # libraries look at the end for what was not collected
