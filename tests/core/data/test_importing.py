"""A data set without a search: described, recorded once, nothing where it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.dataset import Dataset, DatasetError
from core.data.importing import import_data
from core.data.sample import make_sample
from core.paths import dataset_file
from store import queries
from store.ingest import Ingestor
from store.journal import HOME_JOURNAL, replay
from tests.store.tools import empty_store


def test_an_imported_data_set_is_in_the_store_once(tmp_path: Path):
    make_sample(tmp_path / "cells", per_class=8, seed=1)
    seen: list[tuple[str, int, int]] = []
    first = import_data(tmp_path / "home", tmp_path / "cells", tell=lambda *facts: seen.append(facts))
    again = import_data(tmp_path / "home", tmp_path / "cells")
    assert first.dataset_id == again.dataset_id
    assert ("read images", 40, 40) in seen
    assert seen[-1] == ("compare images", 40, 40)
    assert [record["kind"] for record in replay(tmp_path / "home", HOME_JOURNAL)] == ["dataset", "images"]
    connection = empty_store()
    Ingestor(connection, tmp_path / "home").poll()
    assert len(queries.images(connection.cursor(), first.dataset_id, "ok")) == 40


def test_the_newest_place_of_the_same_data_counts(tmp_path: Path):
    home, old, new = tmp_path / "home", tmp_path / "cells", tmp_path / "moved"
    make_sample(old, per_class=8, seed=1)
    first = import_data(home, old)
    connection = empty_store()
    ingestor = Ingestor(connection, home)
    ingestor.poll()
    old.rename(new)
    (new / "basophil").joinpath("extra").mkdir()
    image = sorted((new / "basophil").glob("*.png"))[0]
    image.rename(new / "basophil" / "extra" / image.name)
    again = import_data(home, new)
    assert (again.dataset_id, Dataset.load(dataset_file(home, first.dataset_id)).root) == (first.dataset_id, new)
    ingestor.poll()
    rebuilt = empty_store()
    Ingestor(rebuilt, home).poll()
    for cursor in (connection.cursor(), rebuilt.cursor()):
        (row,) = queries.datasets(cursor).query("dataset_id == @first.dataset_id").to_dict("records")
        paths = queries.images(cursor, first.dataset_id, "ok")["path"]
        assert row["root"] == str(new)
        assert all((new / path).is_file() for path in paths)
    import_data(home, new)
    assert [record["kind"] for record in replay(home, HOME_JOURNAL)] == ["dataset", "images"] * 2


def test_data_that_cannot_be_read_leave_nothing(tmp_path: Path):
    (tmp_path / "cells" / "only").mkdir(parents=True)
    with pytest.raises(DatasetError, match="is empty"):
        import_data(tmp_path / "home", tmp_path / "cells")
    assert list(replay(tmp_path / "home", HOME_JOURNAL)) == []


def test_a_damaged_description_is_replaced_by_reading_the_data_again(tmp_path: Path):
    make_sample(tmp_path / "cells", per_class=8, seed=1)
    first = import_data(tmp_path / "home", tmp_path / "cells")
    file = dataset_file(tmp_path / "home", first.dataset_id)
    file.write_bytes(file.read_bytes()[:100])
    import_data(tmp_path / "home", tmp_path / "cells")
    assert Dataset.load(file) == first
