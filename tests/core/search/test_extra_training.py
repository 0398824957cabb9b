"""`python -m core what-if` really trains, with the data, weights, settings and seed of the finished search."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.sample import make_sample
from core.search.state import SearchState
from store.owner import StoreOwner
from store.queries import search, search_predictions, trials
from tests.test_command_line import SMALL, core, output

LONGER = "batch_size=10,epochs=3,learning_rate=0.01"


@pytest.mark.timeout(300)
def test_a_point_is_trained_as_the_search_itself_would_have(tmp_path: Path) -> None:
    make_sample(tmp_path / "cells", per_class=8, size=48, seed=0)
    home = tmp_path / "home"
    output(core(
        "search", "--data", str(tmp_path / "cells"), *SMALL, "--max-trials", "1", "--final-seeds", "0",
        "--home", str(home), "--search-id", "s-w",
    ))  # fmt: skip
    text = output(core("what-if", "s-w", "--home", str(home), "--points", LONGER))
    assert (
        "trial what-if-batch_size-10-epochs-3-learning_rate-0.01: learning rate 0.01, batch size 10, 3 epochs" in text
    )
    state = SearchState(home, "s-w")
    state.update()
    assert state.event is not None
    assert (state.event["status"], state.event["best_trial_id"]) == ("COMPLETE", "s-w.00-initial")
    first = state.trials["s-w.00-initial"]
    longer = state.trials["s-w.what-if-batch_size-10-epochs-3-learning_rate-0.01"]
    assert longer.status == "COMPLETE"
    assert sorted(longer.epochs) == [1, 2, 3]
    for epoch in (1, 2):  # the same bits: nothing but the number of epochs is another
        assert longer.epochs[epoch]["splits"] == first.epochs[epoch]["splits"]
        assert longer.epochs[epoch]["predictions"] == first.epochs[epoch]["predictions"]

    store = StoreOwner(home, "app")
    store.start()
    try:
        row = search(store.cursor(), "s-w").iloc[0]
        assert (row["status"], row["best_trial_id"], row["trials_total"]) == ("COMPLETE", "s-w.00-initial", 2)
        table = trials(store.cursor(), "s-w")
        assert table["coordinate"].tolist() == ["initial", "what-if"]
        assert table["test_accuracy"].between(0, 1).all()
        assert len(search_predictions(store.cursor(), "s-w", "val", True)) == 5
    finally:
        store.close()
