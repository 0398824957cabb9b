"""One image read by a model: plain probabilities and what is decided on them, for research only."""

from typing import Any

import pandas as pd
import streamlit as st

from core.data.intake import IntakeError, decode_image
from core.learning.settings import ModelError
from pages.charts.probabilities import probabilities
from pages.components.choose import search_choice
from pages.components.data import read, record
from pages.components.drawing import show
from pages.components.models import Model, accuracy_of, model_choice
from pages.components.predict_choice import Point, fusion_words, point_choice, predictor_of
from pages.components.predict_record import record_button
from pages.components.predict_scope import scope_check
from pages.components.samples import sample_choice
from pages.components.shortcut_badge import shortcut_line

SOURCES = {"sample": "Image of the test split", "upload": "Own image"}
TYPES = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "webp"]


def chosen_image(search: dict[str, Any]) -> tuple[bytes, str, str | None] | None:
    """(content, name, true class where it is known) of the image file that a person chose."""
    source = st.segmented_control(
        "Image", list(SOURCES), format_func=SOURCES.__getitem__, default="sample", required=True, key="image_source"
    )
    if source == "upload":
        file = st.file_uploader("One cell image", type=TYPES, key="image_upload", max_upload_size=20)
        return None if file is None else (file.getvalue(), file.name, None)
    sample = sample_choice(search["dataset_id"])
    if sample is None:
        st.info(
            "The images of this search are not on this machine; choose an image of your own.", icon=":material/info:"
        )
        return None
    try:
        return sample.path.read_bytes(), sample.name, sample.true_class
    except OSError as error:
        raise IntakeError(f"The image {sample.name} cannot be read any more; choose another one.") from error


def reading(model: Model, point: Point | None, content: bytes, name: str, true_class: str | None) -> None:
    """The image beside whether it is like the model's own, its probabilities, and what is decided on them."""
    image, predictor = decode_image(content), predictor_of(model)
    result = predictor.predict(image)
    left, right = st.columns([1, 1.6], gap="large")
    left.image(image, width=320, alt="The image that was read")
    left.caption(f"{image.shape[1]} x {image.shape[0]} px" + (f", labelled {true_class}" if true_class else ""))
    table = pd.DataFrame({"class": result.classes, "probability": result.probabilities.astype(float)})
    called = result.best if point is None else point.decision(result.probabilities, result.classes)
    share, words = table["probability"].max(), "highest probability"
    if called is not None:
        share, words = table["probability"][table["class"] == called].iloc[0], "probability"
    with right:
        flags = scope_check(model, predictor, image)
        st.metric("Called" if point is None else f"Decided by {point.name}", called or "Refer to an expert",
                  delta=f"{words} {share:.1%}", delta_color="off", delta_arrow="off")  # fmt: skip
        show(probabilities(table), key="probabilities", alt="Probability of each class, the highest first")
        if point is not None:
            st.caption(f"Operating point: {point.words}.")
        by = "highest probability" if point is None else f"operating point {point.name}"
        record_button(model, name, content, image, result, flags, called, by)


st.warning(
    "Research use only, not for diagnosis. The probabilities are the model's own and not calibrated.",
    icon=":material/science:",
)
search_id = search_choice(read("listing"))
search = None if search_id is None else record("search", search_id)
if search is None or search["origin"] == "published":
    st.info("The published model's weights are not public. Choose a search of your own, or launch one on the page "
            "Searches.", icon=":material/info:")  # fmt: skip
else:
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        model = model_choice(search)
    if model is None:
        st.info("This search has no finished model yet.", icon=":material/hourglass_top:")
    else:
        with right:
            point = point_choice(model)
        shortcut_line(model.dataset_id, *accuracy_of(model))
        if model.fused:
            st.caption(fusion_words(model))
        try:
            chosen = chosen_image(search)
            if chosen is not None:
                reading(model, point, *chosen)
        except (IntakeError, ModelError) as error:
            st.error(str(error), icon=":material/image_not_supported:")
