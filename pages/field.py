"""A whole field of a smear: its white cells found, boxes mended by hand, each read by a model, then counted."""

import streamlit as st

from core.data.intake import IntakeError
from core.learning.settings import ModelError
from core.prediction.field import Field
from core.prediction.smear import Box
from core.prediction.smear_settings import SmearError
from pages.components.field_boxes import edge_words, editor
from pages.components.field_cells import count_section, gallery
from pages.components.field_image import field_of, found_words, image, settings_wanted, upload
from pages.components.field_read import read_all, readings_of, reviews_of_field
from pages.components.models import Model
from pages.components.notes import plain
from pages.components.person import person
from pages.components.predict_choice import Chosen
from pages.components.predict_reading import reader_of
from pages.components.reading_model import model_and_point


def boxes_section(field: Field, model: Model, chosen: Chosen | None) -> list[Box]:
    """The image beside the table of its boxes; the boxes as they are now."""
    left, right = st.columns([1.75, 1], gap="large")
    with right:
        st.caption(
            "Draw a rectangle on the image to add a box, or write into the table's last row. To delete boxes, mark "
            "their rows and press the bin. Once read, a solid line is one class, a dashed one two, a dotted one is "
            "referred."
        )
        boxes = editor(field)
        if edge := edge_words(boxes, field):
            st.caption(f":material/crop_free: {edge}")
    with left:
        st.caption(found_words(field))
        image(field, boxes, readings_of(field, model, chosen, boxes))
    return boxes


def cells_section(field: Field, content: bytes, model: Model, chosen: Chosen | None, boxes: list[Box]) -> None:
    """The button that reads what was not read yet; then the cells and their count."""
    read = readings_of(field, model, chosen, boxes)
    todo = len(boxes) - len(read)
    if todo:
        st.caption(
            "Each reading goes on record as it is made, with its box and the hash of the file. How much of the field "
            "is shown around a cell was measured in the images of blood5 alone, and is the same for every model."
        )
        keep = st.checkbox(
            "Keep the image", key="field_keep", width="content",
            help="The image of the field is kept only if this is ticked when its cells are read; only then can they be "
            "looked at again, and gathered for the next training.",
        )  # fmt: skip
        cells = f"{todo} {'more ' if read else ''}cell{'s' if todo > 1 else ''}"
        if st.button(f"Read {cells}", type="primary", icon=":material/play_arrow:", key="field_read_button"):
            read_all(reader_of(model), field, content, model, chosen, boxes, person(), keep_image=keep)
            st.rerun()
    elif not boxes:
        st.info("There is no box to read. Draw one on the image, or look with a higher sensitivity.",
                icon=":material/select:")  # fmt: skip
    if read:
        reviews = reviews_of_field(field, model, chosen)
        count_section(model, chosen, list(read.values()), reviews, reader_of(model), field)
        gallery(list(read.values()), reviews)


st.warning(
    "Research use only, not for diagnosis. White cells are found by rule: some are missed, some boxes hold none.",
    icon=":material/science:",
)
asked = model_and_point()
if asked is not None:
    file = upload()
    settings = settings_wanted()
    if file is None:
        st.info("Choose the image of a field. Its white cells are found and boxed; you may mend the boxes before they "
                "are read.", icon=":material/grid_view:")  # fmt: skip
    else:
        try:
            content, name = file
            found = field_of(content, name, settings)
            cells_section(found, content, *asked, boxes_section(found, *asked))
        except (IntakeError, SmearError, ModelError) as error:
            st.error(plain(str(error)), icon=":material/image_not_supported:")
