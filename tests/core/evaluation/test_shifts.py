"""Shifts of images: none at severity 0, the same for a seed, further from the image at each severity, known values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from core.evaluation import distort
from core.evaluation.shifts import SEVERITIES, SHIFTS, UNCHANGED, ShiftError, image_seed, label, shifted

SIDE = 160  # at which the weakest blur reaches beyond a pixel


def smooth(seed: int, side: int = SIDE, n: int = 2) -> np.ndarray:
    """Random images with the low frequencies of pictures: (n, side, side, 3)."""
    noise = np.random.default_rng(seed).standard_normal((n, side, side, 3))
    blurred = gaussian_filter(noise, (0, 2, 2, 0))
    return np.clip(128 + 45 * blurred / blurred.std(), 0, 255).astype(np.uint8)


def flat(colour: tuple[int, int, int], side: int = SIDE) -> np.ndarray:
    return np.full((1, side, side, 3), colour, np.uint8)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(((one.astype(float) - other) ** 2).mean()))


@pytest.mark.parametrize("shift", SHIFTS)
def test_severity_0_is_the_image_and_every_result_has_its_form(shift: str):
    images = smooth(1)
    kept = images.copy()
    for severity in (0, *SEVERITIES):
        found = shifted(images, shift, severity, [3, 4])
        assert (found.shape, found.dtype) == (images.shape, np.uint8)
        assert np.array_equal(found, images) == (severity == 0)
        assert found.base is not images
    np.testing.assert_array_equal(images, kept)
    np.testing.assert_array_equal(shifted(images, UNCHANGED, 0, [3, 4]), images)


@pytest.mark.parametrize("shift", SHIFTS)
def test_an_image_is_shifted_alike_wherever_it_stands_in_whatever_batch(shift: str):
    images = smooth(2, n=3)
    whole = shifted(images, shift, 3, [7, 8, 9])
    np.testing.assert_array_equal(shifted(images, shift, 3, [7, 8, 9]), whole)
    for place, seed in enumerate((7, 8, 9)):
        np.testing.assert_array_equal(shifted(images[place : place + 1], shift, 3, [seed])[0], whole[place])


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), shift=st.sampled_from(sorted(SHIFTS)))
def test_each_severity_is_further_from_the_image(seed: int, shift: str):
    images = smooth(seed % 1000, n=1)
    away = [distance(shifted(images, shift, severity, [seed]), images) for severity in (0, *SEVERITIES)]
    assert away[0] == 0 < away[1]
    if shift == "scale":  # what has moved by more than its own size is not further away
        assert away[1] < max(away[2:])
    else:
        assert all(np.diff(away) > -0.25)
        assert away[5] > 1.5 * away[1]


@pytest.mark.parametrize("side", [1, 8, 33])
@pytest.mark.parametrize("shift", SHIFTS)
def test_images_of_any_size_can_be_shifted(shift: str, side: int):
    assert shifted(smooth(3, side=side), shift, 5, [0, 1]).shape == (2, side, side, 3)


@pytest.mark.parametrize("shift", ["hue", "contrast", "defocus", "motion", "pixelation", "scale"])
def test_a_grey_plane_has_nothing_that_these_could_change(shift: str):
    np.testing.assert_array_equal(shifted(flat((120, 120, 120)), shift, 5, [0]), flat((120, 120, 120)))


def test_known_values():
    assert sorted({int(shifted(flat((100, 100, 100)), "brightness", 1, [s])[0, 0, 0, 0]) for s in range(20)}) == [
        90,
        110,
    ]
    half = flat((64, 64, 64))  # (64 / 255) ** 1.12 * 255 and its inverse
    assert sorted({int(shifted(half, "gamma", 1, [s])[0, 0, 0, 0]) for s in range(20)}) == [54, 74]
    step = np.concatenate([np.full((1, 8, 4, 3), 100, np.uint8), np.full((1, 8, 4, 3), 140, np.uint8)], axis=2)
    found = {tuple(shifted(step, "contrast", 1, [s])[0, 0, [0, -1], 0]) for s in range(20)}
    assert found == {(102, 138), (98, 142)}  # 120 -+ 20 / 1.12, and 120 -+ 20 * 1.12
    framed = shifted(flat((10, 20, 30), 100), "border", 1, [0])[0]
    assert (framed[:2] == 128).all()
    assert (framed[2:-2, 2:-2] == (10, 20, 30)).all()
    noisy = shifted(flat((128, 128, 128), 100), "noise", 2, [5])[0].astype(float)
    assert noisy.std() == pytest.approx(0.04 * 255, rel=0.03)
    assert noisy.mean() == pytest.approx(128, abs=0.3)


def test_hue_turns_colours_and_keeps_their_luma():
    red = flat((150, 110, 110))  # pale enough that nothing is clipped
    for seed in range(6):
        turned = shifted(red, "hue", 5, [seed])[0, 0, 0].astype(float)
        assert turned @ [0.299, 0.587, 0.114] == pytest.approx(
            np.array([150, 110, 110]) @ [0.299, 0.587, 0.114], abs=0.6
        )
    assert len({tuple(shifted(red, "hue", 5, [seed])[0, 0, 0]) for seed in range(20)}) == 2


def test_the_stains_of_ruifrok_and_johnston_come_apart():
    # Pure haematoxylin of amount 1: doubling its amount squares its transmission.
    haematoxylin = 255 * np.exp(-np.array([[[0.65, 0.70, 0.29]]]) / np.linalg.norm([0.65, 0.70, 0.29]))
    density = -np.log(haematoxylin / 255)
    np.testing.assert_allclose(density @ distort._TO_HED, [[[1, 0, 0]]], atol=1e-12)
    found = distort.stain(haematoxylin, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(found, haematoxylin)
    more = [distort.stain(haematoxylin, 0.5, np.random.default_rng(seed)) for seed in range(30)]
    amounts = {tuple(np.round(-np.log(one / 255) @ distort._TO_HED, 6)[0, 0] + 0.0) for one in more}
    assert amounts == {(h, e, 0.0) for h in (1.55, 1.45, 0.55, 0.45) for e in (0.05, -0.05)}


def test_blur_kernels_sum_to_1_and_keep_their_size():
    for radius in (0.2, 0.9, 2.5, 4.5):
        kernel = distort._disk(radius)
        assert kernel.sum() == pytest.approx(1)
        assert np.array_equal(kernel, kernel.T)
        assert np.count_nonzero(kernel[len(kernel) // 2]) in (2 * round(radius) - 1, 2 * round(radius) + 1)
    line = distort._line(9, 0.0)  # along the rows
    assert line.sum() == pytest.approx(1)
    assert np.flatnonzero(line.sum(axis=1)).tolist() == [len(line) // 2]
    image = flat((0, 0, 0), 21)[0].astype(float)
    image[10, 10] = 255
    blurred = distort.defocus(image, 3 / 21, np.random.default_rng(0))
    assert blurred.sum() == pytest.approx(image.sum())
    assert blurred[10, 10, 0] == pytest.approx(255 / (np.pi * 9), rel=0.05)


def test_scale_moves_a_disk_to_its_new_size():
    rows, columns = np.mgrid[:100, :100]
    disk = np.where(((rows - 49.5) ** 2 + (columns - 49.5) ** 2 < 20**2)[..., None], 40, 200).astype(np.uint8)
    areas = {
        int((shifted(np.broadcast_to(disk, (1, 100, 100, 3)).copy(), "scale", 5, [seed])[0, ..., 0] < 120).sum())
        for seed in range(20)
    }
    small, large = sorted(areas)
    assert small == pytest.approx(np.pi * 20**2 / 1.5**2, rel=0.05)
    assert large == pytest.approx(np.pi * 20**2 * 1.5**2, rel=0.05)


def test_pixelation_makes_whole_blocks_and_jpeg_is_pillows():
    image = smooth(4, side=50, n=1)
    found = shifted(image, "pixelation", 5, [0])[0]
    assert len(np.unique(found.reshape(-1, 3), axis=0)) <= 9 * 9  # 0.18 of 50 pixels
    again = shifted(image, "jpeg", 3, [0])[0]
    again_by_hand = distort.jpeg(image[0].astype(float), 20, np.random.default_rng(1))
    np.testing.assert_array_equal(again, again_by_hand)
    assert Image.fromarray(again).size == (50, 50)


def test_what_cannot_be_is_said():
    images = smooth(5)
    with pytest.raises(ShiftError, match="There is no shift 'fog'; there are stain, hue"):
        shifted(images, "fog", 1, [0, 1])
    with pytest.raises(ShiftError, match="The severity is 6; it must be one of 0 to 5"):
        shifted(images, "hue", 6, [0, 1])
    with pytest.raises(ValueError, match="2 images and 1 seeds"):
        shifted(images, "hue", 1, [0])
    assert (label("jpeg"), label(UNCHANGED), label("gone")) == ("JPEG quality", "Unchanged", "gone")


def test_strengths_grow_and_have_a_source_and_a_unit():
    for shift in SHIFTS.values():
        grows = np.diff(shift.strengths) > 0
        assert grows.all() or not grows.any()
        assert shift.source
        assert shift.unit
    assert SHIFTS["hue"].strength(2) == "10 degrees"


def test_the_seed_is_of_the_files_bytes():
    assert image_seed("00000000000a" + "f" * 52, 7) == 10
    assert image_seed(None, 7) == 7
