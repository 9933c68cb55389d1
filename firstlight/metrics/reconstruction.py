"""How near pictures come to what they should be: squared error, signal to noise in dB, structural similarity, and PCA.

Pictures are arrays of floats from 0 to 1 or of uint8. Principal components are the best that any linear code can do
on the pictures from which they come, and so what every other code is measured by.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firstlight.errors import FirstlightError
from firstlight.metrics.captions import Score

__all__ = [
    "PrincipalComponents",
    "error_ratio",
    "peak_signal_to_noise",
    "principal_components",
    "squared_error",
    "structural_similarity",
]

Floats = npt.NDArray[np.float64]

_LEAST = 1e-10  # squared error below which pictures count as equal: 100 dB
_WINDOW, _SPREAD = 11, 1.5  # pixels, of the windows of structural similarity
_STABLE = (0.01**2, 0.03**2)  # its two constants, for values from 0 to 1


@dataclass(frozen=True, eq=False)
class PrincipalComponents:
    """A linear code: `mean` (values,), orthonormal `components` (code, values), `variances` (code,), largest first."""

    mean: npt.NDArray[np.float32]
    components: npt.NDArray[np.float32]
    variances: npt.NDArray[np.float32]

    def transform(self, rows: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """The code (rows, code) of rows (rows, values)."""
        return np.asarray((np.asarray(rows, np.float32) - self.mean) @ self.components.T)

    def first(self, count: int) -> "PrincipalComponents":
        """Only so many of them."""
        return PrincipalComponents(self.mean, self.components[:count], self.variances[:count])

    def inverse_transform(self, codes: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """The rows (rows, values) that codes (rows, code) stand for."""
        return np.asarray(np.asarray(codes, np.float32) @ self.components + self.mean)


@dataclass(frozen=True, eq=False)
class _RatioScore(Score):
    """The ratio of two sums over pictures, `statistics` (pictures, 2)."""

    statistics: Floats

    def _combined(self, occurrences: Floats) -> Floats:
        own, other = np.moveaxis(occurrences @ self.statistics, -1, 0)
        return np.asarray(own / np.maximum(other, 1e-300))


def principal_components(rows: npt.ArrayLike, count: int) -> PrincipalComponents:
    """The `count` directions in which rows (rows, values) vary most, or as many as there are.

    No linear code of that size has a smaller squared error on these rows. Computed from the smaller of the two
    matrices of products, in float64.

    Source: Bishop, "Pattern Recognition and Machine Learning", 2006, sections 12.1.1, 12.1.2 and 12.1.4.
    """
    values = np.asarray(rows, np.float64)
    if values.ndim != 2 or not len(values) or count < 1:
        raise FirstlightError(
            f"Expected rows (rows, values) and a count of 1 or more. Received {values.shape} and {count}."
        )
    mean = values.mean(axis=0)
    centred = values - mean
    tall = len(values) >= values.shape[1]
    strengths, vectors = np.linalg.eigh(centred.T @ centred if tall else centred @ centred.T)
    kept = [place for place in np.argsort(-strengths)[:count] if strengths[place] > 1e-12 * max(strengths.max(), 1e-12)]
    directions = vectors[:, kept].T if tall else vectors[:, kept].T @ centred / np.sqrt(strengths[kept])[:, None]
    return PrincipalComponents(
        mean.astype(np.float32),
        directions.astype(np.float32),
        (strengths[kept] / max(len(values) - 1, 1)).astype(np.float32),
    )


def squared_error(true: npt.ArrayLike, given: npt.ArrayLike) -> Score:
    """The mean over pixels of the squared difference, on the scale of values from 0 to 1: 0 is best."""
    each = _errors(true, given)
    return Score("squared error", float(each.mean()), each)


def error_ratio(own: Score, other: Score) -> Score:
    """The error of all pictures together as a share of another error of the same pictures: below 1 is better.

    It is no mean over pictures, and resampled as what it is.
    """
    if len(own.each) != len(other.each):
        raise FirstlightError(
            f"Expected errors of the same pictures. Received {len(own.each)} and {len(other.each)} of them."
        )
    statistics = np.stack([own.each, other.each], axis=1)
    each = own.each / np.maximum(other.each, 1e-300)
    return _RatioScore("ratio", float(own.each.sum() / max(other.each.sum(), 1e-300)), each, statistics)


def peak_signal_to_noise(true: npt.ArrayLike, given: npt.ArrayLike) -> Score:
    """The peak signal to noise ratio in dB, -10 log10 of the squared error of each picture, and the mean of that.

    Equal pictures count as 100 dB. 6 dB more is half the difference.
    """
    each = -10 * np.log10(np.maximum(_errors(true, given), _LEAST))
    return Score("PSNR", float(each.mean()), each)


def structural_similarity(true: npt.ArrayLike, given: npt.ArrayLike) -> Score:
    """How alike the structure of pictures is, from -1 to 1, the mean over windows and channels: 1 is best.

    Windows are Gaussian, 11 pixels wide, of spread 1.5; of smaller pictures, as wide as they are.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural
    similarity", 2004, equation 13 and section III C.
    """
    first, second = _pair(true, given)
    mean_first, mean_second = _windows(first), _windows(second)
    square_first = _windows(first * first) - mean_first**2
    square_second = _windows(second * second) - mean_second**2
    product = _windows(first * second) - mean_first * mean_second
    one, two = _STABLE
    similar = (2 * mean_first * mean_second + one) * (2 * product + two)
    similar /= (mean_first**2 + mean_second**2 + one) * (square_first + square_second + two)
    each = similar.mean(axis=(1, 2, 3))
    return Score("SSIM", float(each.mean()), each)


def _errors(true: npt.ArrayLike, given: npt.ArrayLike) -> Floats:
    first, second = _pair(true, given)
    return np.asarray(np.square(first - second).mean(axis=(1, 2, 3)))


def _pair(true: npt.ArrayLike, given: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Both as (pictures, height, width, channels) from 0 to 1."""
    first, second = _scaled(np.asarray(true)), _scaled(np.asarray(given))
    if first.shape != second.shape or first.ndim != 4 or not first.size:
        raise FirstlightError(
            "Expected two arrays of pictures of one shape, (pictures, height, width) with channels or without. "
            f"Received {np.shape(true)} and {np.shape(given)}."
        )
    return first, second


def _scaled(pictures: npt.NDArray[np.generic]) -> Floats:
    values = pictures.astype(np.float64)
    if pictures.dtype == np.uint8:
        values /= 255
    return values[..., None] if values.ndim == 3 else values


def _windows(values: Floats) -> Floats:
    """The weighted mean of every whole window, (pictures, rows, columns, channels)."""
    for axis in (1, 2):
        width = min(_WINDOW, values.shape[axis])
        places = np.arange(width) - (width - 1) / 2
        weights = np.exp(-np.square(places) / (2 * _SPREAD**2))
        weights /= weights.sum()
        values = np.lib.stride_tricks.sliding_window_view(values, width, axis) @ weights
    return values
