"""Augmentation: off means off, the generator decides everything, pixels stay in range."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from core.learning.augment import augment, lends
from core.learning.settings import NO_AUGMENTATION, AugmentSettings, SettingsError

IMAGES = torch.rand(6, 3, 24, 24, generator=torch.Generator().manual_seed(1))
EACH = {
    "flip": 1.0, "rotation": 90.0, "scale": 0.8, "brightness": 0.3, "contrast": 0.3, "saturation": 0.3, "stain": 0.2,
    "blur": 1.0, "noise": 0.1, "magnification": 0.5, "detail": 1.0, "jpeg": 1.0, "transfer": 1.0, "surround": 1.0,
}  # fmt: skip


def run(settings: AugmentSettings, seed: int = 0) -> torch.Tensor:
    lenders = IMAGES.flip(0) if lends(settings) else None
    return augment(IMAGES, settings, torch.Generator().manual_seed(seed), lenders)


def test_strength_zero_changes_nothing() -> None:
    assert torch.equal(run(NO_AUGMENTATION), IMAGES)


@pytest.mark.parametrize("name", EACH)
def test_each_setting_alone_changes_images_and_keeps_the_range(name: str) -> None:
    out = run(dataclasses.replace(NO_AUGMENTATION, **{name: EACH[name]}))
    assert not torch.allclose(out, IMAGES, atol=1e-3)
    assert out.shape == IMAGES.shape
    assert float(out.min()) >= 0
    assert float(out.max()) <= 1


def test_the_generator_decides_and_the_input_is_left_alone() -> None:
    settings, before = AugmentSettings(**EACH), IMAGES.clone()
    assert torch.equal(run(settings, 3), run(settings, 3))
    assert not torch.equal(run(settings, 3), run(settings, 4))
    assert torch.equal(IMAGES, before)


def test_images_of_one_batch_are_changed_differently() -> None:
    same = IMAGES[:1].repeat(4, 1, 1, 1)
    out = augment(same, AugmentSettings(), torch.Generator().manual_seed(0))
    assert not torch.allclose(out[0], out[1], atol=1e-3)


def test_a_flip_alone_mirrors_left_and_right() -> None:
    out = run(dataclasses.replace(NO_AUGMENTATION, flip=1.0))
    assert torch.allclose(out, IMAGES.flip(3), atol=1e-5)


def test_strengths_out_of_range_are_named() -> None:
    with pytest.raises(SettingsError, match=r"augment\.scale is 0\.5; it must lie between 0\.8 and 1\.0"):
        AugmentSettings(scale=0.5).check()
