"""A search that trained every recipe of a list, and one whose coordinate is the recipe, on the pages."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from core.data.sample import make_sample
from core.learning.settings import TrialSettings
from core.search.controller import Controller
from core.search.settings import SearchSettings, preset
from tests.core.search.fake import FakeLauncher
from tests.pages.conftest import OpenPage

SEARCH = "s-every"
SCORES = {"plain": 0.9, "jitter": 0.95, "masked-transfer": 0.8}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> SearchSettings:
    folder = tmp_path_factory.mktemp("cells") / "sample"
    make_sample(folder, per_class=8, size=40, seed=0)
    return dataclasses.replace(
        preset("own"), data=str(folder), backbone="resnet10t", weights="none", image_size=32, final_seeds=0,
        device="cpu", threads=1, recipe=",".join(SCORES),
    )  # fmt: skip


def search(home: Path, settings: SearchSettings) -> str:
    def score(trial: TrialSettings) -> float:
        return SCORES[trial.recipe] - trial.learning_rate - trial.batch_size / 1e4 - trial.epochs / 1e5

    return Controller(home, SEARCH, settings, launcher=lambda _device: FakeLauncher(score)).run()


def test_every_listed_recipe_is_a_trial_and_the_pages_say_so(
    home: Path, open_page: OpenPage, settings: SearchSettings
) -> None:
    assert search(home, dataclasses.replace(settings, method="every")) == "COMPLETE"
    app = open_page("search", search=SEARCH)
    text = " ".join(each.value for each in (*app.markdown, *app.caption))
    assert "Each listed combination of backbone and recipe" in text
    assert "Why it ended: all 3 points are trained." in text
    assert "Trajectory" not in [each.value for each in app.subheader]
    names = list(app.dataframe[0].value["trial"])
    assert names == ["00-plain", "00-jitter", "00-masked-transfer"]
    app = open_page("whatif_search", search=SEARCH)
    assert "trained every point of a list" in app.info[0].value
    app = open_page("compare", trials=SEARCH)
    (box,) = [box for box in app.multiselect if box.label.startswith("Trials to compare")]
    assert any(option.endswith("· jitter") for option in box.options)


def test_a_search_climbs_over_recipes_too_and_its_replay_is_the_recorded_path(
    home: Path, open_page: OpenPage, settings: SearchSettings
) -> None:
    assert search(home, settings) == "COMPLETE"
    app = open_page("search", search=SEARCH)
    trials = list(app.dataframe[0].value["trial"])
    assert "01-recipe" in trials  # plain -> jitter
    assert "Trajectory" in [each.value for each in app.subheader]
    app = open_page("whatif_search", search=SEARCH)
    text = " ".join(each.value for each in app.markdown)
    assert "the same" in text.lower()
    assert not app.warning
