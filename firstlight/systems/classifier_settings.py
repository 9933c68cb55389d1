"""What a classifier may be set to, and what `architecture="auto"` comes to."""

import os
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import numpy as np

from firstlight.data.table import Split
from firstlight.errors import FirstlightError, nearest
from firstlight.systems.classifier_preparation import OWN, common_size
from firstlight.systems.pictures import is_grey

if TYPE_CHECKING:
    from firstlight.systems.classifier import ImageClassifier

__all__ = ["check_choice", "check_kinds", "check_least", "check_settings", "choose_architecture", "weights_at_hand"]

_INITIALIZATIONS = (
    *("he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "lecun_uniform", "orthogonal"),
    *("random_normal", "random_uniform", "truncated_normal", "variance_scaling"),
)
_KINDS: dict[Any, tuple[Any, str]] = {
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    bool: (bool | np.bool_, "True or False"),
    str: (str, "a text"),
}
_PHOTO_NETWORK = "mobilenet_v2"  # the one that `auto` takes: small and fast
_MANY = 1000  # images a class from which on `auto` trains from scratch
_LEAST = 4  # pixels of a side
_WITHOUT_WARM_UP = ("one_cycle", "plateau")
_SIDES = (96, 128, 160, 192, 224)  # for which that network has weights; Keras takes the last for any other side


def check_settings(classifier: "ImageClassifier", training: Mapping[str, Any] | None = None) -> None:
    """Refuse settings that no classifier, and no training, can have.

    Raises:
        FirstlightError: says which setting, what was expected and what came.
    """
    from firstlight.systems.backbones import names
    from firstlight.systems.optimization import Optimization

    check_kinds(classifier)
    check_choice("architecture", classifier.architecture, ["auto", *OWN, *names()])
    check_choice("initialization", classifier.initialization, _INITIALIZATIONS)
    least = {"image_size": _LEAST, "width": 1, "depth": 1, "batch_size": 1}
    for name in ("dropout", "label_smoothing", "average"):
        value = getattr(classifier, name)
        if value is not None and not 0 <= value < 1:
            raise FirstlightError(f"Expected {name} to be at least 0 and below 1. Received {value}.")
    for name in ("mixup", "cutmix", "weight_decay", "clip_norm"):
        if not getattr(classifier, name) >= 0:
            raise FirstlightError(f"Expected {name} to be 0 or more. Received {getattr(classifier, name)}.")
    check_least({name: getattr(classifier, name) for name in least}, least)
    check_least(training or {}, {"epochs": 1, "fine_tune_epochs": 0, "patience": 0, "seed": 0})
    if not 0 < classifier.fine_tune_share <= 1:
        raise FirstlightError(
            f"Expected fine_tune_share to be above 0 and at most 1. Received {classifier.fine_tune_share}."
        )
    if not classifier.fine_tune_rate > 0:
        raise FirstlightError(f"Expected a fine_tune_rate above 0. Received {classifier.fine_tune_rate}.")
    if classifier.warm_up and classifier.schedule in _WITHOUT_WARM_UP:
        raise FirstlightError(
            f"Expected warm_up 0 with schedule {classifier.schedule}. Received {classifier.warm_up}. one_cycle rises "
            "by itself; pass another schedule, such as cosine, or leave warm_up out."
        )
    rate = 1.0 if classifier.learning_rate is None else classifier.learning_rate
    Optimization(
        classifier.optimizer, rate, classifier.schedule, classifier.warm_up, momentum=classifier.momentum
    ).check()
    pretrained = classifier.architecture not in OWN  # of auto, too, it is the file to begin from
    if pretrained and classifier.weights != "imagenet" and not Path(classifier.weights).is_file():
        raise FirstlightError(
            f'Expected weights to be "imagenet" or the path of a file. Received {classifier.weights!r}, which is no '
            "file. Check the spelling and the folder you are in."
        )


def check_kinds(system: Any) -> None:
    """Whether each setting of a system is of the kind, or one of the values, that its constructor names."""
    for name, parameter in signature(type(system)).parameters.items():
        value, wanted = getattr(system, name), parameter.annotation
        if get_origin(wanted) is Literal:
            check_choice(name, value, get_args(wanted))
            continue
        kinds = get_args(wanted) or (wanted,)
        if value is None and type(None) in kinds:
            continue
        kind, text = _KINDS[kinds[0]]
        if not isinstance(value, kind) or (isinstance(value, bool) and kinds[0] is not bool):
            raise FirstlightError(f"Expected {name} to be {text}. Received {value!r}.")


def check_choice(name: str, value: Any, known: Sequence[str]) -> None:
    """Whether a setting has one of the values that are known."""
    if value not in known:
        raise FirstlightError(
            f"Expected {name} to be one of {', '.join(known)}. Received {value!r}.{nearest(str(value), known)}"
        )


def check_least(values: Mapping[str, Any], least: Mapping[str, int]) -> None:
    """Whether settings are as large as they have to be, where they are given."""
    for name, lowest in least.items():
        value = values.get(name)
        if value is not None and value < lowest:
            raise FirstlightError(f"Expected {name} to be {lowest} or more. Received {value}.")


def choose_architecture(classifier: "ImageClassifier", train: Split, tell: Callable[[str], object]) -> str:
    """What `architecture="auto"` comes to: a pretrained network for photos that are few, where its weights are at hand.

    A download is nothing that happens by itself: where only the weights are missing, that is told.
    """
    if classifier.architecture != "auto":
        return classifier.architecture
    given = classifier.weights != "imagenet"
    few = len(train) < _MANY * max(1, len(set(train.labels)))
    photos = few and not is_grey(train.images) and common_size(train.images) is None
    if given or (photos and weights_at_hand(classifier.image_size)):
        tell(f"architecture: {_PHOTO_NETWORK} and a new classifier on it")
        return _PHOTO_NETWORK
    better = f"; --architecture {_PHOTO_NETWORK}, which downloads weights of 9 MB, does better with so few photos"
    tell(f"architecture: cnn, from scratch{better if photos else ''}")
    return "cnn"


def weights_at_hand(side: int | None = None) -> bool:
    """Whether Keras has the weights of mobilenet_v2 for images of this side already, where `get_file` keeps them."""
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    side = side if side in _SIDES else _SIDES[-1]
    return (home / "models" / f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_{side}_no_top.h5").is_file()
