"""Which image Predict reads: a person's own, or one of a data set's test split, chosen without seeing its class.

`?dataset=` (where it is not the search's own) and `?image=` in the address name the sample.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.data.intake import IntakeError
from core.data.preview import image_file
from pages.charts.wording import missing
from pages.components.data import read, record
from pages.components.notes import plain
from pages.components.whatif_address import put, unique

DATASET, IMAGE = "dataset", "image"  # in the address
SOURCES = {"sample": "From a dataset", "upload": "Own image"}
TYPES = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "gif"]
MOST = 40  # MB
ON_RECORD = "Every reading on this page goes on record at once."


@dataclass(frozen=True)
class ImageFile:
    """The bytes of one file. `path` and `label` are those in its data set, for after the reading; `keep`: as ticked."""

    content: bytes
    name: str
    keep: bool
    path: str | None = None
    label: str | None = None


def image_choice(own_dataset: Any) -> ImageFile | None:
    """Controls to choose an image; None while there is none. Raises IntakeError where a sample cannot be read.

    `own_dataset` is that of the search, the first choice.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = st.segmented_control(
            "Image", list(SOURCES), format_func=SOURCES.__getitem__, default="sample", required=True, key="image_source"
        )
        if source == "sample":
            sample = _sample(own_dataset)
    if source == "sample":
        if sample is not None:
            st.caption(ON_RECORD)
        return sample
    file = st.file_uploader("One image of one cell", type=TYPES, key="image_upload", max_upload_size=MOST)
    st.caption(ON_RECORD)
    if file is None:
        return None
    return ImageFile(file.getvalue(), file.name, _keep_box(file.getvalue()))


def _keep_box(content: bytes) -> bool:
    """A box of this image's own: a tick for one image keeps no other one."""
    return st.checkbox(
        "Keep the image", key=f"image_keep_{hashlib.sha256(content).hexdigest()[:16]}", width="content",
        help="Every reading goes on record with the image's hash and size. The image itself is kept only where this is "
        "ticked; only then can it be looked at again, and gathered for the next training.",
    )  # fmt: skip


def _sample(own_dataset: Any) -> ImageFile | None:
    dataset_id = _dataset_box(None if missing(own_dataset) else str(own_dataset))
    dataset = None if dataset_id is None else record("dataset", dataset_id)
    images = pd.DataFrame() if dataset_id is None else _test_images(dataset_id)
    if dataset is None or images.empty or not Path(str(dataset["root"])).is_dir():
        st.caption("The images of these data are not on this machine; choose others, or an image of your own.")
        return None
    row = images.loc[_image_box(list(images.index))]
    try:
        content = image_file(Path(str(dataset["root"])), str(row["path"])).read_bytes()
    except (OSError, ValueError) as error:
        raise IntakeError(f"Image {row.name} cannot be read any more; choose another one.") from error
    return ImageFile(content, Path(str(row["path"])).name, _keep_box(content), str(row["path"]), str(row["class"]))


def _dataset_box(own: str | None) -> str | None:
    rows = read("datasets")
    rows = rows[rows["root"].notna() & (rows["images"] > 0)]
    named = zip(map(str, rows["dataset_id"]), rows["name"], strict=True)
    names = unique({dataset_id: _whose(dataset_id, name) for dataset_id, name in named})
    if not names:
        return None
    asked = st.query_params.get(DATASET)
    if asked and asked not in names:
        st.toast(f"There is no dataset {plain(asked)} with images here.", icon=":material/search_off:")
        asked = None
    picked = asked or (own if own in names else next(iter(names)))
    key = f"sample_dataset_{picked}_{names[picked]}"
    st.selectbox(
        "Of", list(names), index=list(names).index(picked), format_func=names.__getitem__, key=key,
        on_change=_dataset_changed, args=(key, own), width=320,
    )  # fmt: skip
    return picked


def _whose(dataset_id: str, name: Any) -> str:
    test = (read("image_groups", dataset_id)["split"] == "test").any()
    return f"Test split of {name}" if test else f"Images of {name} (no test split)"


def _test_images(dataset_id: str) -> pd.DataFrame:
    """path and class by image_id, of the test split; of all images where there is no such split."""
    images = read("images", dataset_id, "ok").set_index("image_id")
    test = images[images["split"] == "test"]
    return images if test.empty else test


def _image_box(ids: list[int]) -> int:
    asked = st.query_params.get(IMAGE, "")
    picked = int(asked) if asked.isdecimal() and int(asked) in ids else random.choice(ids)
    put(**{IMAGE: str(picked)})
    key = f"sample_image_{picked}_{len(ids)}"
    st.selectbox(
        "Image", ids, index=ids.index(picked), format_func=lambda one: f"No. {one}", key=key, on_change=_image_changed,
        args=(key,), width=150, help="By its number, so that the choice does not tell the class.",
    )  # fmt: skip
    st.button("Another", icon=":material/shuffle:", key="sample_another", on_click=_another, args=(ids, picked))
    return picked


def _dataset_changed(key: str, own: str | None) -> None:
    picked = st.session_state[key]
    put(**{DATASET: None if picked == own else picked, IMAGE: None})


def _image_changed(key: str) -> None:
    put(**{IMAGE: str(st.session_state[key])})


def _another(ids: list[int], shown: int) -> None:
    put(**{IMAGE: str(random.choice([one for one in ids if one != shown] or ids))})
