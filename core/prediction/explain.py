"""Where a network looked: class activation maps, occlusion where there are none, and their colours on the image.

A map says which places of the image speak for a class. It is coarse, and no proof: a network may be right for a wrong
reason that no map shows. References: Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016
(class activation maps); Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014 (occlusion).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from core.data.intake import border_colour
from core.prediction.heat import heat_overlay
from core.prediction.map_places import Places, places_of

if TYPE_CHECKING:
    from torch import nn

    from core.prediction.reader import Reader, Seen

Array = NDArray[np.float32]
Head = tuple[Array, Array]  # weight (C, D), bias (C,) of a linear classifier after average pooling

LEAST_SIDE: Final = 5  # cells of a map; a coarser one places nothing
POSITIONS: Final = 8  # of the occluding patch, along each side
PATCH: Final = 0.25  # side of the patch, as a share of the image's
BATCH: Final = 16  # occluded images that the network reads at once
LEAST_FALL: Final = 0.05  # of a probability; less is not drawn in the strongest colour
PROBE_SIDE: Final = 128  # px
TOLERANCE: Final = 1e-3  # of the largest logit without its bias, between a probe's logits and those of its map
RESOLUTION: Final = 1e-6  # of float32

ACTIVATION: Final = "activation"
OCCLUSION: Final = "occlusion"


@dataclass(frozen=True)
class Explanation:
    """Which places of an image speak for each class.

    Attributes:
        maps: (C, h, w) over the network's square: what each place adds to a class's logit (activation map), or how far
            the class's probability falls when the place is hidden (occlusion). Below 0: it speaks against the class.
        method: "activation" or "occlusion".
        size: side of the square, in pixels.
        places: where the map's places lie on it; None: they are spread evenly.
        full: value in `maps` that gets the strongest colour, the same for all classes so that they can be compared.
        words: how to read the colours.
    """

    maps: Array
    method: Literal["activation", "occlusion"]
    size: int
    places: Places | None
    full: float
    words: str

    def over(self, rgb: NDArray[np.uint8], class_: int, strength: float) -> NDArray[np.uint8]:
        """The image (H, W, 3) that was read, at any scale, with the map of a class over it; `strength` in [0, 1]."""
        return heat_overlay(rgb, self.maps[class_], strength, full=self.full, size=self.size, places=self.places)


def explain(reader: Reader, seen: Seen) -> Explanation:
    """Where a model looked for each class in an image that it has read.

    The activation maps of a single network are used where they are exact and have 5 x 5 places or more, else occlusion,
    which takes 64 further readings. A fusion averages probabilities, so no sum of its members' maps gives its answer:
    it is occluded as a whole.
    """
    if len(reader.members) == 1:
        maps, head = seen.looks[0].maps, reader.members[0].head()
        if maps is not None and head is not None and min(maps.shape[2:]) >= LEAST_SIDE:
            facts = reader.members[0].facts
            return activation(maps[0], head, facts.image_size, places_of(facts.backbone, facts.image_size))

    return occlusion(lambda squares: np.asarray(reader.answers(squares), np.float32), seen.squares[reader.main])


def class_maps(features: Array, head: Head) -> Array:
    """Class activation maps (C, h, w): map_k = sum over d of weight_kd * features_d, so mean(map_k) + bias_k = logit_k.

    Args:
        features: (D, h, w), the last feature map before average pooling.
        head: the linear classifier. Zhou et al. 2016, equation 2.
    """
    return np.asarray(np.tensordot(head[0], features, axes=1), np.float32)


def activation(features: Array, head: Head, size: int, places: Places | None = None) -> Explanation:
    """The activation maps, from the last feature map (D, h, w) of a square of `size` px.

    The strongest colour is the largest value of any class at any place.
    """
    maps = class_maps(features, head)
    full = float(np.abs(maps).max())
    words = (
        f"Class activation map of {maps.shape[1]} x {maps.shape[2]} places. Colour: what a place adds to the class's "
        "score, beside the most that any place of this image does to any class. What speaks against the class has none."
    )
    return Explanation(maps, ACTIVATION, size, places, full, words)


def occlusion(predict: Callable[[NDArray[np.uint8]], Array], square: NDArray[np.uint8]) -> Explanation:
    """Occlusion of a square (S, S, 3); largest falls below 5 % of probability stay weak in colour.

    Args:
        predict: squares (n, S, S, 3) uint8 -> probabilities (n, C).
    """
    falls = occlusion_maps(predict, square)
    full = max(float(np.abs(falls).max()), LEAST_FALL)
    words = (
        "Occlusion: the maps of this model are too coarse, or not exact. Colour: how far the class's probability falls "
        f"when a patch hides the place, at the most {full:.0%}. Where hiding raises it there is none."
    )
    return Explanation(falls, OCCLUSION, square.shape[0], None, full, words)


def occlusion_maps(predict: Callable[[NDArray[np.uint8]], Array], square: NDArray[np.uint8]) -> Array:
    """How far the probability of each class falls when a place of the image is hidden, (C, S, S).

    A patch of a quarter of the side, in the colour of the image's border, stands at 8 x 8 overlapping positions; a
    pixel's value is the mean fall over the patches that hid it. Zeiler and Fergus 2014, section 4.2.
    """
    side, filling = square.shape[0], border_colour(square)
    patch = max(1, round(PATCH * side))
    starts = sorted({round(at) for at in np.linspace(0, side - patch, POSITIONS)})
    places = [(slice(top, top + patch), slice(left, left + patch)) for top in starts for left in starts]
    whole = predict(square[None])[0]
    falls, seen = np.zeros((len(whole), side, side), np.float32), np.zeros((side, side), np.float32)
    for first in range(0, len(places), BATCH):
        batch = places[first : first + BATCH]
        hidden = np.repeat(square[None], len(batch), axis=0)
        for image, place in zip(hidden, batch, strict=True):
            image[place] = filling
        for place, probabilities in zip(batch, predict(hidden), strict=True):
            falls[:, *place] += (whole - probabilities)[:, None, None]
            seen[place] += 1
    return falls / seen


def linear_head(model: nn.Module) -> Head | None:
    """Weight and bias of a network that is average pooling and one linear layer after its last feature map.

    Any network with `forward_features` and `get_classifier`, as timm's; in eval mode. That nothing else stands between
    (a norm, a hidden layer, another pooling) is not read from its parts but tried on two probes.

    Returns:
        (weight (C, D), bias (C,)), or None: its activation maps would not be exact.
    """
    import torch
    from torch import nn

    network: Any = model
    if not hasattr(network, "forward_features") or not hasattr(network, "get_classifier"):
        return None
    classifier = network.get_classifier()
    if not isinstance(classifier, nn.Linear):
        return None
    weight = classifier.weight.detach()
    bias = weight.new_zeros(weight.shape[0]) if classifier.bias is None else classifier.bias.detach()
    probes = torch.rand((2, 3, PROBE_SIDE, PROBE_SIDE), generator=torch.Generator().manual_seed(0)) * 2 - 1
    probes[1] *= torch.linspace(0, 1, PROBE_SIDE)  # uneven, so that average and maximum differ
    try:
        with torch.inference_mode():
            probes = probes.to(weight)
            maps, logits = network.forward_features(probes), network(probes)
    except (RuntimeError, AssertionError, ValueError):  # of one fixed size only: vision transformers
        return None
    if maps.ndim != 4 or maps.shape[1] != weight.shape[1]:
        return None
    expected = torch.einsum("cd,ndhw->nchw", weight, maps).mean(dim=(2, 3))
    scale = (logits - bias).abs().max() + RESOLUTION / TOLERANCE * logits.abs().max()  # a large bias drowns a small map
    if not bool(torch.isfinite(logits).all()) or (expected + bias - logits).abs().max() > TOLERANCE * scale:
        return None
    return weight.float().cpu().numpy(), bias.float().cpu().numpy()
