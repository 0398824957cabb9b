"""Reviewed images written to a folder, one sub-folder a class, ready to be imported on the page Data."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.prediction.gather import Gathered, gather, new_folder
from core.prediction.reading import name_of
from pages.components.data import home, read
from pages.components.guard import explain, log
from pages.components.notes import plain
from store.queries import Wanted

DONE = "gathered"  # what was written last, in this session
ONLY_KEPT = (
    "Only what was kept can be gathered: an image is kept only where that was ticked when it was read, and what was "
    "not kept cannot be had back."
)


def section(wanted: Wanted) -> None:
    """What can be gathered of what the filter leaves, and the button that does it."""
    found = read("gatherable", wanted)
    rows = found[found["judged_in"].isna()]
    counts = read("reading_count", wanted).iloc[0]
    _told()
    if len(rows) < len(found):
        n, names = len(found) - len(rows), ", ".join(sorted(set(found["judged_in"].dropna())))
        which = "reading of a kept image is" if n == 1 else "readings of kept images are"
        st.caption(
            f":material/block: {n:,} reviewed {which} left out: models are judged by the image{'s' * (n != 1)}, in "
            f"{plain(names)}, so none may be trained on {'it' if n == 1 else 'them'}."
        )
    if rows.empty:
        why = "No reading with a kept image has been confirmed or corrected yet"
        if not counts["kept"]:
            why = "None of these readings has a kept image"
        elif len(found):
            why = "Models are judged by every image that was kept and reviewed"
        st.info(f"{why}, so there is nothing to gather. {ONLY_KEPT}", icon=":material/hide_image:")
        return
    images = len(rows.assign(box=rows["box"].astype(str))[["image_sha256", "box"]].drop_duplicates())
    st.markdown(
        f"**{images:,} image{'s' * (images != 1)}** of {int(counts['reviewed']):,} reviewed readings "
        f"{'was' if images == 1 else 'were'} kept and {'has' if images == 1 else 'have'} a class that an expert "
        "confirmed or corrected.", anchors=False,
    )  # fmt: skip
    st.table(by_class(rows).set_index("class"), border="horizontal", width=420)
    target = new_folder(home())
    st.caption(
        f"They are written to a new folder below `{target.parent}`, one sub-folder a class, with a manifest.csv that "
        "names image, class, source, reading and the model's call. Import that folder on the page Data: a classifier "
        f"needs two classes or more. {ONLY_KEPT}"
    )
    if rows["box"].notna().any():
        st.caption("Of a cell in a field the square that was read is written. A split that is made of the folder may "
                   "put cells of one field into training and test.")  # fmt: skip
    if st.button("Gather reviewed images", icon=":material/create_new_folder:", type="primary", key="gather"):
        _gather(found)
        st.rerun()


def by_class(rows: pd.DataFrame) -> pd.DataFrame:
    """class, images, corrected (of them): of what the query `gatherable` gives."""
    found = rows.groupby("expert_class").agg(
        readings=("reading_id", "count"), corrected=("verdict", lambda verdicts: int((verdicts == "correct").sum()))
    )
    return found.rename(index=name_of).rename_axis("class").reset_index()


def _gather(rows: pd.DataFrame) -> None:
    bar = st.progress(0.0, text="Gathering")
    try:
        done = gather(
            home(), rows.to_dict("records"), new_folder(home()),
            lambda now, of: bar.progress(now / of, text=f"{now:,} of {of:,} images") if now % 20 == 0 else None,
        )  # fmt: skip
    except Exception as error:
        log.error("Reviewed images were not gathered", exc_info=error)
        st.session_state[DONE] = explain(error)
    else:
        st.session_state[DONE] = done


def _told() -> None:
    """What the last gathering gave, until the next."""
    done = st.session_state.get(DONE)
    if isinstance(done, str):
        st.error(done, icon=":material/error:")
    if not isinstance(done, Gathered):
        return
    st.success(done.words, icon=":material/check:")
    st.code(str(done.folder), language=None, wrap_lines=True)
    st.page_link("data.py", label="Import it on the page Data", icon=":material/drive_folder_upload:")
    if done.left_out:
        with st.expander(f"{len(done.left_out):,} readings were left out", icon=":material/block:", key="gather_left"):
            st.dataframe(pd.DataFrame(done.left_out, columns=["reading", "why"]), hide_index=True,
                         key="gather_left_out", alt="Readings that were left out, and why")  # fmt: skip
