"""Bringing data in: the drawer that starts an import, and the imports that run or have failed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.data.bloodmnist import PIN, SIZES
from core.data.command import KIND, subject, to_arguments
from core.data.dataset import DEFAULT_FRACTIONS, SPLITS, DatasetError
from core.data.layout import source_problem
from core.data.split import check_fractions
from core.jobs import command_line
from pages.components.data import home, read
from pages.components.data_choice import DATASET, go
from pages.components.guard import guarded
from pages.components.jobs import begin, progress, standing
from pages.components.launch import save_upload
from pages.components.words import age

WAYS = {"path": "On this machine", "upload": "Upload", "bloodmnist": "BloodMNIST"}
FORMS = "A folder with one sub-folder a class (or train, val, test above them), a zip of either, or a MedMNIST .npz."
MOMENT = 5.0  # s
SHOWN_FOR = 86400.0  # s, a failed import, unless it was closed
_MINE = "import_mine"  # what this session started last, until it has ended
_STARTED, _CLOSED = "import_started", "import_closed"  # all that this session started; the failed ones that it closed


@st.dialog("Import data", position="right", width=560, on_dismiss="rerun")
@guarded
def import_drawer() -> None:
    """The form beside the page; importing closes it, and the page shows how far the import is."""
    import_form()


def import_form() -> None:
    """Where the data are, and how they are split."""
    st.session_state.setdefault("import_way", "path")  # a default of the widget's own would clash with `_fill`
    way = st.segmented_control("From", list(WAYS), required=True, format_func=WAYS.__getitem__, key="import_way")
    source, upload, problem = _source(way or "path")
    options, split_problem = _split()
    if problem is None and upload is None and isinstance(source, Path):
        problem = source_problem(source, held_out=bool(options.get("held_out")))
    problem = problem or split_problem
    if source is not None and upload is None:
        with st.expander("The same from the command line", icon=":material/terminal:"):
            line = command_line(to_arguments(source, _downloads(), **options))
            st.code(line, language="bash", wrap_lines=True)
    if problem:
        st.warning(problem, icon=":material/edit:")
    disabled = problem is not None or source is None
    if st.button("Import", type="primary", icon=":material/download:", disabled=disabled, key="import_start"):
        if upload is not None:
            source = save_upload(upload.name, upload.getvalue())
        if source is not None and start_import(source, options):
            st.rerun()


def imports(datasets: pd.DataFrame) -> None:
    """The imports that run, and those that failed lately; what this session imported is shown once it is there.

    Beside one dataset, of the failed ones only those that this session has started.
    """
    _jump(set(datasets["dataset_id"]))
    abouts = [str(about) for about in read("jobs", None, KIND)["subject"]]
    if _MINE in st.session_state and st.session_state[_MINE][0] not in abouts:
        abouts.insert(0, st.session_state[_MINE][0])  # it has not said anything yet
    for about in abouts:
        status, row = standing(KIND, about)
        if status == "RUNNING" or (status not in (None, "COMPLETE") and _matters(about, row)):
            with st.container(border=True, key=f"import_{about}"):
                st.markdown(f"**Import of {Path(about).name}**", anchors=False)
                if Path(about).is_absolute():
                    st.caption(about)
                if progress(KIND, about, units="done") != "RUNNING":
                    _after_failure(about, row)


def _matters(about: str, row: dict[str, Any]) -> bool:
    """Whether a failed import is still to be shown."""
    if DATASET in st.query_params and about not in st.session_state.get(_STARTED, ()):
        return False
    closed = st.session_state.setdefault(_CLOSED, set())
    return (age(row["event_at"]) or 0.0) < SHOWN_FOR and (about, row["event_at"]) not in closed


def start_import(source: Path | int, options: dict[str, Any]) -> bool:
    """Start it in the background, and show the dataset once it is there; whether it has begun."""
    since = datetime.now(UTC).replace(tzinfo=None)
    about = subject(source)
    if not begin(KIND, about, to_arguments(source, _downloads(), **options)):
        return False
    st.session_state.setdefault(_STARTED, set()).add(about)
    st.session_state[_MINE] = (about, since, st.query_params.get(DATASET))
    return True


def _jump(known: set[str]) -> None:
    """Show what this session has imported, unless the person has gone to another dataset meanwhile."""
    if _MINE not in st.session_state:
        return
    about, since, shown = st.session_state[_MINE]
    status, row = standing(KIND, about)
    if status == "RUNNING" or (row and row["event_at"] < since):
        return
    if status == "COMPLETE" and row["result"] not in known and (age(row["event_at"]) or 0.0) < MOMENT:
        time.sleep(0.2)  # the store reads the records of the dataset in a moment
        st.rerun()
    del st.session_state[_MINE]
    if status == "COMPLETE":
        st.toast(row["message"], icon=":material/check_circle:", duration="long")
        if st.query_params.get(DATASET) == shown:
            go(str(row["result"]))


def _after_failure(about: str, row: dict[str, Any]) -> None:
    with st.container(horizontal=True):
        if st.button("Try again", key=f"again_{about}", icon=":material/replay:"):
            _fill(about)
            import_drawer()
        st.button("Close", key=f"close_{about}", icon=":material/close:", on_click=_close, args=(about, row))


def _close(about: str, row: dict[str, Any]) -> None:
    st.session_state[_CLOSED].add((about, row["event_at"]))


def _fill(about: str) -> None:
    """The drawer as it was for this source; the split is asked anew."""
    size = next((size for size in SIZES if subject(size) == about), None)
    st.session_state["import_way"] = "path" if size is None else "bloodmnist"
    if size is None:
        st.session_state["import_path"] = about
    else:
        st.session_state["import_size"] = size


def _source(way: str) -> tuple[Path | int | None, UploadedFile | None, str | None]:
    """(path or px of BloodMNIST, upload, what is wrong); of an upload its name until it is saved."""
    if way == "path":
        text = str(st.text_input("Path", key="import_path", placeholder="/data/cells") or "").strip()
        st.caption(FORMS)
        if not text:
            return None, None, None
        path = Path(text).expanduser().absolute()
        return path, None, None if path.exists() else f"There is nothing at {path} on this machine."
    if way == "upload":
        upload = st.file_uploader("A zip or an .npz", type=["zip", "npz"], key="import_upload")
        st.caption("A zip with one folder a class, or a MedMNIST .npz; larger ones by their path on this machine.")
        return (Path(upload.name), upload, None) if upload is not None else (None, None, None)
    st.markdown(
        "17,092 single normal blood cells in eight classes, with their split: BloodMNIST of MedMNIST v2 (Yang et al. "
        "2023, CC BY 4.0; cells of Acevedo et al. 2020), downloaded from Zenodo. One hospital only."
    )
    size = st.selectbox("Image size", SIZES, key="import_size", format_func=lambda px: f"{px} x {px} px")
    missing = find_spec("medmnist") is None
    needs = f"The download needs the package medmnist, which is not installed: `pip install '{PIN}'`."
    return size, None, needs if missing else None


def _split() -> tuple[dict[str, Any], str | None]:
    """(the options of the import, what is wrong with them)."""
    with st.expander("Split", icon=":material/call_split:"):
        held_out = st.toggle(
            "Images from elsewhere: all into the test split", key="import_held_out",
            help="To judge models by that were trained on other data. Nothing is ever trained on or chosen by them.",
        )  # fmt: skip
        if held_out:
            return {"held_out": True}, None
        grid = st.grid(4, min_column_width=100)
        seed = grid.number_input("Seed", value=0, min_value=0, step=1, key="import_seed")
        shares = {
            name: float(
                grid.number_input(
                    name.capitalize(), value=DEFAULT_FRACTIONS[name], min_value=0.0, max_value=1.0, step=0.05,
                    format="%g", key=f"import_{name}",
                )
            )
            for name in SPLITS[1:]
        }  # fmt: skip
        fractions = {"train": round(1 - sum(shares.values()), 9), **shares}
        st.caption(
            f"Shares of all images; {fractions['train']:.0%} are left to train on. Splits that folders give are kept."
        )
    try:
        check_fractions(fractions)
    except DatasetError as error:
        return {}, str(error)
    return {"seed": int(seed), "fractions": fractions}, None


def _downloads() -> Path:
    return home() / "downloads"
