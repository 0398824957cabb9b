"""The rules that a person sets: objective, patience, coordinate order, last or best epoch. All in the address."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import streamlit as st

from core.evaluation.objectives import OBJECTIVES, Objective
from pages.charts.wording import LONG
from pages.components.whatif_search_known import Known

RECORDED = "as recorded"
EPOCHS = {False: "Last epoch", True: "Best epoch"}
_PATIENCES = tuple(range(1, 9))


@dataclass(frozen=True)
class Rules:
    """What a replay goes by."""

    objective: Objective
    patience: int
    order: tuple[str, ...]
    best_epoch: bool = False

    def recorded(self, known: Known) -> bool:
        """Whether they are those of the search itself: its accuracy at each trial's last epoch."""
        plain = self.objective.name == "accuracy" and not self.best_epoch
        return plain and self.patience == known.patience and self.order == known.names


def rules(known: Known, classes: list[str]) -> Rules:
    """The widgets. What the study does not print is not offered for the published search."""
    predicted = not known.published
    with st.container(border=True):
        grid = st.grid(4, min_column_width=190)
        with grid.cell():
            name = _objective_name(predicted and bool(classes))
        with grid.cell():
            patience = st.selectbox(
                "Patience (cycles)", [known.patience, *(n for n in _PATIENCES if n != known.patience)], key="patience",
                format_func=lambda number: RECORDED if number == known.patience else str(number), bind="query-params",
                help=f"DE_COUNT at which the search stops. Recorded: {known.patience}.",
            )  # fmt: skip
        with grid.cell():
            orders = list(itertools.permutations(known.names))
            order = st.selectbox(
                "Coordinate order", orders, key="order", bind="query-params",
                format_func=lambda names: RECORDED if names == known.names else order_text(names),
                help="It decides who wins a tie at the top of a cycle, and whom a limit on the trials leaves out. "
                f"Nothing else depends on it: every coordinate is tried in every cycle. Recorded: "
                f"{order_text(known.names)}.",
            )  # fmt: skip
        with grid.cell():
            best = st.segmented_control(
                "Judge a trial by its", list(EPOCHS), format_func=EPOCHS.__getitem__, default=False, required=True,
                key="judged_by", bind="query-params", disabled=not predicted,
                help="The recorded rule is the last epoch, whose weights are kept. The best of many epochs is too good "
                "on average, and a trial continued by more epochs can then never lose to its parent."
                if predicted else "The study prints the last epoch alone.",
            )  # fmt: skip
        objective = Objective(name) if name != "sensitivity" else _sensitivity(classes)
    return Rules(objective, int(patience), tuple(order), bool(best) and predicted)


def order_text(names: tuple[str, ...]) -> str:
    return ", ".join(LONG.get(name, name) for name in names)


def objective_text(objective: Objective, classes: list[str]) -> str:
    """'sensitivity of myeloblast at specificity 0.95'."""
    if objective.name != "sensitivity":
        return OBJECTIVES[objective.name]
    name = classes[objective.class_index] if objective.class_index < len(classes) else "a class"
    return f"sensitivity of {name} at specificity {objective.specificity:g}"


def _objective_name(predicted: bool) -> str:
    """A key of OBJECTIVES; `predicted` says whether there are the probabilities that most of them need."""
    name = st.selectbox(
        "Objective", list(OBJECTIVES) if predicted else ["accuracy", "loss"], format_func=OBJECTIVES.__getitem__,
        key="objective", bind="query-params",
        help="What the search maximises on the validation images (of the loss, what it minimises). Recorded: accuracy."
        + ("" if predicted else " The study prints no probabilities, which the others need."),
    )  # fmt: skip
    return str(name)


def _sensitivity(classes: list[str]) -> Objective:
    """Class and specificity, in a row of their own."""
    grid = st.grid(4, min_column_width=190)
    with grid.cell():
        of_class = st.selectbox("Class", classes, key="of_class", bind="query-params")
    with grid.cell():
        specificity = st.number_input(
            "Specificity, at least", min_value=0.5, max_value=1.0, value=0.95, step=0.01, format="%.3f",
            key="at_specificity", bind="query-params",
            help="Of the images of other classes at least this share must not be called the class.",
        )  # fmt: skip
    return Objective("sensitivity", classes.index(str(of_class)), float(specificity))
