"""Predictions of several trials at once: the same as one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from store import queries
from store.ingest import Ingestor
from tests.store.factory import CLASSES, write_search
from tests.store.tools import empty_store


def test_outputs_are_the_predictions_of_the_last_epoch(tmp_path: Path):
    search_id = write_search(tmp_path, trials=2, epochs=3, final=False)
    connection = empty_store()
    Ingestor(connection, tmp_path).poll()
    ids = [f"{search_id}.00-initial", f"{search_id}.01-batch_size"]
    for split in ("val", "test", "calibration"):
        rows = queries.outputs(connection, ids, split)
        assert rows["trial_id"].tolist() == ids
        for row in rows.to_dict("records"):
            single = queries.predictions(connection, row["trial_id"], split)
            order = np.argsort(row["image_ids"])
            assert np.asarray(row["image_ids"])[order].tolist() == single["image_id"].tolist()
            true = [CLASSES[index] for index in np.asarray(row["true_classes"])[order]]
            assert true == single["true_class"].tolist()
            flat = np.asarray(row["probabilities"]).reshape(len(order), -1)[order]
            assert np.array_equal(flat, np.array(single["probabilities"].tolist(), dtype=flat.dtype))
    assert queries.outputs(connection, ids, "train").empty
    assert queries.outputs(connection, [], "val").empty
    assert len(queries.outputs(connection, [ids[0], "s.none"], "val")) == 1
