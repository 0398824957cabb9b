"""Journals of made-up searches that choose as the published one did, for tests and for building pages without training.

Only the journal API is used, so whatever reads these reads real ones. Deterministic for a seed, but for file names.
"""

from __future__ import annotations

import base64
import hashlib
import math
import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.data.cells import draw_cell
from store.journal import CONTROLLER_VERDICT_SEQ, JournalWriter, journal_folder
from store.published import published_records

CLASSES = ("basophil", "erythroblast", "monocyte", "myeloblast", "seg_neutrophil")
EPOCH_SECONDS = 20.0


def write_search(
    home: Path, *, search_id: str | None = None, trials: int = 13, epochs: int = 5, classes: int = 5,
    n_train: int = 200, n_val: int = 60, n_test: int = 60, n_calibration: int = 40,
    status: str = "COMPLETE", final: bool = True, seed: int = 0, lost: bool = False, pictures: Path | None = None,
) -> str:  # fmt: skip
    """Write all journals of one search and return its id.

    Args:
        trials: how many of the published 13 trials were started (1 to 13), not counting the final one.
        epochs: of the initial trial; a coordinate step multiplies it by 1.2, and adds at least 1.
        n_train, n_val, n_test, n_calibration: images in each split.
        status: COMPLETE (all trials, then a final one unless `final` is false), RUNNING (the last trial is in the
            middle, this process's pid beats), STOPPED (the last trial stopped in the middle), FAILED (the last trial
            failed, and with it the search), WAITING (a search record and nothing else).
        lost: with RUNNING: the last sign of life is ten minutes old, from a process that is gone.
        pictures: a folder in which to draw the val and test images (synthetic cells of 48 px); without it there are
            no image files at all.
    """
    search_id = search_id or f"s-20261124-101500-{seed:06x}"
    return _Writer(home, search_id, epochs, classes, seed, status, lost, pictures).write(
        trials, {"train": n_train, "calibration": n_calibration, "val": n_val, "test": n_test}, final
    )


@dataclass
class _Writer:
    home: Path
    search_id: str
    epochs: int
    classes: int
    seed: int
    status: str
    lost: bool
    pictures: Path | None = None
    clock: datetime = field(init=False)
    scores: dict[str, float] = field(default_factory=dict)
    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by trial, one entry an epoch

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        # Ends about now; times are made up, so that durations look like training.
        self.clock = datetime.now(UTC) - timedelta(seconds=EPOCH_SECONDS * self.epochs * 16)
        self.names = [*CLASSES, *(f"class_{i}" for i in range(5, self.classes))][: self.classes]
        self.folder = journal_folder(self.home, self.search_id)
        self.controller = JournalWriter(self.folder, "controller", 1)
        self.pid = 2**22 + 1 if self.lost else os.getpid()  # above the highest pid that Linux gives by default

    def write(self, trials: int, sizes: dict[str, int], final: bool) -> str:
        self.images(sizes)
        self.say("search", name=f"Made-up search {self.seed}", origin="own", objective="val_accuracy", patience=2,
                 settings={"preset": "quick", "backbone": "inception_v3", "image_size": 96, "seed": self.seed},
                 command=f"python -m core search --data made-up --seed {self.seed}",
                 environment={"python": "3.11", "host": platform.node(), "processor": "made up"})  # fmt: skip
        self.say("search_data", dataset_id=self.dataset_id)
        if self.status == "WAITING":
            return self.search_id
        self.say("search_event", attempt=1, status="RUNNING", **self.standing([]))
        facts = [record for record in published_records() if record["kind"] == "trial"][:-1][:trials]
        cycles: list[dict[str, Any]] = []
        for number in range(facts[-1]["cycle"] + 1):
            ids = [self.trial(facts, fact, fact is facts[-1]) for fact in facts if fact["cycle"] == number]
            whole = number == 0 or len(ids) == 3
            if not whole or (self.status in ("RUNNING", "STOPPED") and facts[-1]["cycle"] == number):
                break
            cycles.append(self.cycle(number, ids, cycles))
        model = None
        if self.status == "COMPLETE" and final:
            fact = {**max(facts, key=lambda fact: self.scores[self.own_id(fact)]), "position": len(facts)}
            fact |= {"cycle": None, "coordinate": "final", "trial_id": f"x.final-{self.seed + 1}"}
            model = self.trial([fact], fact, False)
        if self.status != "RUNNING":
            standing = {**self.standing(cycles), "model_trial_id": model}
            self.say("search_event", attempt=1, status=self.status, **standing)
        self.beat(self.controller, None, "train", None)
        return self.search_id

    # --- parts ------------------------------------------------------------------------------------------------

    def images(self, sizes: dict[str, int]) -> None:
        split = np.repeat(list(sizes), list(sizes.values()))
        self.rng.shuffle(split)
        self.true = np.sort(np.arange(len(split)) % self.classes)
        self.ids = {name: np.flatnonzero(split == name) for name in sizes}
        self.dataset_id = f"d-{self.seed:06x}-{len(split)}-{self.classes}"
        n = len(split)
        self.controller.append(
            "dataset", at=self.now(), dataset_id=self.dataset_id, name="made-up",
            root="made-up" if self.pictures is None else str(self.pictures), classes=self.names,
            split_origin="made", split_seed=self.seed, fractions={"train": 0.6}, synthetic=True, usable=n, bad=1,
        )  # fmt: skip
        columns = {
            "image_id": list(range(n + 1)),
            "path": [f"{self.names[c]}/{i:05d}.png" for i, c in enumerate(self.true)] + [f"{self.names[0]}/broken.jpg"],
            "sha256": [f"{i:064x}" for i in range(n + 1)],
            "pixel_sha256": [f"{i:064x}" for i in range(n)] + [None],
            "class": [self.names[c] for c in self.true] + [self.names[0]],
            "split": [*split.tolist(), None], "group_id": list(range(n + 1)), "source": ["synthetic"] * n + [None],
            "width": [96] * n + [None], "height": [96] * n + [None], "status": ["ok"] * n + ["bad"],
            "reason": [None] * n + ["the file ends early"],
        }  # fmt: skip
        for index in np.flatnonzero(np.isin(split, ["val", "test"])) if self.pictures else []:
            columns["sha256"][index] = self.draw(columns["path"][index], int(index))
        for start in range(0, n + 1, 2000):
            chunk = {name: values[start : start + 2000] for name, values in columns.items()}
            self.controller.append("images", at=self.now(), dataset_id=self.dataset_id, columns=chunk)

    def draw(self, path: str, index: int) -> str:
        """One image file; its SHA-256."""
        assert self.pictures is not None
        file = self.pictures / path
        file.parent.mkdir(parents=True, exist_ok=True)
        cell = draw_cell(CLASSES[self.true[index] % len(CLASSES)], 48, np.random.default_rng([self.seed, index]))
        Image.fromarray(cell).save(file)
        return hashlib.sha256(file.read_bytes()).hexdigest()

    def trial(self, facts: list[dict[str, Any]], fact: dict[str, Any], last: bool) -> str:
        trial_id = self.own_id(fact)
        epochs = self.own_epochs(fact)
        parent = None if fact["coordinate"] == "final" else self.parent(facts, fact)
        reused = self.own_epochs(parent) if parent else 0
        seed = self.seed + (fact["coordinate"] == "final")
        self.say(
            "trial", trial_id=trial_id, position=fact["position"], cycle=fact["cycle"], coordinate=fact["coordinate"],
            learning_rate=fact["learning_rate"], batch_size=fact["batch_size"], epochs=epochs, seed=seed,
            de_count=fact["de_count"], from_trial_id=self.own_id(parent) if parent else None, reused_epochs=reused,
            settings={"backbone": "inception_v3", "image_size": 96},
        )  # fmt: skip
        journal = JournalWriter(self.folder, trial_id.partition(".")[2], 1)
        ids = {"trial_id": trial_id, "search_id": self.search_id}
        event = {**ids, "attempt": 1, "pid": self.pid, "host": platform.node()}
        journal.append("trial_event", at=self.now(), **event, status="RUNNING", error=None)
        half = last and self.status in ("RUNNING", "STOPPED", "FAILED")
        wrong = _wrong_share(fact)
        history = list(self.histories[self.own_id(parent)]) if parent else []
        for epoch in range(1, max(1, epochs // 2) + 1 if half else epochs + 1):
            if epoch > reused:
                self.clock += timedelta(seconds=EPOCH_SECONDS)
                still = 0.0 if epoch == epochs else 0.6 * math.exp(-3 * epoch / epochs)
                history.append({name: self.split(name, wrong + (1 - wrong) * still) for name in ("train", "val")})
            results = history[epoch - 1]
            journal.append(
                "epoch", at=self.now(), **ids, epoch=epoch, reused=epoch <= reused, seconds=EPOCH_SECONDS,
                images_per_second=len(self.ids["train"]) / EPOCH_SECONDS,
                splits={name: metrics for name, (metrics, _) in results.items()},
                predictions={"val": results["val"][1]},
            )  # fmt: skip
            self.scores[trial_id] = results["val"][0]["accuracy"]
            journal.append("files", at=self.now(), **ids, bytes=90_000_000 + epoch)
        self.histories[trial_id] = history
        self.beat(journal, trial_id, "train" if half else "evaluate", epochs // 2 if half else epochs)
        if half and self.status == "STOPPED":
            journal.append("trial_event", at=self.now(), **event, status="STOPPED", error=None)
        elif half and self.status == "FAILED":
            error = f"The training process was ended by signal 9 at batch size {fact['batch_size']}."
            self.say("trial_event", seq=CONTROLLER_VERDICT_SEQ, **event, status="FAILED", error=error)
        elif not half:
            results = {name: self.split(name, wrong) for name in ("calibration", "test") if len(self.ids[name])}
            journal.append(
                "evaluation", at=self.now(), **ids, epoch=epochs,
                splits={name: metrics for name, (metrics, _) in results.items()},
                predictions={name: predictions for name, (_, predictions) in results.items()},
            )  # fmt: skip
            journal.append("trial_event", at=self.now(), **event, status="COMPLETE", error=None)
        journal.close()
        return trial_id

    def split(self, name: str, wrong: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """Metrics and predictions of a split of which the share `wrong`, rounded up, is taken for another class."""
        ids = self.ids[name]
        true = self.true[ids]
        n = len(ids)
        logits = self.rng.normal(size=(n, self.classes))
        told = true.copy()
        missed = self.rng.choice(n, size=min(n, math.ceil(wrong * n)), replace=False)
        told[missed] = (true[missed] + self.rng.integers(1, self.classes, size=len(missed))) % self.classes
        logits[np.arange(n), told] = logits.max(axis=1, initial=0) + self.rng.gamma(2.0, 1.0, size=n) + 0.1
        probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        probabilities = probabilities.astype("<f4")
        losses = -np.log(np.maximum(probabilities[np.arange(len(ids)), true], 1e-12)).astype(float)
        predicted = probabilities.argmax(axis=1)
        metrics: dict[str, Any] = {"loss": float(losses.mean()), "accuracy": float((predicted == true).mean())}
        hits = [(true == c, predicted == c) for c in range(self.classes)]
        metrics["support"] = [int(t.sum()) for t, _ in hits]
        metrics["tp"] = [int((t & p).sum()) for t, p in hits]
        metrics["fp"] = [int((~t & p).sum()) for t, p in hits]
        metrics["tn"] = [int((~t & ~p).sum()) for t, p in hits]
        metrics["fn"] = [int((t & ~p).sum()) for t, p in hits]
        metrics["class_loss"] = [float(losses[t].mean()) if t.any() else None for t, _ in hits]
        metrics["class_auc"] = [_auc(t, probabilities[:, c]) for c, (t, _) in enumerate(hits)]
        encoded = base64.b64encode(probabilities.tobytes()).decode()
        return metrics, {"image_ids": ids.tolist(), "true_class": true.tolist(), "probabilities": encoded}

    def cycle(self, number: int, ids: list[str], before: list[dict[str, Any]]) -> dict[str, Any]:
        scores = [self.scores[trial_id] for trial_id in ids]
        best = max((cycle["chosen_score"] for cycle in before), default=-1.0)
        improved = max(scores) > best
        cycle = {
            "cycle": number, "trial_ids": ids, "chosen_trial_id": ids[scores.index(max(scores))],
            "chosen_score": max(scores), "runner_up_score": sorted(scores)[-2] if len(scores) > 1 else None,
            "improved": improved, "de_count": 0 if improved or not before else before[-1]["de_count"] + 1,
        }  # fmt: skip
        self.say("cycle", **cycle)
        self.say("search_event", attempt=1, status="RUNNING", **self.standing([*before, cycle]))
        return cycle

    def standing(self, cycles: list[dict[str, Any]]) -> dict[str, Any]:
        best = [cycle["chosen_trial_id"] for cycle in cycles if cycle["improved"]]
        ended = {"COMPLETE": "de_count", "FAILED": "all candidates failed"}.get(self.status)
        return {
            "de_count": cycles[-1]["de_count"] if cycles else 0, "best_trial_id": best[-1] if best else None,
            "model_trial_id": None, "stop_reason": ended, "message": "made up" if self.status == "FAILED" else None,
        }  # fmt: skip

    # --- small ------------------------------------------------------------------------------------------------

    def say(self, kind: str, **payload: Any) -> None:
        self.controller.append(kind, **{"at": self.now(), **payload, "search_id": self.search_id})

    def beat(self, journal: JournalWriter, trial_id: str | None, stage: str, epoch: int | None) -> None:
        at = datetime.now(UTC) - timedelta(seconds=600 if self.lost else 0)
        journal.append(
            "heartbeat", at=at.isoformat(timespec="microseconds"), search_id=self.search_id, trial_id=trial_id,
            pid=self.pid, host=platform.node(), stage=stage, epoch=epoch, done=40, total=200, unit="images",
            rss_bytes=900_000_000,
        )  # fmt: skip

    def now(self) -> str:
        self.clock += timedelta(microseconds=137)
        return self.clock.isoformat(timespec="microseconds")

    def own_id(self, fact: dict[str, Any]) -> str:
        return f"{self.search_id}.{fact['trial_id'].partition('.')[2]}"

    def own_epochs(self, fact: dict[str, Any]) -> int:
        return self.epochs if fact["epochs"] == 20 else max(self.epochs + 1, math.floor(self.epochs * 1.2))

    def parent(self, facts: list[dict[str, Any]], fact: dict[str, Any]) -> dict[str, Any] | None:
        """The earlier trial that differs only in having fewer epochs."""
        alike = ("learning_rate", "batch_size")
        for other in facts:
            if other["position"] < fact["position"] and other["epochs"] < fact["epochs"]:  # noqa: SIM102
                if all(other[name] == fact[name] for name in alike):
                    return other
        return None


def _wrong_share(fact: dict[str, Any]) -> float:
    """Share of wrong images: in the published order of the trials, far enough apart for 60 validation images."""
    ranked = sorted(set(_published_scores().values()), reverse=True)
    score = _published_scores().get(fact["trial_id"], ranked[1])  # a final trial is none of them
    return max(ranked.index(score) / 60, 1 - score - 0.02)


@cache
def _published_scores() -> dict[str, float]:
    return {
        record["trial_id"]: record["splits"]["val"]["accuracy"]
        for record in published_records()
        if record["kind"] == "epoch"
    }


def _auc(true: np.ndarray, score: np.ndarray) -> float | None:
    positive, negative = score[true], score[~true]
    if not len(positive) or not len(negative):
        return None
    return float((positive[:, None] > negative[None, :]).mean() + 0.5 * (positive[:, None] == negative[None, :]).mean())
