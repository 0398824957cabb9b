"""The launch form, made from the fields of SearchSettings: labels, help texts, choices and the preset's values."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.learning.settings import AugmentSettings, SettingsError
from core.search import commands
from core.search.settings import PRESETS, SAMPLE, SearchSettings, preset
from pages.charts.wording import missing
from pages.components.data import home, read
from pages.components.guard import guarded
from store.journal import write_durably

PRESET_NAMES = {"quick": "Quick", "own": "Own data", "published": "As published"}
PRESET_NOTES = {
    "quick": "The published rules, scaled to minutes on a CPU: fewer epochs, small images, few images a class.",
    "own": "The published space, with a calibration share of your images kept apart: the choice for own data.",
    "published": "The study's space, image size (299 px) and split (70 / 15 / 15 %): made for a GPU, slow on a CPU.",
}
SOURCES = {"sample": "Sample cells", "known": "Known data", "folder": "Folder or file", "zip": "Upload a zip"}
GROUPS = {
    "Search space and stop": (
        "learning_rate", "learning_rate_bound", "batch_size", "batch_size_bound", "epochs", "patience", "max_trials",
        "reuse",
    ),
    "Images and split": ("image_size", "per_class", "calibration", "validation", "test", "seed"),
    "Method and recipe": ("method", "recipe"),
    "Model and optimiser": ("backbone", "weights", "optimiser", "weight_decay", "average", "norm_images"),
    "Final training": ("final_seeds", "final_image_size"),
    "Machine": ("device", "parallel", "threads"),
}  # fmt: skip
ELSEWHERE = {"data", "name", "preset", "augment"}


@st.dialog("New search", position="right", width=640, on_dismiss="rerun")
@guarded
def launch_drawer() -> None:
    """The form beside the list."""
    launch_form()


def launch_form() -> None:
    """Every setting of a search; launching opens the new search."""
    chosen = st.segmented_control(
        "Preset", [name for name in PRESET_NAMES if name in PRESETS], default="quick", required=True,
        format_func=PRESET_NAMES.__getitem__, key="new_preset", persist_state="session",
    )  # fmt: skip
    st.caption(PRESET_NOTES[chosen or "quick"])
    data, upload, called = _data()
    base = preset(chosen or "quick")
    name = st.text_input("Name", key="new_name", persist_state="session", placeholder="made from the data when empty")
    values = _settings(base)
    settings = replace(base, **values, data=data, name=name or called)
    problem = _problem(settings)
    if problem:
        st.warning(problem, icon=":material/edit:")
    with st.expander("The same search from the command line", icon=":material/terminal:"):
        st.code(commands.repeat_command(settings) if not problem else "", language="bash", wrap_lines=True)
    if st.button("Launch", type="primary", icon=":material/play_arrow:", disabled=problem is not None, key="launch"):
        if upload is not None:
            settings = replace(settings, data=str(save_upload(upload.name, upload.getvalue())))
        search_id = commands.launch(home(), settings)
        st.switch_page("search.py", query_params={"search": search_id})


def save_upload(name: str, content: bytes) -> Path:
    """Keep an uploaded file below the home folder, under its hash; the same file is kept once."""
    folder = home() / "uploads" / hashlib.sha256(content).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (Path(name.replace("\\", "/")).name or "upload.zip")
    if not path.exists():
        write_durably(path, content)
    return path


def _data() -> tuple[str, UploadedFile | None, str]:
    """The data setting, an upload's file, and a name for the search; of an upload its name until it is saved."""
    known = trainable(read("datasets"))
    sources = [name for name in SOURCES if name != "known" or not known.empty]
    if st.session_state.setdefault("new_source", "sample") not in sources:  # what was known is gone by now
        st.session_state["new_source"] = "sample"
    source = st.segmented_control(
        "Data", sources, required=True, format_func=SOURCES.__getitem__, key="new_source", persist_state="session"
    )
    if source == "known":
        return _known(known.set_index("dataset_id"))
    if source == "folder":
        path = st.text_input(
            "Path on this machine", key="new_path", persist_state="session", placeholder="/data/cells",
            help="A folder with one sub-folder a class (or train, val, test above them), a zip, or a MedMNIST .npz.",
        )  # fmt: skip
        return str(path or ""), None, ""
    if source == "zip":
        upload = st.file_uploader("Zip with one folder a class", type=["zip", "npz"], key="new_upload")
        return (upload.name, upload, "") if upload is not None else ("", None, "")
    st.caption("Synthetic stained cells of five classes, drawn on this machine. They show the tool, not medicine.")
    return SAMPLE, None, ""


def trainable(datasets: pd.DataFrame) -> pd.DataFrame:
    """The rows of the query `datasets` whose images are here, with some to train on."""
    here = datasets["root"].map(lambda root: not missing(root) and Path(str(root)).is_dir())
    some = datasets["fractions"].map(lambda shares: missing(shares) or bool(json.loads(shares).get("train", 1)))
    return datasets[here & some]


def _known(datasets: pd.DataFrame) -> tuple[str, None, str]:
    names = {
        str(row["dataset_id"]): f"{row['name']} ({row['dataset_id']}, {row['images']:,} images)"
        for row in datasets.reset_index().to_dict("records")
    }
    if st.session_state.get("new_known") not in datasets.index:
        st.session_state.pop("new_known", None)
    picked = st.selectbox(
        "Dataset", list(names), format_func=names.__getitem__, key="new_known", persist_state="session"
    )
    row = datasets.loc[picked]
    st.caption(
        f"{row['root']}, read again with the split and seed below; where they differ from those that it was read with, "
        "or an image has changed, it is another dataset here."
    )
    return str(row["root"]), None, str(row["name"])


def _settings(base: SearchSettings) -> dict[str, Any]:
    """A widget for every setting. Keys carry the preset's name, so that each preset keeps its own edits."""
    specs = {spec.name: spec for spec in fields(SearchSettings) if spec.name not in ELSEWHERE}
    grouped = {name for names in GROUPS.values() for name in names}
    groups = dict(GROUPS) | {"More": tuple(name for name in specs if name not in grouped)}
    values: dict[str, Any] = {}
    for title, names in groups.items():
        if not names:
            continue
        with st.expander(title):
            grid = st.grid(2, min_column_width=210)
            for name in names:
                meta = specs[name].metadata
                with grid.cell():
                    key, start = f"new_{base.preset}_{name}", getattr(base, name)
                    if meta["several"]:
                        values[name] = _several(key, meta["label"], start, meta["help"], meta["several"])
                    else:
                        values[name] = _widget(key, meta["label"], start, meta["help"], meta["choices"])
    with st.expander("Augmentation"):
        grid = st.grid(3, min_column_width=150)
        strengths = {}
        for spec in fields(AugmentSettings):
            with grid.cell():
                strengths[spec.name] = _widget(
                    f"new_{base.preset}_augment_{spec.name}", spec.name.capitalize(), getattr(base.augment, spec.name)
                )
        st.caption("Strength of each random change; 0 switches it off (1 for scale, which is the least side kept).")
    return values | {"augment": AugmentSettings(**strengths)}


def _widget(key: str, label: str, value: Any, help_text: str | None = None, choices: tuple[str, ...] = ()) -> Any:
    common: dict[str, Any] = {"key": key, "help": help_text, "persist_state": "session"}
    if choices:
        return st.selectbox(label, choices, index=choices.index(value), **common)
    if isinstance(value, bool):
        return st.toggle(label, value=value, **common)
    if isinstance(value, int):
        return st.number_input(label, value=value, step=1, min_value=0, **common)
    if isinstance(value, float):
        step = value if 0 < value < 0.01 else 0.01
        return st.number_input(label, value=value, step=step, min_value=0.0, format="%g", **common)
    return st.text_input(label, value=value, **common)


def _several(key: str, label: str, value: str, help_text: str, allowed: tuple[str, ...]) -> str:
    picked = st.multiselect(label, allowed, default=value.split(","), key=key, help=help_text, persist_state="session")
    return ",".join(picked)


def _problem(settings: SearchSettings) -> str | None:
    if not settings.data.strip():
        return "Say where the images are."
    try:
        settings.check()
    except SettingsError as error:
        return str(error)
    if settings.data.startswith(("/", "~", ".")) and not Path(settings.data).expanduser().exists():
        return f"There is nothing at {settings.data} on this machine."
    return None
