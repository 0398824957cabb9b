"""The tab "Other sources" of the page Data: which other data sets judge the models that are trained on this one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.data.external import (
    ExternalError,
    compared_words,
    described,
    fit,
    how_alike,
    register_external,
    remove_external,
)
from core.data.shared import Shared, compared
from core.evaluation.external import KIND
from core.jobs import command_line
from core.paths import dataset_file
from pages.charts.wording import missing
from pages.components.compare_names import number
from pages.components.csv_button import csv_button
from pages.components.data import catch_up, home, read
from pages.components.external_go_on import go_on_with_dataset
from pages.components.external_sources import external_sources
from pages.components.external_tables import REMARK, counted
from pages.components.external_view import external_sets
from pages.components.facts import classes
from pages.components.guard import explain, log
from pages.components.jobs import begin, progress

PURPOSE = (
    "Images from another hospital, stain or camera, of the same classes. Every final model of a finished search on "
    "this dataset reads them, and the pages show what it says beside its own test images, each class and each source "
    "by itself. **Never train, tune or choose anything by them**: once they have helped to choose, they are images of "
    "the set like any other and say nothing of other sources."
)  # fmt: skip


def section(dataset_id: str) -> None:
    """What is registered, what the models say of it, and the way to register more."""
    st.markdown(PURPOSE, anchors=False)
    st.badge(REMARK, icon=":material/verified_user:", color="gray")
    progress(KIND, dataset_id)
    go_on_with_dataset(dataset_id)
    sets = read("external_sets", dataset_id)
    if sets.empty:
        st.info("No dataset is registered as external to this one yet.", icon=":material/travel_explore:")
    for row in sets.to_dict("records"):
        _registered(dataset_id, {str(name): value for name, value in row.items()})
    _results(dataset_id)
    _add(dataset_id, set(sets["external_id"]))


def _registered(dataset_id: str, row: dict[str, Any]) -> None:
    external_id = str(row["external_id"])
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"external_set_{external_id}"):
        name = external_id if missing(row["name"]) else str(row["name"])
        st.markdown(f"**{name}**  \n{counted_words(row)}", anchors=False)
        if not missing(row["synthetic"]) and row["synthetic"]:
            st.badge("synthetic cells", color="gray")
        st.page_link("data.py", label=external_id, icon=":material/dataset:", query_params={"dataset": external_id})
        st.button(
            "Unregister", key=f"external_remove_{external_id}", icon=":material/link_off:", on_click=_remove,
            args=(dataset_id, external_id),
            help="It is not external to this dataset any more. What models have said of its images stays recorded.",
        )  # fmt: skip
    external_sources(dataset_id, external_id)


def counted_words(row: Mapping[str, Any]) -> str:
    """What counts of a registered set and what is left out, as the query `external_sets` has it."""
    if missing(row["counted"]):
        return "its images are not known here"
    again = how_alike(int(row["shared"]), int(row["alike"]))
    left = [(row["unknown"], "of other classes"), (row["shared"], f"in this dataset too{again}")]
    out = [f"{int(number):,} {why}" for number, why in left if number]
    words = f"{int(row['counted']):,} images count{'; left out: ' if out else ''}{', '.join(out)}."
    return f"{words} {compared_words(_comparison(row))}"


def _comparison(row: Mapping[str, Any]) -> Shared | None:
    if missing(row["searched"]):
        return None
    return Shared(searched=str(row["searched"]), unread=int(row["unread"]), crowded=int(row["crowded"]))


def _results(dataset_id: str) -> None:
    """What the models of finished searches on this dataset say, a row a model and set."""
    searches = read("searches")
    own = searches[searches["dataset_id"] == dataset_id]
    trials = read("trial_names")
    of_own = trials[trials["search_id"].isin(own["search_id"])]
    results = read("external_results", list(of_own["trial_id"]))
    if results.empty:
        if not own.empty:
            st.caption("No model of a search on this dataset has read such images yet.")
        return
    names = dict(zip(own["search_id"], own["name"], strict=True))
    models = {str(row["trial_id"]): number(row) for row in of_own.to_dict("records")}
    each = {
        (trial_id, part.dataset_id): ", ".join(f"{name} {one.right} of {one.n}" for name, one in part.sources.items())
        for trial_id in results["trial_id"].unique() for part in external_sets(str(trial_id), classes(dataset_id))
    }  # fmt: skip
    pairs = list(zip(results["n_right"].astype(int), results["n"].astype(int), strict=True))
    table = pd.DataFrame(
        {
            "search": results["search_id"].map(names),
            "model": results["trial_id"].map(models),
            "images from": results["name"].fillna(results["external_id"]),
            "accuracy, all sources": [counted(right, n) for right, n in pairs],
            "right, by source": [each[row] for row in zip(results["trial_id"], results["external_id"], strict=True)],
            "trial_id": results["trial_id"],
            "external_id": results["external_id"],
        }
    )
    st.subheader("What the models say", anchor=False)
    st.dataframe(
        table.drop(columns=["trial_id", "external_id"]), hide_index=True, key="external_results",
        alt="Accuracy of each final model on each external dataset, with counts and 95 % Wilson intervals",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: table, f"{dataset_id}-other-sources", "external_results_csv")
        st.caption(
            "In brackets the images and the 95 % Wilson interval. The page Evaluate has each class and each source by "
            "itself, with intervals."
        )


def _add(dataset_id: str, known: set[Any]) -> None:
    """A box of the other imported datasets, what would count of the picked one, and the button."""
    datasets = read("datasets")
    others = datasets[~datasets["dataset_id"].isin([*known, dataset_id]) & datasets["root"].notna()]
    st.subheader("Register a dataset", anchor=False)
    if not dataset_file(home(), dataset_id).is_file():
        st.caption("The images of this dataset are not described here, so none can be told to be from elsewhere.")
        return
    if others.empty:
        st.caption("Every other imported dataset is registered already, or there is none.")
        _folder(dataset_id)
        return
    names = {
        str(row["dataset_id"]): f"{row['name']} ({int(row['images']):,} images, {row['dataset_id']})"
        for row in others.to_dict("records")
    }
    key = f"external_new_{len(names)}_{dataset_id}"
    picked = st.selectbox("Imported datasets", list(names), format_func=names.__getitem__, index=None, key=key,
                          placeholder="Pick the dataset from elsewhere", width=520)  # fmt: skip
    if picked is not None:
        _offer(dataset_id, picked)
    _folder(dataset_id)


def _offer(dataset_id: str, picked: str) -> None:
    """What would count of it, and the button; or why it cannot be registered."""
    try:
        found = fit(described(home(), dataset_id), described(home(), picked), compared(home(), dataset_id, picked))
    except ExternalError as error:
        st.warning(str(error), icon=":material/block:")
        return
    st.caption(found.sentence())
    external_sources(dataset_id, picked)
    st.button("Register it", type="primary", icon=":material/add_link:", key="external_add", on_click=_register,
              args=(dataset_id, picked))  # fmt: skip


def _folder(dataset_id: str) -> None:
    """Images that are not imported yet: read, registered and judged in one go."""
    key = f"external_folder_{dataset_id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        path = st.text_input(
            "A folder, zip or .npz that is not imported yet", key=key, placeholder="/data/other-hospital", width=520,
            help="On this machine; a folder has one sub-folder a class. It gets no split of "
            "its own, so one image of a class is enough.",
        )  # fmt: skip
        st.button("Read and register", icon=":material/drive_folder_upload:", key="external_read", on_click=_read,
                  args=(dataset_id, key))  # fmt: skip
    with st.expander("The same from the command line", icon=":material/terminal:"):
        st.code(command_line(["external", "--of", dataset_id, "--data", path or "FOLDER"]), language="bash")


def _read(dataset_id: str, key: str) -> None:
    path = str(st.session_state.get(key) or "").strip()
    if path:
        begin(KIND, dataset_id, ["external", "--of", dataset_id, "--data", str(Path(path).expanduser().absolute())])
    else:
        st.toast("Say where the images are.", icon=":material/edit:")


def _register(dataset_id: str, external_id: str) -> None:
    try:
        register_external(home(), dataset_id, external_id)
    except Exception as error:
        _failed("registered", error)
    else:
        catch_up()
        begin(KIND, dataset_id, ["external", "--of", dataset_id])


def _remove(dataset_id: str, external_id: str) -> None:
    try:
        remove_external(home(), dataset_id, external_id)
    except Exception as error:
        _failed("unregistered", error)
    else:
        catch_up()


def _failed(what: str, error: Exception) -> None:
    log.error("A dataset was not %s as external", what, exc_info=error)
    st.toast(explain(error), icon=":material/error:", duration="long")
