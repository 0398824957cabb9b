"""Widgets whose value stands in the address in a compact form of our own: the address is the only truth.

`held` gives a widget the value that the address says, before it is drawn; its `on_change` writes the address. Whatever
else changes the address (a button, a saved setting) calls `anew`: the widgets then have new keys, and a late message
of the browser about an old one changes nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

_GENERATION = "whatif_generation"


def put(**values: str | None) -> None:
    """Write parameters of the address; None takes one away."""
    for name, value in values.items():
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


def held(name: str, value: Any) -> str:
    """The key of a widget that is to show `value`."""
    key = key_of(name)
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    return key


def key_of(name: str) -> str:
    return f"{name}_{st.session_state.get(_GENERATION, 0)}"


def anew() -> None:
    """Draw all held widgets anew from the address."""
    st.session_state[_GENERATION] = st.session_state.get(_GENERATION, 0) + 1


def compact(numbers: Iterable[float]) -> str:
    """'0.2_0.05_1': numbers to four decimals, as an address can hold them without escapes."""
    return "_".join(f"{number:.4f}".rstrip("0").rstrip(".") for number in numbers)


def precise(numbers: Iterable[float]) -> str:
    """As `compact`, to twelve significant digits: for proportions, where a small number is not nearly 0."""
    return "_".join(f"{number:.12g}".replace("e+", "e") for number in numbers)


def numbers(text: str | None, count: int) -> tuple[float, ...] | None:
    """The numbers of `compact` or `precise`; None where there is no text or it does not hold `count` finite numbers."""
    try:
        found = tuple(float(part) for part in (text or "").split("_"))
    except ValueError:
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None


def unique(labels: dict[str, str]) -> dict[str, str]:
    """Labels by id, the id added to those that several share: a box tells its options apart by their labels."""
    counts = Counter(labels.values())
    return {one: label if counts[label] == 1 else f"{label} ({one})" for one, label in labels.items()}


def names(text: str | None) -> list[str]:
    """The names of `joined`, each once."""
    return list(dict.fromkeys(part for part in (text or "").split("~") if part))


def joined(parts: Sequence[str]) -> str:
    """Names in one parameter. Ids of searches and trials hold no '~'."""
    return "~".join(parts)
