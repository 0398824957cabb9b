"""Whether the images of a search still are what they were, asked by a button: all of them are read for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit as st

from core.data.unchanged import check_files, same_archive
from pages.charts.wording import missing
from pages.components.data import read, record


def data_check(search: dict[str, Any], settings: dict[str, Any]) -> None:
    """Where the images lie, whether that place is there, and the button that compares them all."""
    dataset = None if missing(search["dataset_id"]) else record("dataset", search["dataset_id"])
    if dataset is None or missing(dataset["root"]):
        st.caption("Its images have not been read yet.")
        return
    source, root = Path(str(settings.get("data", ""))), Path(str(dataset["root"]))
    archive = source if source.suffix.lower() in (".zip", ".npz") else None
    gone = next((place for place in (archive, root) if place is not None and not place.exists()), None)
    key = f"data_check_{search['dataset_id']}"
    with st.container(horizontal=True, vertical_alignment="center"):
        if gone is not None:
            st.warning(f"The data are gone: there is nothing at {gone}.", icon=":material/folder_off:")
            return
        asked = st.button("Check the images", icon=":material/fact_check:", key="check_images")
        place = st.empty()
    if asked:
        bar = place.progress(0.0, "Comparing the images")
        st.session_state[key] = _compare(search, settings, root, archive, bar)
    if key in st.session_state:
        same, sentence = st.session_state[key]
        (place.success if same else place.warning)(sentence)
    else:
        place.caption(f"Whether the images in {root} still are the same is only known after reading them all.")


def _compare(
    search: dict[str, Any], settings: dict[str, Any], root: Path, archive: Path | None, bar: Any
) -> tuple[bool, str]:
    when = f"Checked at {datetime.now(UTC):%H:%M:%S} UTC."
    if archive is not None and not same_archive(archive, root):
        return False, f"{archive} is not the file any more that was read then. {when}"
    images = read("images", search["dataset_id"])
    used = images[images["status"] == "ok"]
    left_out = set(images.loc[images["status"] != "ok", "path"])

    def tell(done: int, total: int) -> None:
        if done % 50 == 0:
            bar.progress(done / total, f"Comparing the images: {done:,} of {total:,}")

    known = dict(zip(used["path"], used["sha256"], strict=True))
    found = check_files(root, known, None if settings.get("per_class") else left_out, tell)
    return found.same, f"{found.sentence()} {when}"
