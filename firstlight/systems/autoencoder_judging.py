"""How good an autoencoder is: what comes back beside principal components, noise taken away, ways between codes.

All figures are of pictures from 0 to 1, cut to that range as files would cut them, on both sides of each comparison.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from firstlight import metrics
from firstlight.data.table import Split
from firstlight.systems.autoencoder_morphing import path_between
from firstlight.systems.autoencoder_noise import NOISES, with_noise
from firstlight.systems.autoencoder_pictures import codes_of, drawn, spread_of
from firstlight.systems.autoencoder_settings import strength_of
from firstlight.systems.pictures import Pictures

if TYPE_CHECKING:
    from firstlight.systems.autoencoder import Autoencoder

__all__ = ["Features", "Paths", "evaluate", "judge_paths", "noise_of", "through_components"]

Features = Callable[[np.ndarray], np.ndarray]
"""From pictures (pictures, height, width, channels) uint8 to features (pictures, values)."""

_AT_ONCE = 1000
_PAIRS, _STEPS = 64, 9  # ways that are judged, and pictures on each
_ACTIVE = 0.01  # variance of a unit's mean over pictures from which it is active (Burda et al. 2016, section 5.2)
_SEED = 0  # of the noise, the draws and the pairs: the same at each judging


@dataclass(frozen=True)
class Paths:
    """Ways between pictures: `largest_step` over the mean step, and `realism` of the middle, see `metrics.morphing`."""

    largest_step: metrics.Score
    realism: metrics.Score


def evaluate(autoencoder: "Autoencoder", split: Split, features: Features | None = None) -> dict[str, Any]:
    """See `Autoencoder.evaluate`; `features` is the space in which pictures are compared, by default principal
    components, which know no more than pixels do.
    """
    told: list[str] = []
    pictures = Pictures(split.images, autoencoder.shape, told.append)
    each: dict[str, list[np.ndarray]] = {}
    random = np.random.default_rng(_SEED)
    for places in _chunks(len(pictures)):
        for name, score in _judged(autoencoder, pictures.take(places), random).items():
            each.setdefault(name, []).append(score.each)
    whole = {name: np.concatenate(parts) for name, parts in each.items()}
    scores = {name: metrics.Score(name, float(values.mean()), values) for name, values in whole.items()}
    scores["ratio_to_pca"] = metrics.error_ratio(scores["squared_error"], scores["pca_squared_error"])
    report: dict[str, Any] = {name: score.value for name, score in scores.items()}
    report["intervals"] = {name: list(limits) for name, limits in metrics.bootstrap(scores).items()}
    if autoencoder.variational:
        report |= _bound(autoencoder, pictures)
    if len(pictures) >= 4:
        paths = judge_paths(autoencoder, pictures, features=features)
        found = {"largest_step": paths.largest_step, "realism": paths.realism}
        report |= {name: score.value for name, score in found.items()}
        report["intervals"] |= {name: list(limits) for name, limits in metrics.bootstrap(found).items()}
    return {**report, "passed_over": told}


def _chunks(count: int) -> Iterator[np.ndarray]:
    return (np.arange(start, min(start + _AT_ONCE, count)) for start in range(0, count, _AT_ONCE))


def _judged(autoencoder: "Autoencoder", pictures: np.ndarray, random: np.random.Generator) -> dict[str, metrics.Score]:
    """What is told of each of some pictures: reconstruction, principal components, and noise taken away."""
    clean = pictures.astype(np.float32) / 255
    own = drawn(autoencoder, codes_of(autoencoder, pictures))
    noisy = with_noise(clean, *noise_of(autoencoder), random)
    mended = drawn(autoencoder, codes_of(autoencoder, 255 * noisy))
    before, after = metrics.peak_signal_to_noise(clean, noisy), metrics.peak_signal_to_noise(clean, mended)
    return {
        "squared_error": metrics.squared_error(clean, own),
        "psnr": metrics.peak_signal_to_noise(clean, own),
        "ssim": metrics.structural_similarity(clean, own),
        "pca_squared_error": metrics.squared_error(clean, through_components(autoencoder, clean)),
        "noisy_psnr": before,
        "denoised_psnr": after,
        "denoising_gain": metrics.Score("gain", after.value - before.value, after.each - before.each),
    }


def noise_of(autoencoder: "Autoencoder") -> tuple[str, float]:
    """The kind and the strength of the noise by which it is judged: its own, or a gaussian one where it has none."""
    if autoencoder.noise == "none":
        return "gaussian", NOISES["gaussian"]
    return autoencoder.noise, strength_of(autoencoder)


def through_components(autoencoder: "Autoencoder", pictures: np.ndarray) -> np.ndarray:
    """What comes back of pictures from 0 to 1 through as many principal components as the code has units."""
    rows = pictures.reshape(len(pictures), -1)
    components = autoencoder.components.first(autoencoder.code)
    back = components.inverse_transform(components.transform(rows))
    return np.clip(back, 0, 1).reshape(pictures.shape)


def _bound(autoencoder: "Autoencoder", pictures: Pictures) -> dict[str, float]:
    """The bound of the logarithm of the likelihood, in nats a picture, and its two parts (Kingma and Welling 2014,
    equation 10, with one draw a picture), and the share of the units that are active.

    Of a crossentropy loss pixels are Bernoulli; else normal around the reconstruction, with the spread that fits best.
    """
    random, codes, errors, distances = np.random.default_rng(_SEED), [], [], []
    for places in _chunks(len(pictures)):
        some = pictures.take(places)
        mean, log_variance = spread_of(autoencoder, some)
        draws = random.standard_normal(mean.shape, dtype=np.float32)
        back = drawn(autoencoder, mean + np.exp(0.5 * log_variance) * draws).astype(np.float64)
        clean = some.astype(np.float64) / 255
        codes.append(mean)
        distances.append(0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1).sum(-1))
        errors.append(_misfit(autoencoder.loss, clean, back))
    error, values = np.concatenate(errors), int(np.prod(autoencoder.shape))
    fit = -error.mean() if autoencoder.loss == "crossentropy" else _gaussian_fit(float(error.mean()), values)
    distance = float(np.concatenate(distances).mean())
    active = np.concatenate(codes).var(axis=0) > _ACTIVE
    return {
        "bound": float(fit) - distance,
        "fit_nats": float(fit),
        "divergence_nats": distance,
        "active_units": float(active.mean()),
    }


def _misfit(loss: str, clean: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Of each picture: nats of Bernoulli pixels, or else the mean squared error."""
    if loss != "crossentropy":
        return np.asarray(np.square(clean - back).mean(axis=(1, 2, 3)))
    back = np.clip(back, 1e-7, 1 - 1e-7)
    return np.asarray(-(clean * np.log(back) + (1 - clean) * np.log(1 - back)).sum(axis=(1, 2, 3)))


def _gaussian_fit(variance: float, values: int) -> float:
    """The mean logarithm of the density of pictures whose mean squared error is the variance of each value."""
    return -0.5 * values * (np.log(2 * np.pi * max(variance, 1e-12)) + 1)


def judge_paths(
    autoencoder: "Autoencoder", pictures: Pictures, path: str = "linear", features: Features | None = None
) -> Paths:
    """Ways between pairs of pictures, drawn by a fixed seed: whether they jump, and whether their middles look real.

    The real pictures are the others of the same split; the two ends of a way never count as near to its middle.
    """
    order = np.random.default_rng(_SEED).permutation(len(pictures))
    count = min(_PAIRS, len(pictures) // 2)
    pairs = order[: 2 * count].reshape(count, 2)
    places = np.concatenate([order[: 2 * count], order[2 * count : 2 * count + _AT_ONCE]])
    real = pictures.take(places)
    codes = codes_of(autoencoder, real)
    ends = np.arange(2 * count).reshape(count, 2)  # where the pairs stand among the real ones
    ways = [path_between(codes[one], codes[other], _STEPS, path) for one, other in ends]
    frames = drawn(autoencoder, np.concatenate(ways)).reshape(count, _STEPS, -1)
    steps = np.array([metrics.largest_step(way) for way in frames])
    middles = frames[:, _STEPS // 2].reshape(count, *autoencoder.shape)
    blends = (pictures.take(pairs[:, 0]).astype(np.float32) + pictures.take(pairs[:, 1])) / 510
    space = features or _in_components(autoencoder)
    told = [space(np.rint(255 * some).astype(np.uint8)) for some in (middles, blends)]
    return Paths(
        metrics.Score("largest step", float(steps.mean()), steps), metrics.realism(*told, space(real), apart=ends)
    )


def _in_components(autoencoder: "Autoencoder") -> Features:
    components = autoencoder.components.first(autoencoder.code)
    return lambda pictures: components.transform(pictures.reshape(len(pictures), -1).astype(np.float32) / 255)
