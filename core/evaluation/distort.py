"""How one image is distorted, each way by one number. NumPy, SciPy and Pillow only; `core.evaluation.shifts` has the
numbers.

Every function takes a float image (S, S, 3) with RGB values on a 0..255 scale, a strength whose unit it names, and the
image's own random generator, and returns a float image that may leave 0..255. What is random is drawn before the
strength is used, so that one image is distorted in the same way, only more, at each severity.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from scipy.signal import fftconvolve

Floats = NDArray[np.float64]

# Blood is stained with May-Grünwald-Giemsa, whose azure and eosin these only come near to.
# Optical densities of haematoxylin, eosin and DAB in R, G, B: Ruifrok & Johnston, Anal Quant Cytol Histol 23 (2001).
_HED = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
_HED = _HED / np.linalg.norm(_HED, axis=1, keepdims=True)
_TO_HED = np.linalg.inv(_HED)
_LUMA = np.array([0.299, 0.587, 0.114])  # of R, G, B: ITU-R BT.601
_TO_YIQ = np.array([_LUMA, [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
_FROM_YIQ = np.linalg.inv(_TO_YIQ)
_BASE_DENSITY = 0.1  # that a stain's strength of 1 adds everywhere, beside scaling what is there
_GREY = 127.5
_FINE = 8  # parts of a pixel's side in which a kernel's coverage is counted


def stain(image: Floats, strength: float, random: Generator) -> Floats:
    """Scale and shift the amounts of haematoxylin and eosin, each more or less by chance; `strength` is the share.

    References: Ruifrok & Johnston 2001 (the three stains as optical densities); Tellez et al., Medical Image Analysis
    58 (2019) 101544 (amount * alpha + beta).
    """
    ways = _signs(random, 4)
    density = -np.log(np.clip(image, 1, 255) / 255)
    amount = density @ _TO_HED
    amount[..., :2] *= 1 + strength * ways[:2]
    amount[..., :2] += _BASE_DENSITY * strength * ways[2:]
    changed: Floats = 255 * np.exp(-(amount @ _HED))
    return changed


def hue(image: Floats, strength: float, random: Generator) -> Floats:
    """Turn every colour around the grey axis by `strength` degrees, one way or the other; its luma stays (YIQ)."""
    angle = np.deg2rad(strength * _signs(random, 1)[0])
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    turned: Floats = image @ (_FROM_YIQ @ turn @ _TO_YIQ).T
    return turned


def brightness(image: Floats, strength: float, random: Generator) -> Floats:
    """Make all lighter or darker by `strength`, a share of the whole range."""
    changed: Floats = image + 255 * strength * _signs(random, 1)[0]
    return changed


def contrast(image: Floats, strength: float, random: Generator) -> Floats:
    """Spread the values around the image's mean, or gather them: times or divided by 1 + `strength`."""
    mean = image.mean()
    changed: Floats = mean + (image - mean) * (1 + strength) ** _signs(random, 1)[0]
    return changed


def gamma(image: Floats, strength: float, random: Generator) -> Floats:
    """Raise the values (on a 0..1 scale) to the power 1 + `strength`, or its inverse."""
    changed: Floats = 255 * (image / 255) ** ((1 + strength) ** _signs(random, 1)[0])
    return changed


def defocus(image: Floats, strength: float, random: Generator) -> Floats:
    """Blur by a disk, the image of a point out of focus; `strength` is its radius as a share of the side."""
    return _blurred(image, _disk(strength * len(image)))


def motion(image: Floats, strength: float, random: Generator) -> Floats:
    """Blur along a line in a random direction; `strength` is its length as a share of the side."""
    return _blurred(image, _line(strength * len(image), random.uniform(0, np.pi)))


def jpeg(image: Floats, strength: float, random: Generator) -> Floats:
    """Save as a JPEG of quality `strength` (Pillow's scale, colours at half the resolution) and read it again."""
    file = io.BytesIO()
    _picture(image).save(file, "JPEG", quality=round(strength), subsampling="4:2:0")
    return np.asarray(Image.open(file, formats=("JPEG",)), dtype=np.float64)


def pixelation(image: Floats, strength: float, random: Generator) -> Floats:
    """Scale down to the share `strength` of the side by averaging, then up again in whole blocks."""
    side = len(image)
    small = max(1, round(strength * side))
    return _resized(_resized(image, small, Image.Resampling.BOX), side, Image.Resampling.NEAREST)


def noise(image: Floats, strength: float, random: Generator) -> Floats:
    """Add Gaussian noise to every value; `strength` is its standard deviation as a share of the whole range."""
    return image + 255 * strength * random.standard_normal(image.shape)


def scale(image: Floats, strength: float, random: Generator) -> Floats:
    """Show the cell larger (the middle, enlarged) or smaller (surrounded by the border's median colour), by chance.

    `strength` is the change of its size: it becomes 1 + strength, or 1 / (1 + strength), times as large.
    """
    side, larger = len(image), _signs(random, 1)[0] > 0
    inner = max(1, round(side / (1 + strength)))
    start = (side - inner) // 2
    if larger:
        return _resized(image[start : start + inner, start : start + inner], side, Image.Resampling.BICUBIC)
    out = np.broadcast_to(_border_colour(image), image.shape).copy()
    out[start : start + inner, start : start + inner] = _resized(image, inner, Image.Resampling.BICUBIC)
    return out


def border(image: Floats, strength: float, random: Generator) -> Floats:
    """Cover a frame with mid-grey, so that what stands there cannot help; `strength` is its width by the side."""
    side = len(image)
    wide = round(strength * side)
    out = np.full_like(image, _GREY)
    out[wide : side - wide, wide : side - wide] = image[wide : side - wide, wide : side - wide]
    return out


def _signs(random: Generator, n: int) -> Floats:
    """+1 or -1, n times."""
    return np.where(random.integers(0, 2, n) == 1, 1.0, -1.0)


def _border_colour(image: Floats) -> Floats:
    """Median colour (3,) of the outermost pixels, mostly the background, as `core.data.intake.to_square` pads."""
    ring = np.concatenate([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]])
    return np.asarray(np.median(ring, axis=0))


def _disk(radius: float) -> Floats:
    """A kernel (k, k) that sums to 1: the share of each pixel that lies inside the disk."""
    reach = max(0, int(np.ceil(radius - 0.5)))
    fine = (np.arange((2 * reach + 1) * _FINE) + 0.5) / _FINE - reach - 0.5
    return _coverage(fine[:, None] ** 2 + fine[None, :] ** 2 <= radius**2, reach)


def _line(length: float, angle: float) -> Floats:
    """A kernel (k, k) that sums to 1: a line one pixel wide through the middle, `angle` radians from the rows."""
    reach = max(0, int(np.ceil(length / 2)))
    fine = (np.arange((2 * reach + 1) * _FINE) + 0.5) / _FINE - reach - 0.5
    along = fine[None, :] * np.cos(angle) + fine[:, None] * np.sin(angle)
    across = fine[:, None] * np.cos(angle) - fine[None, :] * np.sin(angle)
    return _coverage((np.abs(along) <= max(length, 1) / 2) & (np.abs(across) <= 0.5), reach)


def _coverage(inside: NDArray[np.bool_], reach: int) -> Floats:
    side = 2 * reach + 1
    share = inside.reshape(side, _FINE, side, _FINE).mean(axis=(1, 3))
    return np.asarray(share / share.sum()) if share.sum() > 0 else _coverage(np.ones_like(inside), 0)


def _blurred(image: Floats, kernel: Floats) -> Floats:
    """The image convolved with a kernel (k, k), k odd; beyond its edge it is mirrored."""
    reach = min(len(kernel) // 2, len(image))
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    return np.asarray(fftconvolve(padded, kernel[..., None], mode="valid", axes=(0, 1)))


def _picture(image: Floats) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(image), 0, 255).astype(np.uint8))


def _resized(image: Floats, side: int, how: Image.Resampling) -> Floats:
    return np.asarray(_picture(image).resize((side, side), how), dtype=np.float64)
