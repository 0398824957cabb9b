"""The command line of a search, made from the fields of SearchSettings, and back again."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from typing import Any

from core.learning.settings import AugmentSettings
from core.search.settings import PRESETS, SearchSettings, preset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One option a setting; an option that is not given keeps the preset's value."""
    parser.add_argument("--preset", choices=PRESETS, default="published", help="defaults to start from")
    for spec in fields(SearchSettings):
        if spec.name in ("preset", "augment"):
            continue
        default = getattr(SearchSettings(), spec.name)
        choices = spec.metadata["choices"] or None
        parser.add_argument(
            _option(spec.name), type=type(default), choices=choices, help=spec.metadata["help"].replace("%", "%%")
        )
    for spec in fields(AugmentSettings):
        parser.add_argument(_option(f"augment_{spec.name}"), type=float, help=f"augmentation strength: {spec.name}")


def from_arguments(arguments: argparse.Namespace) -> SearchSettings:
    """The settings that the options say, on top of the preset's. Raises SettingsError when one is unusable."""
    base = preset(arguments.preset)
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    names = {spec.name for spec in fields(SearchSettings)} - {"preset", "augment"}
    own: dict[str, Any] = {name: given[name] for name in names if name in given}
    augment = {
        spec.name: given[f"augment_{spec.name}"] for spec in fields(AugmentSettings) if f"augment_{spec.name}" in given
    }
    settings = replace(base, **own, augment=replace(base.augment, **augment))
    settings.check()
    return settings


def to_arguments(settings: SearchSettings, *, whole: bool = False) -> list[str]:
    """The options that give these settings: the shortest, or the `whole` of them, which no later preset changes."""
    base = preset(settings.preset)
    options = ["--preset", settings.preset]
    for spec in fields(SearchSettings):
        value = getattr(settings, spec.name)
        if spec.name in ("preset", "augment") or (spec.name == "name" and not value):
            continue
        if whole or spec.name == "data" or value != getattr(base, spec.name):
            options += _given(spec.name, value)
    for spec in fields(AugmentSettings):
        value = getattr(settings.augment, spec.name)
        if whole or value != getattr(base.augment, spec.name):
            options += _given(f"augment_{spec.name}", value)
    return options


def _given(name: str, value: Any) -> list[str]:
    """An option and its value; in one word where the value would look like an option."""
    text = str(value)
    return [f"{_option(name)}={text}"] if text.startswith("-") else [_option(name), text]


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
