"""What an image takes from another: its colours exactly, its surroundings, and never its cell."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.learning.inputs import as_floats
from core.learning.lend import recoloured, restained, surrounded
from tests.core.data.test_cell_mask import PEACH, WHITE, picture

OWN = as_floats(picture(PEACH, [(48, 48)])[None])
LENDER = as_floats(picture(WHITE, [(40, 44), (58, 52)])[None])


def moments(image: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    flat = image[0].flatten(1).double().numpy()
    return flat.mean(axis=1), np.cov(flat, bias=True)


def test_colours_have_the_lenders_mean_and_covariance() -> None:
    random = torch.Generator().manual_seed(0)
    own = 0.4 + 0.1 * torch.rand(1, 3, 40, 40, generator=random)  # far from 0 and 1, where values would be cut
    lender = own.flip(1) * torch.tensor([0.8, 1.0, 1.3]).view(1, 3, 1, 1) + 0.1 * torch.rand(1, 1, 40, 40)
    mean, covariance = moments(recoloured(own, lender))
    wanted_mean, wanted = moments(lender)
    assert mean == pytest.approx(wanted_mean, abs=1e-4)
    assert covariance == pytest.approx(wanted, rel=0.05, abs=2e-5)


def test_an_images_own_colours_change_nothing() -> None:
    assert torch.allclose(recoloured(OWN, OWN), OWN, atol=2e-3)


def test_shapes_stay_when_colours_change() -> None:
    out = recoloured(OWN, LENDER)
    edge = (OWN[0].mean(0)[:, 1:] - OWN[0].mean(0)[:, :-1]).abs() > 0.1
    moved = (out[0].mean(0)[:, 1:] - out[0].mean(0)[:, :-1]).abs() > 0.05
    assert bool((edge == moved).float().mean() > 0.99)


def test_the_cell_stands_in_the_lenders_surroundings_and_the_lenders_cell_is_gone() -> None:
    out = (surrounded(OWN, LENDER)[0] * 255).round()
    assert out[:, 90, 90].tolist() == list(WHITE)
    assert out[:, 12, 12].tolist() == [214, 170, 165]  # the lender's red cell
    assert out[:, 48, 48].tolist() == pytest.approx([90, 30, 130], abs=3)  # the own nucleus, as dark as the lender's
    assert float(out[1, 60, 54]) > 150  # where the lender had a lobe and the own cell has none


def test_restained_the_glass_and_the_nucleus_are_the_lenders_whatever_their_share() -> None:
    pale = as_floats(picture(WHITE, [(48, 48)])[None]) ** 0.5  # half the density, over its own glass
    out = restained(OWN, pale)[0]
    assert out[:, 90, 90].tolist() == pytest.approx(pale[0, :, 90, 90].tolist(), abs=0.01)
    assert out[:, 48, 48].tolist() == pytest.approx(pale[0, :, 48, 48].tolist(), abs=0.03)
    assert torch.allclose(restained(OWN, OWN), OWN, atol=1e-4)


def test_flat_images_stay_finite() -> None:
    flat = torch.zeros(2, 3, 32, 32)
    for out in (recoloured(flat, 1 - flat), restained(flat, 1 - flat), surrounded(flat, 1 - flat)):
        assert bool(torch.isfinite(out).all())
