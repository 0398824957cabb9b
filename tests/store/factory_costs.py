"""Made-up backbones, recipes, costs and swapped images, beside the made-up searches of `tests.store.factory`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from store.journal import JournalWriter, journal_folder, next_attempt, replay

PARAMETERS = {
    "inception_v3": 21_795_813, "resnet50": 23_518_277, "googlenet": 5_605_029, "resnet10t": 4_925_053,
}  # fmt: skip
N_SWAP, SWAP_RIGHT = 40, 30


def write_costs(
    home: Path, search_id: str, kinds: Mapping[str, tuple[str, str]], *, swap: bool = True, cost: bool = True
) -> None:
    """Record of trials of a made-up search, by name, which (backbone, recipe) they are, and what they cost.

    The n-th of them predicts 10 n images a second, took n GiB, and has 30 - n of 40 swapped images right.
    """
    facts = {record["trial_id"]: record for record in replay(home, search_id) if record["kind"] == "trial"}
    folder = journal_folder(home, search_id)
    journal = JournalWriter(folder, "made-costs", next_attempt(folder, "made-costs"))
    for at, (name, (backbone, recipe)) in enumerate(kinds.items(), start=1):
        ids: dict[str, Any] = {"trial_id": f"{search_id}.{name}", "search_id": search_id}
        fact = {**facts[ids["trial_id"]], "at": "2020-01-01T00:00:00+00:00"}  # the earliest of two records counts
        fact["settings"] = {"backbone": backbone, "recipe": recipe, "image_size": 96}
        del fact["kind"], fact["seq"]
        journal.append("trial", **fact)
        if swap:
            right = SWAP_RIGHT - at
            journal.append(
                "evaluation", **ids, epoch=fact["epochs"], predictions={},
                splits={"swap": {"loss": 0.5, "accuracy": right / N_SWAP, "support": [N_SWAP, 0, 0, 0, 0]}},
            )  # fmt: skip
        if cost:
            journal.append(
                "cost", **ids, parameters=PARAMETERS[backbone], predict_images_per_second=10.0 * at,
                peak_rss_bytes=at * 2**30,
            )  # fmt: skip
    journal.close()
