"""A button with a label that puts a text on the clipboard, in the browser, without a run of the page."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

_HTML = '<button type="button"><span class="label"></span></button>'
_CSS = """
button {
    font: 400 0.875rem var(--st-font); color: var(--st-text-color); background: var(--st-background-color);
    border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, 0.6rem); cursor: pointer;
    padding: 0.25rem 0.75rem; min-height: 2.5rem; white-space: nowrap;
}
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""
# The clipboard belongs to pages from https or from this machine; elsewhere the old command still copies.
_JS = """
export default function ({ data, parentElement }) {
    const button = parentElement.querySelector("button");
    const label = button.querySelector(".label");
    label.textContent = data.label;
    const copy = async () => {
        if (navigator.clipboard) {
            await navigator.clipboard.writeText(data.text);
            return true;
        }
        const area = document.createElement("textarea");
        area.value = data.text;
        area.style.position = "fixed";
        document.body.appendChild(area);
        area.select();
        try { return document.execCommand("copy"); } finally { area.remove(); }
    };
    let back;
    button.onclick = async () => {
        let done = false;
        try { done = await copy(); } catch { done = false; }
        label.textContent = done ? "Copied" : "The browser refuses; select the text above";
        clearTimeout(back);
        back = setTimeout(() => { label.textContent = data.label; }, 2500);
    };
    return () => clearTimeout(back);
}
"""


def copy_button(label: str, text: str, *, key: str) -> None:
    """The button; a click says that it has copied, or that the browser refuses."""
    _component()(data={"label": label, "text": text}, key=key, width="content")


@cache
def _component() -> Any:
    """Registered once: Streamlit warns of a second time."""
    return st.components.v2.component("cellascent_copy", html=_HTML, css=_CSS, js=_JS)
