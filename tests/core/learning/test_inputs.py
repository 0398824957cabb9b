"""What the network sees: the same in training and in use, and without what a recipe takes away."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.learning.inputs import network_input, prepared
from core.learning.settings import InputSettings, SettingsError
from tests.core.data.test_cell_mask import PEACH, WHITE, picture

SQUARES = np.stack([picture(PEACH, [(48, 48)]), picture(WHITE, [(40, 44), (58, 52)])])
HALF = [0.5] * 3


def seen(settings: InputSettings, squares: np.ndarray = SQUARES) -> torch.Tensor:
    return network_input(squares, settings, HALF, HALF)


def test_the_backbones_way_is_a_shift_and_a_scale() -> None:
    expected = torch.from_numpy(SQUARES).permute(0, 3, 1, 2).float() / 127.5 - 1
    assert torch.allclose(seen(InputSettings()), expected, atol=1e-6)


def test_each_image_by_itself_has_mean_0_and_deviation_1_in_every_channel() -> None:
    out = seen(InputSettings(standardise="image"))
    assert torch.allclose(out.mean(dim=(2, 3)), torch.zeros(2, 3), atol=1e-5)
    assert torch.allclose(out.std(dim=(2, 3), correction=0), torch.ones(2, 3), atol=1e-4)


def test_a_brighter_and_redder_lamp_changes_nothing_after_standardising() -> None:
    dim = (SQUARES * np.array([0.9, 0.7, 0.5])).round().astype(np.uint8)
    for way in ("image", "white"):
        settings = InputSettings(standardise=way)
        assert float((seen(settings) - seen(settings, dim)).abs().max()) < 0.1
    assert float((seen(InputSettings()) - seen(InputSettings(), dim)).abs().max()) > 0.5


def test_white_balance_makes_the_glass_white() -> None:
    out = seen(InputSettings(standardise="white"))
    assert torch.allclose(out[:, :, 90, 5], torch.ones(2, 3), atol=1e-5)  # (1 - 0.5) / 0.5


def test_masked_leaves_the_cell_and_takes_the_rest() -> None:
    out = prepared(SQUARES, InputSettings(background="masked"))
    assert out[0, 48, 48].tolist() == [90, 30, 130]
    assert out[0, 12, 12].tolist() == list(PEACH)  # where the red cell was
    assert out[1, 12, 12].tolist() == list(WHITE)


def test_detail_and_quality_take_what_is_fine() -> None:
    noisy = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    assert prepared(noisy, InputSettings(detail=16)).std() < 0.5 * noisy.std()
    assert not np.array_equal(prepared(noisy, InputSettings(quality=30)), noisy)
    assert np.array_equal(prepared(noisy, InputSettings(detail=64)), noisy)  # no larger than it is
    assert prepared(noisy, InputSettings()) is noisy


def test_a_flat_image_stays_finite() -> None:
    flat = np.zeros((1, 32, 32, 3), np.uint8)
    for way in ("image", "white", "backbone"):
        assert bool(torch.isfinite(seen(InputSettings(standardise=way, background="masked"), flat)).all())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (InputSettings(standardise="grey"), "input.standardise is 'grey'; allowed are backbone, image, white"),
        (InputSettings(background="blue"), "input.background is 'blue'"),
        (InputSettings(detail=8), "input.detail is 8; it must be 0 or at least 16 px"),
        (InputSettings(quality=101), "input.quality is 101"),
    ],
)
def test_settings_that_are_not_allowed_are_named(settings: InputSettings, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        settings.check()
