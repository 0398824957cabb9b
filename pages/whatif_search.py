"""What-if: the search. The recorded search replayed under other rules, and on validation images drawn anew."""

from typing import Any

import pandas as pd
import streamlit as st

from core.search.replay import parting, point_key, replay
from pages.charts.paths import paths
from pages.components import whatif_search_parts as parts
from pages.components import whatif_search_words as words
from pages.components.choose import search_choice
from pages.components.data import read, record
from pages.components.drawing import draw, show
from pages.components.facts import classes, synthetic
from pages.components.unpacked import climbs
from pages.components.whatif_search_known import Known, known
from pages.components.whatif_search_noise import noise
from pages.components.whatif_search_rules import objective_text, rules
from pages.components.whatif_search_scores import redrawn, scored
from pages.components.whatif_search_time import seconds_an_epoch
from pages.components.whatif_search_training import confirm_if_asked, offer, progress


def what_if(found: Known) -> None:
    """The rules, and what they make of the search."""
    names = classes(found.search["dataset_id"])
    chosen = rules(found, names)
    objective, name = chosen.objective.name, objective_text(chosen.objective, names)
    known_scores = scored(found, chosen)
    space = found.ordered(chosen.order)
    shown = replay(space, known_scores.scores, patience=chosen.patience, max_trials=found.max_trials)
    redraws = redrawn(found, chosen, shown)
    trials = list(found.trials.values())
    costs = seconds_an_epoch(trials, read("epochs", [row["trial_id"] for row in trials], ["train"]))
    untrained = [one.point for one in shown.unknown if point_key(one.point) not in known_scores.unscored]

    st.markdown(words.difference(found.recorded, shown, objective, name, found.max_trials), anchors=False)
    st.caption(words.ending(shown, found.max_trials))
    parted = parting(found.recorded, shown)
    if parted is not None and chosen.recorded(found):
        st.warning("These are the search's own rules, yet its recorded path does not follow from its scores: a part of "
                   "its record is missing, or another version made it.", icon=":material/warning:")  # fmt: skip
    for sentence in [*words.not_judged(known_scores.unscored, known_scores.other_images, name),
                     words.changed_text(found.changed, known_scores.scores)]:  # fmt: skip
        if sentence:
            st.warning(sentence, icon=":material/warning:")
    best = None if shown.best is None else point_key(shown.best.point)
    bounds = "" if best is None else parts.interval_text(found, chosen, best, known_scores, redraws)
    parts.headline(found, chosen, shown, len(untrained), costs, name, bounds)
    st.subheader("Both paths", anchor=False)
    rows = [words.path_rows(found.recorded, "Recorded (val accuracy)", "accuracy", {}),
            words.path_rows(shown, f"Under these rules ({name})", objective, known_scores.scores)]  # fmt: skip
    show(draw(paths, pd.concat(rows, ignore_index=True), list(found.names), parted.cycle if parted else None),
         key="whatif_paths", alt="The recorded path, below it the replayed one; a column a cycle, a lane a coordinate",
         )  # fmt: skip
    parts.choices(found, chosen, shown, known_scores, redraws, name)
    parts.path_view(found, chosen, shown, known_scores)
    if untrained:
        st.subheader("Points that nobody has trained", anchor=False)
        st.caption("The replay stops here until their scores are known; then it may ask for more.")
        offer(found, untrained, costs, key="whatif_needed", primary=True)
    progress(found)
    noise(found, chosen, redraws, costs)
    confirm_if_asked()


def page(search: dict[str, Any]) -> None:
    if not climbs(search):
        st.info("This search trained every point of a list, so it went no way that other rules could change. Compare "
                "its trials on the page Compare.", icon=":material/compare_arrows:")  # fmt: skip
        return
    found = known(search, read("trials", search["search_id"]), read("cycles", search["search_id"]))
    if found is None or not found.recorded.decisions:
        st.info("No cycle of this search has finished yet; it can be replayed from the first one on.",
                icon=":material/hourglass_top:")  # fmt: skip
        return
    origin = " Synthetic cells: these figures say nothing of medicine." if synthetic(search) else ""
    st.caption(
        "The search's own rules, replayed with the scores that its trials have. Nothing is trained unless you ask for "
        f"it, and the recorded search stays as it is.{origin}"
    )
    what_if(found)


search_id = search_choice(read("listing"))
search = None if search_id is None else record("search", search_id)
if search is None:
    st.info("There is no search yet. Launch one on the page Searches.", icon=":material/rocket_launch:")
else:
    page(search)
