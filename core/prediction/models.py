"""Which models can read images, from the journals: every finished trial with its weights here, and saved fusions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.evaluation.robustness import trial_in
from core.learning.settings import ModelError
from core.paths import trial_folder, trial_name
from core.search.followed import latest, outline, stated
from core.search.state import SearchState
from store.journal import journal_folder

FUSION: Final = "f-"  # a fusion's id begins so


@dataclass(frozen=True)
class ModelEntry:
    """One model.

    Attributes:
        model_id: of the trial or the fusion.
        name: for people.
        kind: "search" (the model that a search chose), "trial" (another one of it) or "fusion".
        classes: in the order of its probabilities.
        dataset_id: of the data that it was trained on.
        trial_ids: whose weights answer; of a trial, its own.
        weights: of each in a fusion.
        rule: of a fusion: "average" or "vote".
    """

    model_id: str
    name: str
    kind: str
    classes: tuple[str, ...]
    dataset_id: str
    trial_ids: tuple[str, ...]
    weights: tuple[float, ...] = (1.0,)
    rule: str = "average"


def models(home: Path) -> list[ModelEntry]:
    """All of them: those of searches, newest first, each before its other trials; then fusions, newest first."""
    found: list[ModelEntry] = []
    gone = _deleted(home)
    for folder in sorted(journal_folder(home, "s-").parent.glob("s-*"), reverse=True):
        if folder.name not in gone:
            found += _of_search(home, folder.name)
    known = {entry.model_id: entry for entry in found}
    return found + [_fusion(record, known) for record in _fusions(home) if _whole(record, known)]


def entry(home: Path, target: str) -> ModelEntry:
    """The model that a person means: the id of a trial, of a fusion, or of a search for the model that it chose.

    Raises ModelError when there is none that can read images.
    """
    if target.startswith(FUSION):
        record = next((record for record in _fusions(home) if record["fusion_id"] == target), None)
        if record is None:
            raise ModelError(f"There is no fusion {target} in {home}.")
        known = {}
        for trial_id in record["trial_ids"]:
            known[trial_id] = entry(home, str(trial_id))
        if not _whole(record, known):
            raise ModelError(f"The members of fusion {target} know different classes, so they cannot answer together.")
        return _fusion(record, known)
    try:
        trial_id = trial_in(_known_state(home, target.partition(".")[0]), target)
    except ValueError as error:
        raise ModelError(str(error)) from error
    search_id = trial_id.partition(".")[0]
    found = next((one for one in _of_search(home, search_id) if one.model_id == trial_id), None)
    if found is None or search_id in _deleted(home):
        raise ModelError(f"Trial {trial_id} has no weights here; only a trial that has finished its training does.")
    return found


def model_folder(home: Path, model_id: str) -> Path:
    """Where what was made for a model lies: a trial's weights; a fusion's calibration."""
    return home / "fusions" / model_id if model_id.startswith(FUSION) else trial_folder(home, model_id)


def _of_search(home: Path, search_id: str) -> list[ModelEntry]:
    state = _state(home, search_id)
    if state.fact is None or state.data is None:
        return []
    event = state.event or {}
    own = event.get("model_trial_id") or event.get("best_trial_id")
    found = []
    for trial in state.ordered():
        trial_id = str(trial.fact["trial_id"])
        classes = _classes(trial_folder(home, trial_id)) if trial.status == "COMPLETE" else None
        if classes is not None:
            name, kind = f"{state.fact['name'] or search_id}: {trial_name(trial_id)}", "trial"
            if trial_id == own:
                kind = "search"
            found.append(ModelEntry(trial_id, name, kind, classes, str(state.data["dataset_id"]), (trial_id,)))
    return sorted(found, key=lambda one: one.kind != "search")


def _state(home: Path, search_id: str) -> SearchState:
    return SearchState(home, search_id).fold(outline(home, search_id).records())


def _known_state(home: Path, search_id: str) -> SearchState:
    """Raises ModelError where there is no such search."""
    state = _state(home, search_id)
    if state.fact is None or search_id in _deleted(home):
        raise ModelError(f"There is no search {search_id} in {home}.")
    return state


def _classes(folder: Path) -> tuple[str, ...] | None:
    """Of the weights in a folder; None where there are none that can be used."""
    try:
        return tuple(str(one) for one in json.loads((folder / "weights.json").read_text())["classes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _fusions(home: Path) -> list[dict[str, Any]]:
    """The saved fusions that were not taken back, newest first."""
    return latest(stated(home).records(), "fusion")


def _deleted(home: Path) -> set[str]:
    return {str(record["search_id"]) for record in stated(home).records() if record["kind"] == "tombstone"}


def _whole(record: dict[str, Any], known: dict[str, ModelEntry]) -> bool:
    members = [known.get(str(trial_id)) for trial_id in record["trial_ids"]]
    return all(one is not None and one.classes == members[0].classes for one in members if members[0] is not None)


def _fusion(record: dict[str, Any], known: dict[str, ModelEntry]) -> ModelEntry:
    trial_ids = tuple(str(trial_id) for trial_id in record["trial_ids"])
    name = f"{record['name']} ({record['rule']} of {len(trial_ids)})"
    weights = tuple(float(weight) for weight in record["weights"])
    return ModelEntry(
        str(record["fusion_id"]), name, "fusion", known[trial_ids[0]].classes, str(record["dataset_id"]), trial_ids,
        weights, str(record["rule"]),
    )  # fmt: skip
