"""Orders that repeat from seed and epoch, and padding."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from firstlight.data import ahead, batched, grouped_by_length, pad, shuffled
from firstlight.errors import FirstlightError


def test_pad() -> None:
    padded = pad([[1, 2, 3], np.array([4], np.int32), []])
    assert padded.dtype == np.int32
    assert padded.tolist() == [[1, 2, 3], [4, 0, 0], [0, 0, 0]]
    assert pad([[1]], length=3, value=9).tolist() == [[1, 9, 9]]
    assert pad([]).shape == (0, 0)
    with pytest.raises(FirstlightError, match=r"at most 2\. Received one of 3"):
        pad([[1, 2, 3]], length=2)


def test_batched() -> None:
    assert [batch.tolist() for batch in batched(5, 2)] == [[0, 1], [2, 3], [4]]
    assert batched(0, 2) == []
    with pytest.raises(FirstlightError, match="at least 1"):
        batched(5, 0)


def test_shuffled_repeats_from_seed_and_epoch() -> None:
    order = shuffled(50, seed=3, epoch=2)
    np.testing.assert_array_equal(order, shuffled(50, seed=3, epoch=2))
    assert sorted(order) == list(range(50))
    assert not np.array_equal(order, shuffled(50, seed=3, epoch=3))
    assert not np.array_equal(order, shuffled(50, seed=2, epoch=3))


@pytest.mark.parametrize(("n", "size"), [(0, 4), (1, 4), (3, 4), (1000, 32), (97, 1), (64, 64)])
def test_grouped_batches_hold_every_index_once(n: int, size: int) -> None:
    lengths = np.random.default_rng(n).integers(5, 15, n)
    batches = grouped_by_length(lengths, size, seed=0, epoch=0)
    assert sorted(np.concatenate([np.empty(0, int), *batches])) == list(range(n))
    assert len(batches) == -(-n // size)
    assert all(len(batch) <= size for batch in batches)


def test_grouped_batches_are_of_one_length_as_far_as_possible() -> None:
    lengths = np.repeat([6, 9, 11], [70, 33, 5])
    batches = grouped_by_length(lengths, 32, seed=0, epoch=0)
    pure = [batch for batch in batches if len(set(lengths[batch])) == 1 and len(batch) == 32]
    assert len(pure) == 3  # 2 of length 6, 1 of length 9; 6 + 1 + 5 are left and share the last
    assert len(batches) == 4


def test_grouped_batches_come_in_an_order_of_seed_and_epoch() -> None:
    lengths = np.random.default_rng(0).integers(5, 15, 500)

    def flat(seed: int, epoch: int) -> list[int]:
        return np.concatenate(grouped_by_length(lengths, 16, seed, epoch)).tolist()

    assert flat(1, 0) == flat(1, 0)
    assert len({tuple(flat(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9
    means = [lengths[batch].mean() for batch in grouped_by_length(lengths, 16, 0, 0)]
    assert means != sorted(means)


def test_ahead_gives_all_in_order_and_runs_only_so_far_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            made.append(number)
            yield number

    found = ahead(items(), count=2)
    assert next(found) == 0
    # In the queue: two. In the hand of the thread: one more.
    assert len(made) <= 4
    assert list(found) == list(range(1, 20))
    assert list(ahead([])) == []


def test_ahead_raises_what_went_wrong_where_it_is_used() -> None:
    found = ahead(map(int, ["1", "2", "three"]))
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(ValueError, match="three"):
        next(found)


def test_ahead_ends_its_thread_when_it_is_left_early() -> None:
    found = ahead(range(1000))
    assert next(found) == 0
    assert any(thread.name == "ahead" for thread in threading.enumerate())
    found.close()
    assert not any(thread.name == "ahead" for thread in threading.enumerate())
