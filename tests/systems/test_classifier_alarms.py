"""What is alarming while a classifier learns: each alarm on figures that call for it, none on those of a good run."""

from typing import Any

import numpy as np
import pytest

from firstlight.systems.classifier_alarms import ClassifierAlarms

LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 0, 1, 2, 0, 0])
GOOD = np.eye(3)[LABELS] * 0.8 + 0.2 / 3


def row(epoch: int, loss: float = 1.0, accuracy: float = 0.9, stage: str = "training") -> dict[str, Any]:
    return {"epoch": epoch, "stage": stage, "loss": loss, "accuracy": accuracy, "validation_loss": loss}


def told(alarms: ClassifierAlarms, losses: list[float], **figures: Any) -> list[list[str]]:
    predictions = figures.pop("predictions", GOOD)
    return [alarms.look(row(epoch, loss, **figures), predictions) for epoch, loss in enumerate(losses, 1)]


def test_a_good_training_is_not_alarming() -> None:
    assert told(ClassifierAlarms(LABELS, 8), [2, 1.5, 1.6, 1.7, 1.2, 0.8, 0.5, 0.3]) == [[]] * 8


def test_a_loss_that_rises_three_times_is_told_once() -> None:
    lines = told(ClassifierAlarms(LABELS, 8), [1.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1])
    assert [len(each) for each in lines] == [0, 0, 0, 0, 1, 0, 0, 0]
    assert "after epoch 5: the training loss has risen 3 times in a row, from 0.5 to 0.8" in lines[4][0]


def test_small_rises_and_another_stage_are_not_alarming() -> None:
    assert told(ClassifierAlarms(LABELS, 4), [0.5, 0.501, 0.502, 0.503]) == [[]] * 4
    assert told(ClassifierAlarms(LABELS, 4), [0.001, 0.002, 0.003, 0.004]) == [[]] * 4
    alarms = ClassifierAlarms(LABELS, 4)
    stages = ["features", "features", "fine-tuning", "fine-tuning"]
    assert [alarms.look(row(n + 1, 1.0 + n, stage=stage), GOOD) for n, stage in enumerate(stages)] == [[]] * 4


def test_accuracy_of_the_majority_is_told_when_half_is_over() -> None:
    lines = told(ClassifierAlarms(LABELS, 10), [1.0] * 10, accuracy=0.5)  # six of twelve are of class 0
    assert [number for number, each in enumerate(lines, 1) if each] == [5]
    assert "accuracy on the held-out images is 50.0%" in lines[4][0]
    assert "commonest class would give 50.0%" in lines[4][0]
    assert told(ClassifierAlarms(LABELS, 10), [1.0] * 10, accuracy=0.51) == [[]] * 10


def test_one_class_for_everything_is_told_after_the_first_epochs() -> None:
    predictions = np.random.default_rng(0).dirichlet([1, 1], len(LABELS)) @ [[0.1, 0.2, 0.7], [0.2, 0.2, 0.6]]
    lines = told(ClassifierAlarms(LABELS, 9), [1.0] * 9, predictions=predictions)
    assert [number for number, each in enumerate(lines, 1) if each] == [3]
    assert "all held-out images are told to be of one class" in lines[2][0]


def test_a_dead_network_is_told() -> None:
    same = np.tile([0.2, 0.3, 0.5], (len(LABELS), 1))
    lines = told(ClassifierAlarms(LABELS, 3), [1.0] * 3, predictions=same, accuracy=0.25)
    assert lines[:2] == [[], []]
    assert any("the network gives the same probabilities to every image" in line for line in lines[2])
    assert any("accuracy on the held-out images is 25.0%" in line for line in lines[2])


def test_few_images_or_epochs_say_nothing_of_accuracy() -> None:
    assert told(ClassifierAlarms(LABELS[:8], 6), [1.0] * 6, predictions=GOOD[:8], accuracy=0.0) == [[]] * 6
    assert told(ClassifierAlarms(LABELS, 2), [1.0] * 2, accuracy=0.0) == [[]] * 2


@pytest.mark.parametrize("broken", ["loss", "probabilities"])
def test_what_is_no_number_is_told_and_nothing_else(broken: str) -> None:
    loss = float("nan") if broken == "loss" else 1.0
    predictions = GOOD * np.nan if broken == "probabilities" else GOOD
    lines = told(ClassifierAlarms(LABELS, 2), [loss, loss], predictions=predictions, accuracy=0.1)
    assert len(lines[0]) == 1
    assert "not all probabilities are numbers" in lines[0][0]


def test_images_of_one_class_alone_are_not_alarming() -> None:
    predictions = np.tile([0.9, 0.1], (4, 1))
    assert told(ClassifierAlarms(np.zeros(4, int), 4), [1.0] * 4, predictions=predictions, accuracy=1.0) == [[]] * 4
