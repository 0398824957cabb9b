"""Settings of a search: presets, checks, and the way to the command line and back."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import pytest

from core.learning.settings import AugmentSettings, SettingsError
from core.search.arguments import add_arguments, from_arguments, to_arguments
from core.search.settings import PRESETS, SearchSettings, preset
from core.search.space import PUBLISHED_SPACE


def parse(*options: str) -> SearchSettings:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return from_arguments(parser.parse_args(options))


def test_the_published_preset_is_the_published_space_and_split() -> None:
    settings = preset("published")
    steps = [(0, 0, 0), (5, 0, 4), (2, 3, 1)]
    assert [settings.space().point(s) for s in steps] == [PUBLISHED_SPACE.point(s) for s in steps]
    assert settings.fractions() == {"train": 0.70, "calibration": 0.0, "val": 0.15, "test": 0.15}
    assert (settings.image_size, settings.patience) == (299, 2)
    assert (settings.average, settings.norm_images) == (0, 0)


def test_the_default_for_own_data_keeps_images_for_calibration_and_judges_averaged_weights() -> None:
    assert (preset("own").average, preset("own").norm_images) == (0.98, 256)
    assert preset("own").fractions() == {"train": 0.60, "calibration": 0.10, "val": 0.15, "test": 0.15}


@pytest.mark.parametrize("name", PRESETS)
def test_settings_survive_the_command_line_and_the_journal(name: str) -> None:
    settings = dataclasses.replace(
        preset(name), data="a folder/cells", seed=7, final_seeds=4, optimiser="sgd", weight_decay=0.1, reuse="no",
        augment=AugmentSettings(rotation=0, noise=0.2),
    )  # fmt: skip
    assert parse(*to_arguments(settings)) == settings
    assert SearchSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


def test_an_option_that_is_not_given_keeps_the_presets_value() -> None:
    assert parse("--preset", "quick", "--epochs", "3") == dataclasses.replace(preset("quick"), epochs=3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs is 0; it must be at least 1"),
        ({"batch_size": 70}, "batch_size 70 lies above its bound 60"),
        ({"learning_rate": 1e-9}, "learning_rate is 1e-09"),
        ({"learning_rate": float("inf")}, "learning_rate is inf; it must be a finite number"),
        ({"weight_decay": float("nan")}, "weight_decay is nan; it must be a finite number"),
        ({"seed": 2**64}, "it must be below 4294967296"),
        ({"augment": AugmentSettings(noise=float("nan"))}, r"augment\.noise is nan"),
        ({"image_size": 64}, "inception_v3 needs at least 75 px"),
        ({"final_image_size": 64}, "inception_v3 needs at least 75 px"),
        ({"test": 80}, "leave no image to train on"),
        ({"optimiser": "lion"}, "optimiser is 'lion'; allowed are adamw, adam, sgd"),
        ({"data": " "}, "data is empty"),
        ({"augment": AugmentSettings(flip=2)}, r"augment\.flip is 2"),
        ({"recipe": "plain,magic"}, "There is no recipe 'magic'; there are plain, "),
        ({"recipe": "plain,plain"}, "recipe is 'plain,plain'; name at least one, and each only once"),
        ({"backbone": ","}, "backbone is ','; name at least one"),
        ({"method": "every"}, "there is one point only; list several recipes or backbones"),
    ],
)
def test_an_unusable_setting_is_named_with_what_is_allowed(change: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        dataclasses.replace(SearchSettings(), **change).check()  # type: ignore[arg-type]


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(SettingsError, match="allowed are published, own and quick"):
        preset("huge")


def test_a_field_of_another_version_is_ignored() -> None:
    assert SearchSettings.from_json(SearchSettings().to_json() | {"of_the_future": 1}) == SearchSettings()


def test_every_setting_has_a_label_and_a_help_text() -> None:
    for spec in dataclasses.fields(SearchSettings):
        assert spec.metadata["label"]
        assert spec.name == "augment" or spec.metadata["help"]


def test_paths_become_absolute_and_words_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = SearchSettings(data="cells", weights="w.pth").absolute()
    assert (settings.data, settings.weights) == (str(tmp_path / "cells"), str(tmp_path / "w.pth"))
    listed = SearchSettings(data="sample", weights="w.pth,none").absolute()
    assert listed.weights == f"{tmp_path / 'w.pth'},none"
    assert SearchSettings(data="sample", weights="auto").absolute() == SearchSettings(data="sample", weights="auto")
