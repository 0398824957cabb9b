"""A home with a finished search whose models have weights (of no training) and real image files, made in a second."""

from __future__ import annotations

from pathlib import Path

from core.data.dataset import Dataset
from core.data.importing import import_data
from core.data.sample import make_sample
from core.learning import model
from core.paths import trial_folder
from store.journal import JournalWriter, journal_folder

SIZE = 32  # px


def sample(home: Path, name: str, *, per_class: int = 8, seed: int = 0, held_out: bool = False) -> Dataset:
    """Sample cells of five classes, imported."""
    folder = home.parent / name
    make_sample(folder, per_class=per_class, size=40, seed=seed)
    return import_data(home, folder, held_out=held_out)


def finished_search(
    home: Path, dataset: Dataset, search_id: str = "s-1", *, finals: int = 1, status: str = "COMPLETE"
) -> str:
    """Journals and weights of a search with one trial and some final trainings."""
    journal = JournalWriter(journal_folder(home, search_id), "controller")
    journal.append(
        "search", search_id=search_id, name="made up", origin="own", objective="val_accuracy", patience=2, settings={},
        command="", environment={},
    )  # fmt: skip
    journal.append("search_data", search_id=search_id, dataset_id=dataset.dataset_id)
    names = ["00-initial", *(f"final-{number}" for number in range(1, finals + 1))]
    for position, name in enumerate(names):
        ids = {"search_id": search_id, "trial_id": f"{search_id}.{name}"}
        journal.append(
            "trial", **ids, position=position, cycle=None if position else 0,
            coordinate="final" if position else "initial", learning_rate=0.1, batch_size=5, epochs=1, seed=position,
            de_count=0, from_trial_id=None, reused_epochs=0, settings={},
        )  # fmt: skip
        journal.append("trial_event", **ids, attempt=1, status="COMPLETE", error=None, pid=1, host="here")
        save_weights(home, ids["trial_id"], dataset, seed=position)
    journal.append(
        "search_event", search_id=search_id, attempt=1, status=status, de_count=2, message=None, stop_reason=None,
        best_trial_id=f"{search_id}.00-initial", model_trial_id=f"{search_id}.{names[-1]}",
    )  # fmt: skip
    journal.close()
    return search_id


def save_weights(home: Path, trial_id: str, dataset: Dataset, *, seed: int) -> None:
    network = model.build("resnet10t", len(dataset.classes), None, seed=seed)
    mean, std = model.input_statistics(network)
    facts = model.ModelFacts(
        "resnet10t", list(dataset.classes), SIZE, mean, std, {}, "1", trial_id, dataset.dataset_id, synthetic=True,
        initial_weights="none",
    )  # fmt: skip
    model.save_weights(network, facts, trial_folder(home, trial_id))
