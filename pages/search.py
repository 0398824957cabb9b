"""One search, live: its way through the space, its trials, the curves of one of them."""

from functools import partial
from typing import Any

import streamlit as st

from core.paths import log_file
from pages.charts.progress import best_so_far, de_count
from pages.charts.trajectory import trajectory
from pages.components import commands, notes, overview, trials
from pages.components.bundle_button import bundle_button
from pages.components.choose import pick_trial, search_choice, trial_choice
from pages.components.data import home, read, record
from pages.components.drawing import draw, show
from pages.components.facts import starting, trials_of
from pages.components.guard import guarded
from pages.components.reproduce import reproduce_panel
from pages.components.unpacked import climbs

CHARTED = [  # what the charts show of a trial; the rest changes with every heartbeat
    "trial_id", "cycle", "coordinate", "learning_rate", "batch_size", "epochs", "status", "val_accuracy", "val_loss",
    "val_low", "val_high",
]  # fmt: skip


@guarded
def live(search_id: str, status: str | None) -> None:
    """Everything that changes while the search runs. `status` is what the rest of the page was drawn with."""
    commands.rerun_if_asked()
    search = record("search", search_id)
    if (None if search is None else str(search["status"])) != status:
        st.rerun()  # the rest of the page names the status too
    if search is None:
        waiting(search_id)
        return
    own = trials_of(search)
    cycles = read("cycles", search_id).drop(columns="trial_ids")
    overview.headline(search, own)
    notes.panel(search_id)
    overview.metrics(search, own)
    charted = own[CHARTED]
    running = own[own["status"] == "RUNNING"]
    shown = str(running["trial_id"].iloc[0]) if not running.empty else search["best_trial_id"]

    if climbs(search):
        st.subheader("Trajectory", anchor=False)
        show(
            draw(trajectory, charted, cycles, best=search["best_trial_id"], picked=st.query_params.get("trial")),
            key="trajectory", on_select=partial(picked_node, "trajectory"),
            alt="The search as a tree: a column a cycle, a lane a coordinate, the chosen path drawn through it",
        )  # fmt: skip
        grid = st.grid(2, min_column_width=400)
        show(draw(de_count, cycles, int(search["patience"])), key="de_count", place=grid,
             alt="DE_COUNT after each cycle against the patience")  # fmt: skip
    else:
        st.caption("Each listed combination of backbone and recipe, up to the limit of trials, is trained once.")
        grid = st.grid(1)
    show(draw(best_so_far, charted), key="best_so_far", place=grid,
         alt="Validation accuracy of each trial with its interval, and the best so far")  # fmt: skip
    st.subheader("Trials", anchor=False)
    trials.table(search, own, cycles)
    st.subheader("One trial", anchor=False)
    follow = "the running trial" if not running.empty else "the best trial"
    chosen = trial_choice(own, shown, label="Trial", follow=follow)
    row = own[own["trial_id"] == chosen]
    if row.empty:
        st.caption("No trial has begun yet.")
    else:
        notes.panel(search_id, chosen)
        trials.detail({str(name): value for name, value in row.iloc[0].to_dict().items()})
    trials.log_view("Log of the search", search_id, "controller")


def picked_node(key: str) -> None:
    """A click on a node of the tree shows that trial below."""
    points: list[dict[str, Any]] = st.session_state[key]["selection"]["points"]
    if points and points[0].get("customdata"):
        data = points[0]["customdata"]
        pick_trial(str(data[0] if isinstance(data, list) else data))


def waiting(search_id: str) -> None:
    """Between the launch and the first record."""
    status = st.status("The search is starting: Python and PyTorch are being loaded.", expanded=True)
    status.code(trials.log_tail(log_file(home(), search_id, "controller")) or "no output yet", language=None)


searches = read("listing")
search_id = search_choice(searches, also=starting(st.query_params.get("search"), searches))
search = None if search_id is None else record("search", search_id)
commands.confirm_if_asked()
if search_id is None:
    st.info("There is no search yet. Launch one on the page Searches.", icon=":material/rocket_launch:")
else:
    st.fragment(live, run_every=2)(search_id, None if search is None else str(search["status"]))
    if search is not None:
        reproduce_panel(search)
        bundle_button(search)
