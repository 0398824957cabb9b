"""How a batch begins: a model, how it decides, and the files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.data.intake import IntakeError
from core.data.uploads import MAX_FILE_BYTES, MAX_FILES
from core.evaluation.fusion import FusionError
from core.prediction.batch import KEPT, About, BatchRun, BusyError
from core.prediction.batch_files import BatchFiles
from pages.components.batch_head import show_run
from pages.components.data import home
from pages.components.models import Model, outputs_of
from pages.components.person import person
from pages.components.predict_choice import Chosen
from pages.components.reading_model import model_and_point

TYPES = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp", "zip"]
UPLOAD_MB = 200  # a file that is uploaded; larger zips in parts
_ROUND = "batch_round"  # a new uploader for each batch: the old one would keep its files


def start_form() -> None:
    """The choices and the button that starts reading."""
    found = model_and_point()
    if found is None:
        return
    model, point = found
    files = st.file_uploader(
        "Images, or zips of images", type=TYPES, accept_multiple_files=True, max_upload_size=UPLOAD_MB,
        key=f"batch_files_{st.session_state.setdefault(_ROUND, 0)}",
    )  # fmt: skip
    st.caption(
        f"Up to {MAX_FILES:,} files of at most {MAX_FILE_BYTES / 2**20:.0f} MiB; an upload has at most {UPLOAD_MB} MB. "
        "One cell an image. Each reading goes on record; of the image only a small picture is kept, in memory, for "
        f"this and the {KEPT - 1} batches after it."
    )
    if not files:
        st.info("Choose images, or a zip of images. They are read one after the other; what an expert has to look at "
                "comes first.", icon=":material/stacks:")  # fmt: skip
        return
    kept = st.checkbox(
        "Keep the images", key="batch_keep",
        help="Else only their hashes, sizes and readings are on record, and nobody can look at them again later.",
    )  # fmt: skip
    if st.button("Read them", type="primary", icon=":material/play_arrow:", key="batch_start"):
        try:
            _start(model, point, files, kept)
        except IntakeError as error:
            st.error(str(error), icon=":material/image_not_supported:")
        except BusyError as error:
            st.warning(str(error), icon=":material/hourglass_top:")


def _start(model: Model, chosen: Chosen | None, uploads: list[Any], kept: bool) -> None:
    folder, files = home(), BatchFiles(uploads)
    about = About(
        model.model_id, model.name, model.classes, None if chosen is None else chosen.point,
        "" if chosen is None else chosen.words,
    )  # fmt: skip

    def reader() -> Any:
        from core.prediction.readers import reader_of  # brings torch

        return reader_of(folder, model.model_id)

    run = BatchRun(
        folder, about, reader, files, files.total, errors=_errors(model, chosen), asked_by=person(), keep_images=kept,
    )  # fmt: skip
    run.start()
    st.session_state[_ROUND] += 1
    show_run(run)
    st.rerun()


def _errors(model: Model, chosen: Chosen | None) -> Callable[[Any], Any] | None:
    """What the count is corrected with: the model's decisions on the test images, from the store's probabilities."""
    try:
        outputs = outputs_of(model, "test")
    except FusionError:
        return None
    true = [model.classes[at] for at in outputs.true]

    def found(reader: Any) -> Any:
        from core.prediction.known_errors import errors_of

        return errors_of(reader, outputs.probabilities, true, None if chosen is None else chosen.point)

    return found
