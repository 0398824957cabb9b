"""What the journals, the description of the data and the files beside the weights say of a model: a card's facts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.data.dataset import SPLITS, Dataset, DatasetError
from core.data.external import ExternalError, described
from core.data.pairs import leak_sentence
from core.data.sources import Told, class_table, patient_column, told_sources
from core.evaluation import external, scoping
from core.evaluation.audit import CLASS
from core.evaluation.audit_words import badge, confounded, source_facts
from core.evaluation.auditing import recorded as audits_of
from core.evaluation.scope import ALPHA, MAHALANOBIS
from core.evaluation.scope_summary import verdict
from core.learning.recipes import PLAIN, RECIPES
from core.learning.settings import ModelError
from core.learning.weights_hash import weights_hash
from core.paths import trial_folder
from core.prediction.calibration import load_calibration
from core.prediction.card_outcomes import judged, outputs, said, together
from core.prediction.card_readings import readings_of
from core.prediction.checks_file import load_limits
from core.prediction.models import ModelEntry, model_folder
from core.prediction.onnx_files import FACTS as ONNX_FACTS
from core.prediction.reader import joined_hash
from core.search.state import SearchState

RUNTIMES = ("torch", "onnx")
DETAILS = ("image_size", "learning_rate", "batch_size", "epochs", "seed", "optimiser", "weight_decay", "average",
           "norm_images", "smoothing", "frozen")  # fmt: skip

Facts = dict[str, Any]


def facts_of_trial(home: Path, model: ModelEntry, licence: str | None = None) -> Facts:
    """All that is known of a trial's model. Raises ModelError where its weights cannot be read."""
    [trial_id] = model.trial_ids
    state = SearchState(home, trial_id.partition(".")[0])
    state.update()
    trial, weights = state.trials[trial_id], _weights(trial_folder(home, trial_id))
    data = _dataset(home, model.dataset_id)
    told = {} if data is None else told_sources(home, data)
    accuracy = {split: judged(found, model) for split in ("val", "test") if (found := outputs(trial, split))}
    elsewhere = {
        pair.external_id: found
        for pair, record in external.recorded(home, trial_id.partition(".")[0]).items()
        if pair.trial_id == trial_id and (found := said(record, len(model.classes)))
    }
    settings = weights.get("settings") or {}
    recipe = str(settings.get("recipe", PLAIN))
    return {
        "model": _model(home, model) | {
            "backbone": weights["backbone"], "image_size": weights["image_size"],
            "initial_weights": weights["initial_weights"], "training_version": weights["training_version"],
            "begun_at": trial.fact["at"], "finished_at": (trial.evaluation or {}).get("at"),
            "code": ((state.fact or {}).get("environment") or {}).get("code"), "onnx": _onnx(home, trial_id),
        },
        "data": _data(model, data, told, licence, bool(weights["synthetic"])),
        "training": {
            "recipe": recipe, "recipe_does": RECIPES[recipe].what if recipe in RECIPES else None,
            "settings": {name: settings[name] for name in DETAILS if name in settings},
            "input": settings.get("input"), "search": (state.fact or {}).get("name"),
        },
        "accuracy": accuracy,
        "elsewhere": [_elsewhere(home, one, judged(found, model)) for one, found in elsewhere.items()],
        "shortcuts": _shortcuts(home, model, data, told, accuracy.get("test")),
        "calibration": _calibration(home, model),
        "readings": _readings(home, model),
        "image_checks": _checks(home, trial_id),
        "out_of_scope": _scope(home, trial_id),
        "doubts": _doubts(data, told, model),
    }  # fmt: skip


def facts_of_fusion(home: Path, model: ModelEntry, members: Sequence[ModelEntry], licence: str | None = None) -> Facts:
    """What is known of a fusion as a whole; what only its members know stands on their cards."""
    data = _dataset(home, model.dataset_id)
    told = {} if data is None else told_sources(home, data)
    trials, elsewhere = [], []
    for member in members:
        state = SearchState(home, member.model_id.partition(".")[0])
        state.update()
        trials.append(state.trials[member.model_id])
        elsewhere.append({
            pair.external_id: said(record, len(model.classes))
            for pair, record in external.recorded(home, member.model_id.partition(".")[0]).items()
            if pair.trial_id == member.model_id
        })  # fmt: skip
    accuracy = {}
    for split in ("val", "test"):
        if (found := together([outputs(trial, split) for trial in trials], model)) is not None:
            accuracy[split] = judged(found, model)
    outside = []
    for external_id in elsewhere[0]:
        found = together([one.get(external_id) for one in elsewhere], model)
        if found is not None:
            outside.append(_elsewhere(home, external_id, judged(found, model)))
    synthetic = any(_weights(trial_folder(home, member.model_id))["synthetic"] for member in members)
    return {
        "model": _model(home, model) | {
            "rule": model.rule, "members": dict(zip(model.trial_ids, model.weights, strict=True)),
        },
        "data": _data(model, data, told, licence, synthetic),
        "accuracy": accuracy,
        "elsewhere": outside,
        "shortcuts": _shortcuts(home, model, data, told, accuracy.get("test")),
        "calibration": _calibration(home, model),
        "readings": _readings(home, model),
        "doubts": _doubts(data, told, model),
    }  # fmt: skip


def _model(home: Path, model: ModelEntry) -> Facts:
    return {
        "name": model.name, "id": model.model_id, "kind": model.kind, "classes": list(model.classes),
        "weights_sha256": _digest(home, model),
    }  # fmt: skip


def _digest(home: Path, model: ModelEntry) -> str:
    return joined_hash(model, [weights_hash(trial_folder(home, one)) for one in model.trial_ids])


def _data(
    model: ModelEntry, data: Dataset | None, told: dict[int, Told], licence: str | None, synthetic: bool
) -> Facts:
    found: Facts = {"id": model.dataset_id, "name": None, "synthetic": synthetic, "licence": licence}
    if data is None:
        return found | {"images": None, "sources": None, "told_by": None, "patients": None, "split": None}
    counts = data.counts()
    named = Counter(told[image.image_id].source if image.image_id in told else None for image in data.usable)
    return found | {
        "name": data.name,
        "images": {name: {split: counts[name][split] for split in SPLITS} for name in data.classes},
        "sources": {str(name): number for name, number in sorted(named.items(), key=lambda one: -one[1])
                    if name is not None} or None,
        "sources_unknown": named[None], "told_by": sorted({one.by for one in told.values() if one.source}),
        "patients": patient_column(data.root), "split": data.split_origin, "left_out": len(data.bad),
    }  # fmt: skip


def _dataset(home: Path, dataset_id: str) -> Dataset | None:
    try:
        return described(home, dataset_id)
    except (ExternalError, DatasetError):
        return None


def _weights(folder: Path) -> Facts:
    try:
        found: Facts = json.loads((folder / "weights.json").read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"There are no usable weights in {folder}; train the trial again.") from error
    return found


def _elsewhere(home: Path, external_id: str, judged: Facts) -> Facts:
    other = _dataset(home, external_id)
    sources = None if other is None else sorted({
        told.source for told in told_sources(home, other).values() if told.source
    })  # fmt: skip
    return {"id": external_id, "name": None if other is None else other.name, "sources": sources} | judged


def _shortcuts(home: Path, model: ModelEntry, data: Dataset | None, told: dict[int, Told], test: Facts | None) -> Facts:
    """What the audit of the data says beside the accuracy on the test images."""
    kept = audits_of(home, model.dataset_id)
    accuracies = {feature: audit.accuracy for (feature, target), (audit, _) in kept.items() if target == CLASS}
    chance = next((audit.chance for (_, target), (audit, _) in kept.items() if target == CLASS), None)
    one_each = data is not None and confounded(_table(data, told))
    found = badge(
        accuracies, chance, None if test is None else test["accuracy"], confounded=one_each,
        measured="" if test is None else "this model on test",
    )  # fmt: skip
    return {
        "verdict": found.level, "says": found.sentence, "accuracies": accuracies, "chance": chance,
        "one_source_a_class": one_each if data is not None else None,
    }  # fmt: skip


def _table(data: Dataset, told: dict[int, Told]) -> dict[str, dict[str, int]]:
    return class_table({image_id: one.source for image_id, one in told.items()}, data.usable)


def _calibration(home: Path, model: ModelEntry) -> Facts:
    """By runtime; nothing where it is not calibrated, or where what lies there is of other weights."""
    digest = _digest(home, model)
    found: Facts = {}
    for runtime in RUNTIMES:
        try:
            kept = load_calibration(model_folder(home, model.model_id), runtime, digest, model.classes)
        except ModelError:
            continue
        if kept is not None:
            images = [len(one) for one in kept.sets.known]
            found[runtime] = {
                "temperature": kept.temperature, "images": dict(zip(kept.classes, images, strict=True)),
                "coverage": kept.coverage(), "asked_for": 1 - kept.sets.alpha, "watched": kept.watched,
            }  # fmt: skip
    return found


def _readings(home: Path, model: ModelEntry) -> list[Facts]:
    """How far its readings hold, of these weights; empty where that is not measured."""

    def name(dataset_id: str) -> str | None:
        data = _dataset(home, dataset_id)
        return None if data is None else data.name

    return readings_of(home, model.model_id, _digest(home, model), name)


def _checks(home: Path, trial_id: str) -> Facts | None:
    folder = trial_folder(home, trial_id)
    try:
        limits = load_limits(folder, weights_hash(folder))
    except ModelError:
        return None
    return None if limits is None else {"training_images": limits.n}


def _scope(home: Path, trial_id: str) -> Facts | None:
    """The out-of-scope score at its usual level: false alarms on test images, and what it finds of each set."""
    known = scoping.known(home, trial_id)
    if known is None:
        return None
    name = f"calibration_{MAHALANOBIS}", f"test_{MAHALANOBIS}"
    sets, alarms = [], None
    for outside_id, result in {"": {MAHALANOBIS: [], "classes": []}, **known.results}.items():
        found = verdict(
            known.fitted[name[0]], known.fitted[name[1]], result[MAHALANOBIS], result["classes"], ALPHA
        )  # fmt: skip
        alarms = found.alarms
        if outside_id:
            other = _dataset(home, outside_id)
            sets.append({
                "id": outside_id, "name": None if other is None else other.name, "flagged": found.flagged.flagged,
                "images": found.flagged.n, "low": found.flagged.low, "high": found.flagged.high,
            })  # fmt: skip
    assert alarms is not None
    return {
        "level": ALPHA, "calibration_images": known.scope.n, "sets": sets,
        "false_alarms": {"flagged": alarms.flagged, "images": alarms.n, "low": alarms.low, "high": alarms.high},
    }  # fmt: skip


def _onnx(home: Path, trial_id: str) -> Facts | None:
    """What the check of its ONNX graph found; None where there is none of these weights."""
    folder = trial_folder(home, trial_id)
    try:
        found = json.loads((folder / ONNX_FACTS).read_text())
        if found["weights_sha256"] != weights_hash(folder):
            return None
        return {name: found[name] for name in ("sha256", "opset", "differences", "probes", "images")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _doubts(data: Dataset | None, told: dict[int, Told], model: ModelEntry) -> list[str]:
    """What follows from the data for what cannot be known, a sentence each."""
    if data is None:
        return [f"The data ({model.dataset_id}) are not described here any more, so their sources cannot be told."]
    table = _table(data, told)
    unknown = len(data.usable) - sum(sum(counts.values()) for counts in table.values())
    found = source_facts(table, unknown=unknown, patients=patient_column(data.root) is not None)
    leaks = leak_sentence(data.leaks())
    if leaks:
        found.append(leaks)
    if not data.searched:
        found.append("Images that show the same cells were not looked for, so some may lie in two splits.")
    return found
