"""What a replay says, in plain sentences, and as rows for the chart and the tables. No Streamlit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pandas as pd

from core.search.gseca import FAILED, Candidate, Decision
from core.search.replay import Parting, PointKey, Replay, Scores, parting, point_key, same_choice, ties
from pages.charts.wording import change, loss, share, short_point

NOBODY = "nobody trained it"


def score_text(score: float | None, objective: str) -> str:
    """A score as people read it: a loss is shown as such, not negated."""
    if score is None or score == FAILED:
        return "–" if score is None else "failed"
    return loss(-score) if objective == "loss" else share(score)


def move(candidate: Candidate) -> str:
    """'batch 20', or 'start'."""
    return change({"coordinate": candidate.coordinate, **candidate.point})


def cycles_text(number: int) -> str:
    return f"{number} cycle{'s' * (number != 1)}"


def difference(recorded: Replay, shown: Replay, objective: str, name: str, max_trials: int | None) -> str:
    """Where the path parts from the recorded one, and what it does there. `name` is the objective in words."""
    parted = parting(recorded, shown)
    if parted is None:
        return _same_way(recorded, shown)
    before = {0: "", 1: "Both start from the same point. "}
    common = before.get(parted.cycle, f"Both go the same way up to cycle {parted.cycle - 1}. ")
    return common + _PARTS[parted.kind](recorded, shown, parted, objective, name, max_trials)


def ending(shown: Replay, max_trials: int | None) -> str:
    """How the replay ends, and what decided ties."""
    if shown.stop_reason is not None:
        text = f"It ends after cycle {len(shown.decisions) - 1}: {shown.stop_reason}."
    else:
        number = len(shown.unknown)
        text = (
            f"Cycle {len(shown.decisions)} needs {number} point{'s' * (number != 1)} of which no score is known, so it "
            "cannot be followed further."
        )
    shared = [cycle for cycle in ties(shown) if cycle]
    if shared:
        which = ", ".join(str(cycle) for cycle in shared)
        text += f" In cycle{'s' * (len(shared) > 1)} {which} the coordinate order decides a tie at the top."
    if max_trials is not None:
        text += f" The search's limit of {max_trials} trials holds here too."
    return text


def path_rows(path: Replay, panel: str, objective: str, scores: Scores) -> pd.DataFrame:
    """A row a point of a path, for `pages.charts.paths` and the table. `scores` are those of the open cycle."""
    best = None if path.best is None else point_key(path.best.point)
    rows = []
    for decision in path.decisions:
        for candidate, score in zip(decision.candidates, decision.scores, strict=True):
            kind = "failed" if score == FAILED else "chosen" if candidate is decision.chosen else "candidate"
            rows.append(_row(panel, candidate, kind, score_text(score, objective), point_key(candidate.point) == best))
    lacking = {point_key(candidate.point) for candidate in path.unknown}
    for candidate in path.open:
        kind = NOBODY if point_key(candidate.point) in lacking else "not judged yet"
        known = scores.get(point_key(candidate.point))
        rows.append(_row(panel, candidate, kind, "?" if known is None else score_text(known, objective), False))
    return pd.DataFrame(rows)


def path_table(path: Replay, scores: Scores, trial_names: Mapping[PointKey, str], objective: str) -> pd.DataFrame:
    """The replayed path as a table: a row a candidate."""
    rows = path_rows(path, "", objective, scores)
    if rows.empty:
        return rows
    counts = {decision.cycle: decision.de_count for decision in path.decisions}
    named = [trial_names.get(point_key(candidate.point), "") for candidate in path.candidates]
    return pd.DataFrame(
        {
            "cycle": rows["cycle"],
            "moved": rows["coordinate"].str.replace("_", " "),
            "learning rate": rows["learning_rate"],
            "batch size": rows["batch_size"],
            "epochs": rows["epochs"],
            "score": rows["score"],
            "is": [
                f"{kind}, best of the path" if top else kind
                for kind, top in zip(rows["kind"], rows["best"], strict=True)
            ],
            "DE_COUNT after": pd.array([counts.get(cycle) for cycle in rows["cycle"]], dtype="Int64"),
            "trial": named,
        }
    )


def not_judged(scored: Collection[PointKey], other_images: Collection[PointKey], name: str) -> list[str]:
    """Why the objective cannot judge finished trials: no predictions, or those of other images; a sentence each."""
    without = len(scored) - len(other_images)
    cases = ((without, "no predictions on record"), (len(other_images), "predictions of other validation images"))
    return [
        f"{number} finished trial{'s have' if number != 1 else ' has'} {what}, so the {name} cannot judge "
        f"{'them' if number != 1 else 'it'}." for number, what in cases if number
    ]  # fmt: skip


def changed_text(changed: Mapping[PointKey, str], scores: Scores) -> str | None:
    """Which of the scores come from trials that were trained later under other circumstances."""
    used = {key: words for key, words in changed.items() if key in scores}
    if not used:
        return None
    each = "; ".join(f"{short_point(dict(key))} ({words})" for key, words in used.items())
    verb = "comes from a trial" if len(used) == 1 else "come from trials"
    return f"{len(used)} of the {len(scores)} scores {verb} trained later with other code or packages: {each}."


def _row(panel: str, candidate: Candidate, kind: str, score: str, best: bool) -> dict[str, Any]:
    return {"panel": panel, "cycle": candidate.cycle, "coordinate": candidate.coordinate, **candidate.point,
            "kind": kind, "score": score, "best": best}  # fmt: skip


def _same_way(recorded: Replay, shown: Replay) -> str:
    if not recorded.finished:
        judged = min(len(recorded.decisions), len(shown.decisions))
        return (
            f"As far as the search has gone, {cycles_text(max(0, judged - 1))} after the start, both go the same way."
        )
    if not shown.finished:
        return "As far as the scores are known, both go the same way."
    same = same_choice(recorded, shown)
    return f"Both go the same way to the end, and choose {'the same point' if same else 'different points on it'}."


def _choice(
    recorded: Replay, shown: Replay, parted: Parting, objective: str, name: str, _limit: int | None
) -> str:  # fmt: skip
    real, other = recorded.decisions[parted.cycle], shown.decisions[parted.cycle]
    if real.chosen is None or other.chosen is None:
        return f"In cycle {parted.cycle} one of them has no candidate left that did not fail."
    theirs = _score_of(other, real.chosen)
    tied = other.chosen is not None and theirs == max(other.scores)
    why = "the same, and the coordinate order prefers it" if tied else f"against {score_text(theirs, objective)}"
    return (
        f"In cycle {parted.cycle} the recorded search moves to **{move(real.chosen)}**; under these rules "
        f"**{move(other.chosen)}** has the {'lowest' if objective == 'loss' else 'highest'} {name} "
        f"({score_text(max(other.scores), objective)}, {why})."
    )


def _stops(recorded: Replay, shown: Replay, parted: Parting, _objective: str, _name: str, _limit: int | None) -> str:
    if not recorded.finished:
        return f"There it stops under these rules; the recorded search goes on with cycle {parted.cycle}."
    fewer = cycles_text(len(recorded.decisions) - parted.cycle)
    return f"There it stops under these rules, {fewer} earlier than the recorded search."


def _goes_on(
    _recorded: Replay, _shown: Replay, parted: Parting, _objective: str, _name: str, _limit: int | None
) -> str:
    return f"There the recorded search stops; under these rules it goes on with cycle {parted.cycle}."


def _candidates(
    _recorded: Replay, _shown: Replay, parted: Parting, _objective: str, _name: str, limit: int | None
) -> str:
    why = "" if limit is None else f", since the limit of {limit} trials cuts off others"
    return f"In cycle {parted.cycle} it asks for other candidates{why}."


_PARTS: dict[str, Callable[[Replay, Replay, Parting, str, str, int | None], str]] = {
    "choice": _choice,
    "stops": _stops,
    "goes on": _goes_on,
    "candidates": _candidates,
}


def _score_of(decision: Decision, candidate: Candidate) -> float | None:
    """What the candidate of another path with the same point scored here."""
    key = point_key(candidate.point)
    pairs = zip(decision.candidates, decision.scores, strict=True)
    return next((score for other, score in pairs if point_key(other.point) == key), None)
