"""Recipes change what they say and nothing else; every one of them trains, and exactly."""

from __future__ import annotations

import dataclasses

import pytest

from core.learning.recipes import PLAIN, RECIPES, applied
from core.learning.settings import SettingsError, TrialSettings, run_key
from tests.core.learning.test_training import SMALL, assert_same_bits, fit, make_data

START = TrialSettings()


def test_plain_changes_nothing_but_others_do() -> None:
    assert applied(PLAIN, START) == START
    changed = [applied(name, START) for name in RECIPES if name != PLAIN]
    keys = [{**run_key(settings, "d", None)} for settings in (START, *changed)]
    assert all(keys.count(key) == 1 for key in keys)


def test_every_recipe_is_allowed_and_keeps_the_searchs_own_point() -> None:
    own = dataclasses.replace(START, learning_rate=0.003, batch_size=7, average=0.5)
    for name, recipe in RECIPES.items():
        settings = applied(name, own)
        settings.augment.check()
        settings.input.check()
        assert (settings.learning_rate, settings.batch_size, settings.average) == (0.003, 7, 0.5)
        assert settings.recipe == name == recipe.name
        assert recipe.what.endswith(".")


def test_a_recipe_travels_through_the_journal() -> None:
    settings = applied("masked-transfer", START)
    assert TrialSettings.from_json(settings.to_json()) == settings
    old = {name: value for name, value in START.to_json().items() if name not in ("input", "recipe", "frozen")}
    assert TrialSettings.from_json(old) == START  # of a version before recipes


def test_an_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(SettingsError, match="There is no recipe 'magic'; there are plain, standardised"):
        applied("magic", START)


@pytest.mark.parametrize("name", ["surround", "frozen", "masked-transfer"])
def test_a_recipe_trains_to_the_same_bits_again(name: str) -> None:
    settings = dataclasses.replace(applied(name, SMALL), epochs=1)
    data = dataclasses.replace(make_data(), input=settings.input)
    assert_same_bits(fit(settings, data), fit(settings, data))
