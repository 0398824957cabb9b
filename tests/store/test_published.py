"""The published search is in every store, with the values that the study prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from store import queries
from store.ingest import Ingestor
from store.published import CITATION, SEARCH_ID, published_records
from tests.store.tools import dump, empty_store, raw

STORE = empty_store()
FINAL = f"{SEARCH_ID}.final-0"

# Table 3 as printed: DE_COUNT, learning rate, batch size, epochs, then loss and accuracy of train, val and test.
# train_loss is in the study's unit there: the mean divided by the batch size.
TABLE_3 = [
    (0, 1e-2, 10, 20, 0.0282, 0.9096, 0.2842, 0.8787, 0.3020, 0.8693),
    (0, 1e-2, 20, 20, 0.0137, 0.9126, 9.5063, 0.5293, 9.1947, 0.5320),
    (0, 1e-2, 10, 24, 0.0294, 0.9052, 0.0671, 0.9760, 0.0768, 0.9787),
    (0, 1e-3, 10, 20, 0.0136, 0.9581, 0.0191, 0.9933, 0.0228, 0.9920),
    (0, 1e-3, 20, 20, 0.0058, 0.9650, 0.0132, 0.9933, 0.0215, 0.9907),
    (0, 1e-3, 10, 24, 0.0126, 0.9609, 0.0475, 0.9800, 0.0523, 0.9880),
    (0, 1e-4, 10, 20, 0.0082, 0.9751, 0.0051, 1.0000, 0.0075, 0.9987),
    (0, 1e-4, 20, 20, 0.0033, 0.9801, 0.0047, 0.9987, 0.0113, 0.9960),
    (0, 1e-4, 10, 24, 0.0075, 0.9772, 0.0123, 0.9960, 0.0389, 0.9907),
    (0, 1e-5, 10, 20, 0.0248, 0.9246, 0.0196, 0.9947, 0.0220, 0.9947),
    (1, 1e-4, 30, 20, 0.0020, 0.9826, 0.0083, 0.9960, 0.0114, 0.9960),
    (1, 1e-4, 20, 24, 0.0030, 0.9823, 0.0155, 0.9960, 0.0150, 0.9947),
    (1, 1e-5, 20, 20, 0.0120, 0.9299, 0.0211, 0.9960, 0.0311, 0.9920),
]
# Table 4 as printed, percent: precision, recall, F1, specificity. Monocyte F1 is 98.04 (300/306); 98.03 is printed.
TABLE_4 = {
    "basophil": (100.0, 100.0, 100.0, 100.0),
    "erythroblast": (100.0, 96.0, 97.96, 100.0),
    "monocyte": (96.15, 100.0, 98.04, 99.0),
    "myeloblast": (100.0, 100.0, 100.0, 100.0),
    "seg_neutrophil": (100.0, 100.0, 100.0, 100.0),
}


def test_every_value_of_table_3():
    trials = queries.trials(STORE, SEARCH_ID)
    assert len(trials) == 14
    names = ["train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy"]
    for printed, (_, trial) in zip(TABLE_3, trials.iterrows(), strict=False):
        assert (trial["de_count"], trial["learning_rate"], trial["batch_size"], trial["epochs"]) == printed[:4]
        assert trial["train_loss"] / trial["batch_size"] == pytest.approx(printed[4], abs=1e-9)
        assert [trial[name] for name in names[1:]] == list(printed[5:])
        assert trial["status"] == "COMPLETE"
        assert trial["epochs_done"] == trial["epochs"]
    assert round(trials["train_loss"][1], 6) == 0.274  # a plain mean, as the accuracies suggest


def test_every_rate_follows_from_the_matrix():
    report = queries.class_report(STORE, FINAL, "test")
    assert list(report["class"]) == list(TABLE_4)
    for _, row in report.iterrows():
        rates = [row[name] for name in ("precision", "recall", "f1", "specificity")]
        assert tuple(round(100 * rate, 2) for rate in rates) == TABLE_4[row["class"]]
        assert row["auc"] == 1.0
        assert row["support"] == 150
    assert report["f1"][2] == pytest.approx(300 / 306, abs=1e-15)
    assert round(100 * report["specificity"].mean(), 2) == 99.80
    confusion = queries.confusion(STORE, FINAL, "test").pivot_table(
        index="true_class", columns="predicted_class", values="count"
    )
    assert confusion.to_numpy().sum() == 750
    assert confusion.loc["erythroblast", "monocyte"] == 6
    assert confusion.to_numpy().trace() == 744
    final = queries.trials(STORE, SEARCH_ID).iloc[-1]
    assert final["test_accuracy"] == 744 / 750 == 0.992
    assert final["coordinate"] == "final"
    assert final[["test_loss", "val_accuracy", "train_loss"]].isna().all()  # not reported


def test_the_search_went_as_the_study_says():
    (search,) = queries.search(STORE, SEARCH_ID).to_dict("records")
    assert search["origin"] == "published"
    assert (search["status"], search["de_count"], search["patience"]) == ("COMPLETE", 2, 2)
    assert search["best_trial_id"] == f"{SEARCH_ID}.02-learning_rate"
    assert search["best_val_accuracy"] == 1.0
    assert search["model_trial_id"] == FINAL
    assert CITATION in search["environment"]
    assert (search["trials_total"], search["trials_done"]) == (14, 14)
    assert not search["lost"]
    cycles = queries.cycles(STORE, SEARCH_ID)
    chosen = [name.partition(".")[2] for name in cycles["chosen_trial_id"]]
    assert chosen == ["00-initial", "01-learning_rate", "02-learning_rate", "03-batch_size", "04-batch_size"]
    assert list(cycles["de_count"]) == [0, 0, 0, 1, 2]
    assert list(cycles["improved"]) == [True, True, True, False, False]
    assert list(cycles["chosen_score"]) == [0.8787, 0.9933, 1.0, 0.9987, 0.9960]
    assert list(cycles["runner_up_score"][1:]) == [0.9760, 0.9933, 0.9960, 0.9960]
    assert int(queries.epochs_saved(STORE, SEARCH_ID)["reused"][0]) == 0


def test_only_what_is_known_is_recorded():
    trials = queries.trials(STORE, SEARCH_ID)
    epochs = queries.epochs(STORE, list(trials["trial_id"]))
    assert len(epochs) == 13 * 3 + 1
    assert epochs["seconds"].isna().all()
    assert epochs["at"].isna().all()
    assert trials["started_at"].isna().all()
    (dataset,) = queries.dataset(STORE, SEARCH_ID).to_dict("records")
    assert list(dataset["classes"]) == list(TABLE_4)
    assert dataset["usable"] == 5000
    assert queries.dataset_counts(STORE, SEARCH_ID).empty
    assert queries.predictions(STORE, FINAL, "test").empty


def test_it_is_applied_once_and_can_be_deleted(tmp_path: Path):
    before = dump(STORE)
    assert len(published_records()) == len({str(record) for record in published_records()})
    raw(tmp_path, "_home/x", [{**record, "at": "2026-01-01T00:00:00+00:00"} for record in published_records()[1:3]])
    store = empty_store()
    Ingestor(store, tmp_path).poll()
    assert {**dump(store), "journal": []} == before  # what says the same later changes nothing
    raw(tmp_path, "_home/x", [{"kind": "tombstone", "at": "2026-01-01T00:00:00+00:00", "search_id": SEARCH_ID}])
    Ingestor(store, tmp_path).poll()
    assert queries.searches(store).empty
