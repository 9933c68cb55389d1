"""Pictures moved at random: as far as is said, about the middle, and what is even stays even."""

import numpy as np

from firstlight.data.moving import moved, relit


def test_pictures_are_moved_a_little() -> None:
    rows, columns = np.mgrid[:40, :32]
    picture = (200 * np.exp(-((rows - 22) ** 2 + (columns - 12) ** 2) / 18)).astype(np.uint8)
    given = moved(np.repeat(picture[None, ..., None], 300, 0), np.random.default_rng(0))[..., 0].astype(float)
    total = given.sum((1, 2))
    down, right = (given * rows).sum((1, 2)) / total - 22, (given * columns).sum((1, 2)) / total - 12
    for way, limit in ((down, 1.6), (right, 1.8)):  # a shift by 1/32 of the longer side, and what size and turn add
        assert abs(way.mean()) < 0.12
        assert 0.4 < way.std() < 1
        assert np.abs(way).max() < limit
    sizes = np.sqrt(total / picture.sum())
    assert 0.94 < sizes.min() < 0.97
    assert 1.03 < sizes.max() < 1.06
    even = np.full((3, 9, 7, 3), 77, np.uint8)
    np.testing.assert_array_equal(moved(even, np.random.default_rng(0)), even)


def test_light_changes_and_what_is_shown_stays() -> None:
    random = np.random.default_rng(0)
    picture = random.integers(90, 160, (12, 10, 3), np.uint8)
    given = relit(np.repeat(picture[None], 200, 0), random).astype(float)
    means = given.mean((1, 2, 3))
    assert 3 < means.std() < 10, "brighter and darker"
    left, right = given[:, :, :5].mean((1, 2, 3)), given[:, :, 5:].mean((1, 2, 3))
    assert (left / right).max() > 1.08, "light from the left"
    assert (left / right).min() < 0.93
    alike = [np.corrcoef(each.ravel(), picture.ravel())[0, 1] for each in given]
    assert min(alike) > 0.7
    assert relit(np.zeros((2, 4, 4, 1), np.uint8), random).max() <= 8
