"""The parts of the page What-if: the search: headline figures, the two choices, the replayed path as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from core.search.replay import PointKey, Replay, epochs_to_train, point_key, same_choice
from pages.charts.wording import missing, share, short_point
from pages.components.csv_button import csv_button
from pages.components.facts import accuracy_interval, split_images
from pages.components.figures import Figure, figure_row
from pages.components.shortcut_badge import shortcut_line
from pages.components.whatif_search_known import Known
from pages.components.whatif_search_rules import Rules
from pages.components.whatif_search_scores import Redrawn, Scored, interval
from pages.components.whatif_search_time import training_seconds
from pages.components.whatif_search_words import move, path_table, score_text
from pages.components.words import span


def headline(known: Known, rules: Rules, shown: Replay, untrained: int, costs: dict[int, float], name: str,
             bounds: str) -> None:  # fmt: skip
    """What is another, and what it saves or costs."""
    cost, seconds = _needed(known, shown, untrained, costs)
    label, saved, below, note = _saved(known, shown, costs)
    figures = [
        Figure("Choice", _choice_word(known, shown), _best_word(shown),
               "The best point at the end." if shown.finished else "Below it the best point so far."),
        Figure(f"Its {name}" if rules.objective.name != "sensitivity" else "Its sensitivity",
               score_text(shown.best_score, rules.objective.name), bounds or "interval unknown",
               f"{name.capitalize()} of that point on the validation images; below it the 95 % interval."),
        Figure(label, saved, below, note),
        Figure("Points nobody trained", f"at least {untrained}" if untrained else "none",
               f"{cost} epochs, {'time unknown' if seconds is None else f'about {span(seconds)}'}" if untrained else
               "all scores are known", "Points that the replay asks for and that no trial has. At least: what follows "
               "depends on their scores."),
    ]  # fmt: skip
    figure_row(figures, key="whatif_figures")
    accuracy = shown.best_score if rules.objective.name == "accuracy" else None
    shortcut_line(known.search["dataset_id"], accuracy, "best replayed trial on val")


def choices(known: Known, rules: Rules, shown: Replay, scored: Scored, redrawn: Redrawn | None, name: str) -> None:
    """The recorded choice beside the replayed one; the test accuracy is told and was never used."""
    images = split_images(known.search["dataset_id"], "val")
    rows: list[dict[str, object]] = []
    for label, path in (("recorded", known.recorded), ("under these rules", shown)):
        row = None if path.best is None else known.trials.get(point_key(path.best.point))
        if row is None or path.best is None:
            rows.append({"path": label})
            continue
        key = point_key(path.best.point)
        rows.append(
            {
                "path": label if path.finished else f"{label}, so far",
                "point": short_point(row),
                "score": score_text(scored.scores.get(key), rules.objective.name),
                "95 % interval": interval_text(known, rules, key, scored, redrawn),
                "test accuracy": share(row["test_accuracy"]),
                "val accuracy": share(row["val_accuracy"]),
                "its 95 % interval": accuracy_interval(row["val_accuracy"], images),
                "judged at epoch": scored.epochs.get(key),
                "trial": str(row["trial_id"]).partition(".")[2] or str(row["trial_id"]),
            }
        )
    table = pd.DataFrame(rows)
    if rules.objective.name == "accuracy" and not rules.best_epoch:  # the same numbers twice
        table = table.drop(columns=["val accuracy", "its 95 % interval"], errors="ignore")
    st.dataframe(
        table, hide_index=True, placeholder="–", key="whatif_choices", alt="The recorded and the replayed choice"
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        csv_button(lambda: table, f"{known.search['search_id']}-what-if-choices", "whatif_choices_csv")
        number = "an unknown number of" if images is None else f"{images:,}"
        text = f"Score: {name} on {number} validation images. Test accuracy: reported, never used to choose."
        if rules.best_epoch:
            text += " Val and test accuracy are of the last epoch: its weights are kept, those of the best are not."
        st.caption(text)


def path_view(known: Known, rules: Rules, shown: Replay, scored: Scored) -> None:
    """The replayed path, candidate by candidate."""
    names = {key: str(row["trial_id"]).partition(".")[2] for key, row in known.trials.items()}
    table = path_table(shown, scored.scores, names, rules.objective.name)
    with st.expander("The replayed path as a table", icon=":material/table_rows:"):
        st.dataframe(
            table, hide_index=True, placeholder="", key="whatif_path",
            column_config={"learning rate": st.column_config.NumberColumn(format="%.0e")},
            alt="The replayed path: its candidates, cycle by cycle, with score and what became of them",
        )  # fmt: skip
        csv_button(lambda: table, f"{known.search['search_id']}-what-if-path", "whatif_path_csv")


def interval_text(known: Known, rules: Rules, key: PointKey, scored: Scored, redrawn: Redrawn | None) -> str:
    """'0.9867 to 0.9991', or '' where it is unknown."""
    bounds = interval(known, rules, key, scored, redrawn, split_images(known.search["dataset_id"], "val"))
    if bounds is None:
        return ""
    texts = [score_text(bound, rules.objective.name) for bound in bounds]
    return " to ".join(texts[::-1] if rules.objective.name == "loss" else texts)


def _choice_word(known: Known, shown: Replay) -> str:
    if not shown.finished:
        return "not known"
    return "the same" if same_choice(known.recorded, shown) else "another"


def _best_word(shown: Replay) -> str:
    if shown.best is None:
        return "every trial failed"
    return f"{move(shown.best)}{f', cycle {shown.best.cycle}' if shown.best.cycle else ''}"


def _needed(known: Known, shown: Replay, untrained: int, costs: Mapping[int, float]) -> tuple[int, float | None]:
    """Epochs and seconds of the points that nobody trained, each from the start."""
    points = [candidate.point for candidate in shown.unknown if point_key(candidate.point) not in known.finished]
    pairs = [(int(point["batch_size"]), int(point["epochs"])) for point in points[:untrained]]
    return sum(epochs for _, epochs in pairs), training_seconds(costs, pairs, known.parallel)


def _saved(known: Known, shown: Replay, costs: Mapping[int, float]) -> tuple[str, str, str, str]:
    """Label, epochs that the path spares or costs against the recorded one, their time, and an explanation."""
    note = (
        "Epochs that the search would not have trained, or would have trained besides, at the measured seconds of an "
        "epoch; what it continues from a shorter trial is not counted. Final trainings are left out."
    )
    real, other = (epochs_to_train(path, reuse=known.reuse) for path in (known.recorded, shown))
    total, asked = sum(real.values()), sum(other.values())
    seconds = [training_seconds(costs, _pairs(path), known.parallel) for path in (real, other)]
    if not shown.finished or not known.recorded.finished:
        more = "" if shown.finished else "at least "
        return "Epochs saved", "not known", f"{more}{asked} instead of {total}", note
    label, of = ("Epochs saved", "of") if total >= asked else ("Epochs more", "than the recorded")
    number = str(abs(total - asked))
    if missing(seconds[0]) or missing(seconds[1]):
        return label, number, f"{of} {total}; time unknown", note
    time = (seconds[0] or 0.0) - (seconds[1] or 0.0)
    words = f"; about {span(time)} less" if time > 0 else f"; about {span(-time)} more" if time < 0 else ""
    return label, number, f"{of} {total}{words}", note


def _pairs(epochs: Mapping[PointKey, int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for key, number in epochs.items():
        point: dict[str, Any] = dict(key)
        found.append((int(point["batch_size"]), number))
    return found
