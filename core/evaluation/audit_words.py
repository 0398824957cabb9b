"""What a shortcut audit means, in words: sentences, and a badge for beside an accuracy. Pure functions, no I/O.

An audit asks how far one gets without looking at the cell. Its features are `SHORTCUTS`, and the 16 x 16 thumbnail,
which is reported but never called a pure shortcut: it shows the cell a little.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

SHORTCUTS: Final = ("histogram", "corners", "border", "file")  # features in which there is no cell, or only its colour
FEATURES: Final = (*SHORTCUTS, "thumbnail")
FOLDS: Final = 5  # of an audit's cross-validation, where every class has images for so many
HIGH: Final = 0.8  # share of a model's lead over chance from which its accuracy says little about cells
SOME: Final = 0.4

ALONE: Final = {
    "histogram": "colour alone",
    "corners": "the four corners alone",
    "border": "the border alone",
    "file": "facts of the files alone",
    "thumbnail": "a 16 x 16 thumbnail",
}
SHORT: Final = {
    "histogram": "colour", "corners": "corners", "border": "border", "file": "file facts", "thumbnail": "thumbnail",
}  # fmt: skip
THUMBNAIL_NOTE: Final = (
    "The 16 x 16 thumbnail is reported but not counted as a shortcut: it shows the cell itself a little."
)
GUESSED: Final = (
    "Sources are guessed from names, image sizes and JPEG quality, so that facts of the files predict them well says "
    "nothing; the page Data shows the guess and lets you edit it."
)
NO_PATIENTS: Final = "No patient is identifiable (no patient column), so no split here is known to be patient-disjoint."

Table = Mapping[str, Mapping[str, int]]  # images by source, then class; pairs without images may be missing


@dataclass(frozen=True)
class Badge:
    """What stands beside an accuracy. `level` is high, some, low or not audited."""

    level: str
    text: str
    sentence: str


def lead_over_chance(baseline_accuracy: float, model_accuracy: float, chance: float) -> float | None:
    """The share of a model's lead over chance that a baseline has too, in [0, 1].

    (baseline - chance) / (model - chance), cut to [0, 1]: a baseline below chance has none of it, one above the model
    all. None when the model has no lead over chance, of which there could be a share.
    """
    if model_accuracy <= chance:
        return None
    share = (baseline_accuracy - chance) / (model_accuracy - chance)
    return min(max(round(share, 12), 0.0), 1.0)  # 0.84 against 1 with chance 0.2 is 0.8, in binary too


def best_shortcut(accuracies: Mapping[str, float]) -> str | None:
    """The feature of SHORTCUTS with the highest accuracy, by feature; None where none was audited."""
    known = [feature for feature in SHORTCUTS if feature in accuracies]
    return max(known, key=lambda feature: accuracies[feature], default=None)


def sentence(
    accuracies: Mapping[str, float], chance: float, model_accuracy: float | None = None, measured: str = ""
) -> str:
    """What follows for a model, in one sentence, from the best of the SHORTCUTS.

    Args:
        accuracies: cross-validated accuracy of predicting the class, by feature; others than SHORTCUTS do not count.
        chance: share of the largest class.
        model_accuracy: of the model beside whose accuracy it stands; None for the dataset itself.
        measured: whose accuracy that is and on what, such as "best trial on val".
    """
    feature = best_shortcut(accuracies)
    if feature is None:
        return "This dataset has not been audited for shortcuts, so nothing is known of what its accuracies rest on."
    accuracy = accuracies[feature]
    figures = f"{feature} {accuracy:.3f}, chance {chance:.3f}"
    if model_accuracy is None:
        return alone(feature, "class", accuracy, chance)
    share = lead_over_chance(accuracy, model_accuracy, chance)
    if share is None:
        return f"This model has no lead over chance ({measured or 'model'} {model_accuracy:.3f}, {figures})."
    figures += f", {measured or 'model'} {model_accuracy:.3f}"
    if share == 0:
        return f"None of this model's lead over chance can be had without looking at the cell (best: {figures})."
    return f"{percent(share)} of this model's lead over chance can be had from {ALONE[feature]} ({figures})."


def alone(feature: str, target: str, accuracy: float, chance: float) -> str:
    """What a feature says of a target, "class" or "source", in one sentence."""
    words = ALONE[feature]
    verb = "predict" if words.startswith(("facts", "the four")) else "predicts"
    return f"{_capital(words)} {verb} the {target} with accuracy {accuracy:.3f} (chance {chance:.3f})."


def badge(
    accuracies: Mapping[str, float], chance: float | None, model_accuracy: float | None = None, *,
    confounded: bool = False, measured: str = "",
) -> Badge:  # fmt: skip
    """A badge for beside a headline accuracy.

    Rules, the first that holds:
    - not audited: there is no accuracy of any of the SHORTCUTS, or no chance.
    - high: the best shortcut has at least 0.8 of the model's lead over chance, or class and source are confounded
      (whoever knows the source knows something of the class, and these data cannot show how well another source goes).
    - some: at least 0.4 of the lead.
    - low: less; or the model has no lead over chance, and there is nothing to explain.
    Without a model's accuracy the lead is that of a model that is always right: the share is then the least that any
    model's can be.

    Args:
        accuracies, chance, model_accuracy, measured: as `sentence` takes them.
        confounded: whether each class comes from one source only, see `confounded`.
    """
    feature = best_shortcut(accuracies)
    if feature is None or chance is None:
        return Badge("not audited", "Shortcut: not audited", sentence({}, 0.0))
    said = sentence(accuracies, chance, model_accuracy, measured)
    if confounded:
        said += " Each class comes from one source only: recognising the source is enough to do better than chance."
    share = lead_over_chance(accuracies[feature], 1.0 if model_accuracy is None else model_accuracy, chance)
    if model_accuracy is None:
        text = f"Shortcut: {SHORT[feature]}, accuracy {accuracies[feature]:.3f}"
    elif share is None:
        text = "Shortcut: no lead over chance"
    else:
        text = f"Shortcut: {SHORT[feature]}, {percent(share)} of the lead"
    if share is not None and share >= HIGH:
        return Badge("high", text, said)
    if confounded:
        return Badge("high", f"{text}, one source a class", said)
    return Badge("some" if share is not None and share >= SOME else "low", text, said)


def confounded(table: Table) -> bool:
    """Whether class and source are fully confounded: two sources or more, and each class comes from one of them."""
    return len(_named(table)) > 1 and all(len(sources) == 1 for sources in _sources_of(table).values())


def source_facts(table: Table, *, unknown: int = 0, patients: bool = False) -> list[str]:
    """What follows from which classes come from which source, and what cannot be known, a sentence each.

    Args:
        table: images by source, then class, of the images whose source is known.
        unknown: number of images whose source is not known.
        patients: whether a manifest has a patient column (no split uses it).
    """
    named, by_class = _named(table), _sources_of(table)
    facts = []
    if not named:
        facts.append("No source is known or could be guessed: whether a model recognises the source cannot be told.")
    elif len(named) == 1:
        facts.append(f"All images of known source come from {named[0]}: nothing here shows how a model does elsewhere.")
    else:
        if confounded(table):
            facts.append(
                "Class and source are fully confounded: each class comes from one source only, so no accuracy on these "
                "data can tell recognising the cell from recognising the source."
            )
        for source in named:
            only = [name for name, sources in by_class.items() if sources == [source]]
            if only:
                facts.append(
                    f"{source} is the only source of {_all_of(only)}. How well {_all_of(only)} "
                    f"{'is' if len(only) == 1 else 'are'} recognised elsewhere cannot be known from these data."
                )
    if unknown and named:
        facts.append(f"Of {unknown:,} {'image' if unknown == 1 else 'images'} the source is not known.")
    facts.append(
        "A manifest names patients, but no split uses them, so no split here is known to be patient-disjoint."
        if patients
        else NO_PATIENTS
    )
    return facts


def folds_note(target: str, folds: int, usual: int) -> str:
    """Why there are fewer folds than usual; '' where there are not."""
    if folds >= usual:
        return ""
    return (
        f"{folds} folds, not {usual}: the rarest {target} has only {folds} groups of images that show different cells, "
        "and each fold needs one. Its figures rest on few images."
    )


def percent(share: float) -> str:
    """A share for people: '87 %'; 100 % only where it is all of it."""
    return f"{100 if share >= 1 else min(round(100 * share), 99)} %"


def _named(table: Table) -> list[str]:
    return [source for source, counts in table.items() if sum(counts.values())]


def _sources_of(table: Table) -> dict[str, list[str]]:
    """The sources of each class."""
    names = sorted({name for counts in table.values() for name, number in counts.items() if number})
    return {name: [source for source, counts in table.items() if counts.get(name)] for name in names}


def _all_of(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
