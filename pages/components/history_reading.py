"""One reading with everything that is on record of it, its reviews, and the means to add one."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import streamlit as st

from core.prediction.reading import BlastFlag, name_of
from core.prediction.reading_words import sets_words, watch_words
from pages.charts.probabilities import probabilities
from pages.charts.wording import missing
from pages.components.data import read
from pages.components.drawing import draw, show
from pages.components.history_filter import BATCH, PAGE, model_names
from pages.components.history_words import checks, decision_words, plain_list, review_words, through_words
from pages.components.kept_picture import kept_picture
from pages.components.notes import plain
from pages.components.review_controls import review_controls
from pages.components.whatif_address import put

READING = "reading"  # in the address


def open_reading(reading_id: str) -> None:
    st.query_params[READING] = reading_id


def one(row: dict[str, Any]) -> None:
    """The reading beside its image, what stands behind it, and its reviews."""
    _ways(row)
    left, right = st.columns([1, 1.7], gap="large")
    with left:
        _image(row)
    with right:
        st.subheader(plain(decision_words(row)), anchor=False)
        _why(row)
        review_controls(row, [str(name) for name in row["classes"]])
    _reviews(str(row["reading_id"]))
    left, right = st.columns(2, gap="large")
    with left:
        names = [name_of(str(name)) for name in plain_list(row["classes"])]
        each = pd.DataFrame({"class": names, "probability": plain_list(row["probabilities"])})
        show(draw(probabilities, each), key="reading_probabilities", alt="Probability of each class, the highest first")
        _calibration(row)
    with right:
        _checks(row)
    with st.expander("All that is on record", icon=":material/fact_check:", key="reading_facts"):
        st.table(facts(row).set_index("fact"), border="horizontal")


def facts(row: dict[str, Any]) -> pd.DataFrame:
    """fact, value: what a reading is and where it comes from."""
    model = "" if missing(row["model_id"]) else str(row["model_id"])
    box = plain_list(row["box"])
    said = {
        "reading": row["reading_id"], "made (UTC)": f"{pd.Timestamp(row['at']):%Y-%m-%d %H:%M:%S}",
        "through": through_words(row), "asked by": row["asked_by"], "file": row["file_name"],
        "size": "" if missing(row["width"]) else f"{int(row['width'])} x {int(row['height'])} px",
        "box (x, y, width, height, px)": ", ".join(map(str, box)), "SHA-256 of the file": row["image_sha256"],
        "image kept": "yes" if row["kept"] else "no", "model": model_names([model]).get(model, "") if model else "",
        "model id": model, "SHA-256 of the weights": row["weights_sha256"], "runtime": row["runtime"],
        "decided by": row["decided_by"], "operating point": row["operating_point_id"], "batch": row["batch_id"],
        "temperature": "" if missing(row["temperature"]) else f"{float(row['temperature']):.4g}",
    }  # fmt: skip
    known = [(name, str(value)) for name, value in said.items() if not missing(value) and value != ""]
    return pd.DataFrame(known, columns=["fact", "value"])


# --- parts ------------------------------------------------------------------------------------------------------------


def _ways(row: dict[str, Any]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All readings", icon=":material/arrow_back:", key="reading_back", on_click=_close)
        if not missing(row["batch_id"]):
            st.button("The readings of its batch", icon=":material/grid_view:", key="reading_batch", type="tertiary",
                      on_click=_to_batch, args=(str(row["batch_id"]),))  # fmt: skip


def _image(row: dict[str, Any]) -> None:
    picture = kept_picture(row)
    if picture is not None:
        st.image(picture, width=380, alt=f"The image that was read: {row['file_name']}")
    elif row["kept"]:
        st.info("The image was kept, but its file is not there any more or cannot be read.",
                icon=":material/hide_image:")  # fmt: skip
    else:
        st.info(
            "The image was not kept, so it cannot be shown or gathered: an image is kept only where that was ticked. "
            "Its hash is on record.", icon=":material/hide_image:",
        )  # fmt: skip
    name = "" if missing(row["file_name"]) else plain(str(row["file_name"]))
    size = "" if missing(row["width"]) else f", {int(row['width'])} x {int(row['height'])} px"
    st.caption(f"{name}{size}, read {pd.Timestamp(row['at']):%Y-%m-%d %H:%M} UTC")


def _why(row: dict[str, Any]) -> None:
    if missing(row["decision"]):
        st.caption("An earlier version made this reading; it recorded probabilities, but no decision.")
        return
    reasons = [plain(str(one)) for one in plain_list(row["reasons"])]
    st.caption(" ".join([f"Decided by: {plain(str(row['decided_by']))}.", *reasons]))


def _calibration(row: dict[str, Any]) -> None:
    if missing(row["calibrated"]) or not row["calibrated"]:
        st.caption("Plain softmax: the model was not calibrated.")
        return
    held = [plain(name_of(str(name))) for name in plain_list(row["prediction_set"])]
    words = f"Calibrated by temperature {float(row['temperature']):.3g}. Prediction set: {', '.join(held) or 'empty'}."
    coverage = {} if missing(row["coverage"]) else json.loads(str(row["coverage"]))
    if coverage:
        words += f" {plain(sets_words(coverage))}"
    st.caption(words)


def _checks(row: dict[str, Any]) -> None:
    st.markdown("**Checks of the image**", anchors=False)
    table = checks(row["flags"])
    if table.empty:
        st.caption("None is on record.")
    else:
        st.table(table.set_index("check"), border="horizontal")
    if not missing(row["blast"]):
        said = json.loads(str(row["blast"]))
        st.caption(plain(watch_words(BlastFlag(class_=str(said.pop("class")), **said))))


def _reviews(reading_id: str) -> None:
    reviews = read("reviews", reading_id)
    if len(reviews) < 2:
        return
    with st.expander(f"All {len(reviews)} reviews; the latest counts", icon=":material/rate_review:", key="reviews"):
        shown = pd.DataFrame({
            "when (UTC)": reviews["at"].dt.strftime("%Y-%m-%d %H:%M:%S"),
            "review": [review_words(row, "class") for row in reviews.to_dict("records")],
            "by": reviews["reviewed_by"].fillna(""), "note": reviews["note"],
        })  # fmt: skip
        st.dataframe(shown, hide_index=True, key="reviews_table", alt="All reviews of this reading, the latest first")


def _close() -> None:
    st.query_params.pop(READING, None)


def _to_batch(batch_id: str) -> None:
    _close()
    put(**{BATCH: batch_id})
    if PAGE in st.session_state:
        st.session_state[PAGE] = 1
