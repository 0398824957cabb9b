"""An image in a frame of fixed size, larger or smaller in it, with its pixels as they are or smoothed."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

FRAME = 380  # px
MOST = 720  # px, sides of the image that is sent to the browser
ZOOMS = {1: "1x", 2: "2x", 4: "4x"}
STYLE = f"""<style>
.cell-view {{ width: min({FRAME}px, 100%); aspect-ratio: 1; overflow: auto; border-radius: 0.6rem; display: flex;
  background: color-mix(in srgb, currentColor 6%, transparent); }}
.cell-view img {{ margin: auto; flex: none; object-fit: contain; display: block; }}
.cell-view.pixels img {{ image-rendering: pixelated; }}
</style>"""
# The middle of a zoomed image, where the cell is, comes into the middle of the frame.
CENTRED = """<script>for (const frame of document.querySelectorAll(".cell-view:not([data-centred])")) {
  frame.dataset.centred = "";
  frame.scrollTo((frame.scrollWidth - frame.clientWidth) / 2, (frame.scrollHeight - frame.clientHeight) / 2);
}</script>"""


def zoom_controls(key: str) -> tuple[int, bool]:
    """(how many times larger, whether smoothed) as chosen."""
    with st.container(horizontal=True, vertical_alignment="center"):
        zoom = st.segmented_control(
            "Zoom", list(ZOOMS), format_func=ZOOMS.__getitem__, default=1, required=True, key=f"{key}_zoom",
            label_visibility="collapsed",
        )  # fmt: skip
        smooth = st.toggle("Smooth", value=True, key=f"{key}_smooth", help="Off: each pixel of the image as a square.")
    return int(zoom or 1), smooth


def view(rgb: Any, alt: str, *, zoom: int = 1, smooth: bool = True) -> None:
    """Draw an image (H, W, 3) uint8; at 1x it fits the frame."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG", compress_level=1)
    source = base64.b64encode(file.getvalue()).decode()
    height, width = rgb.shape[:2]
    across, down = (100 * zoom * side / max(height, width) for side in (width, height))
    st.html(
        f'{STYLE}<div class="cell-view{"" if smooth else " pixels"}" tabindex="0" role="group" '
        f'aria-label="{escape(alt)}, {zoom}x"><img alt="{escape(alt)}" src="data:image/png;base64,{source}" '
        f'style="width: {across:.2f}%; height: {down:.2f}%"></div>{CENTRED if zoom > 1 else ""}',
        unsafe_allow_javascript=zoom > 1,
    )


def fitted(rgb: Any) -> Any:
    """The image, shrunk where it is larger than what is shown."""
    height, width = rgb.shape[:2]
    scale = MOST / max(height, width)
    if scale >= 1:
        return rgb
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))
