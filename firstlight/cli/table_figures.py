"""The figures of a model of a table, drawn into a folder, each with the line that stands below it in the report."""

from pathlib import Path
from typing import Any

import numpy as np

from firstlight import metrics, plots
from firstlight.pages import Picture

__all__ = ["curve_pictures", "judgement_pictures"]

_CURVES = 6  # classes whose ROC curves are drawn


def judgement_pictures(judgement: Any, folder: Path) -> list[Picture]:
    """What was predicted beside what is true."""
    return _regression(judgement, folder) if judgement.chances is None else _classification(judgement, folder)


def curve_pictures(model: Any, frame: Any, folder: Path, display: Any) -> list[Picture]:
    """The path of the penalty and the learning curve, where the table allows them."""
    from firstlight.systems.table_curves import TableCurves

    done = display.task("curves", 2)
    curves = TableCurves(model, frame)
    pictures = []
    path = curves.path()
    done(1)
    if path is not None:
        file = folder / "regularization_path.png"
        plots.regularization_path(path.alphas, path.coefficients, path.names, file)
        several = " (of the classes, the root of the sum of squares)" if len(model.classes) > 2 else ""
        pictures.append(
            Picture(
                "Coefficients as the penalty grows",
                file,
                f"Standardised coefficients{several} by the strength of an {path.kind} penalty. This model has alpha "
                f"{model.settings['alpha']:g}. {path.rows:,} rows.",
            )
        )
    errors = curves.errors()
    done(2)
    if errors is not None:
        file = folder / "learning_curve.png"
        plots.learning_curve(errors.sizes, errors.train, errors.validation, file, errors.error)
        pictures.append(
            Picture(
                "Learning curve",
                file,
                f"The {errors.error} on training and on validation rows, by cross-validation. Where both have met, "
                "more rows help little and other columns more; where they are apart, more rows or a penalty help.",
            )
        )
    return pictures


def _regression(judgement: Any, folder: Path) -> list[Picture]:
    true, predicted = judgement.true.astype(np.float64), judgement.predicted
    plots.predicted_against_true(true, predicted, folder / "predicted_against_true.png")
    plots.residuals(true, predicted, folder / "residuals.png")
    return [
        Picture(
            "Predicted against true",
            folder / "predicted_against_true.png",
            "Each point is a row; on the diagonal the prediction is right.",
        ),
        Picture(
            "Residuals",
            folder / "residuals.png",
            "True less predicted. A bend of the line tells of something that is not straight, a funnel of errors "
            "that grow with the prediction.",
        ),
    ]


def _classification(judgement: Any, folder: Path) -> list[Picture]:
    numbers, chances, classes = judgement.numbers, judgement.chances, judgement.classes
    pictures = []
    both = [place for place in range(len(classes)) if 0 < (numbers == place).sum() < len(numbers)]
    areas = {place: metrics.roc_auc(numbers == place, chances[:, place]).value for place in both}
    shown = sorted(areas, key=lambda place: areas[place])[:_CURVES] if len(classes) > 2 else [1] * bool(both)
    if shown:
        curves = {classes[place]: metrics.roc_curve(numbers == place, chances[:, place]) for place in shown}
        rates = {name: (curve.false_positive_rate, curve.true_positive_rate) for name, curve in curves.items()}
        plots.roc(rates, folder / "roc.png")
        which = f" The {_CURVES} classes with the smallest areas." if len(areas) > _CURVES else ""
        told = "Each class against all others." if len(classes) > 2 else f"{classes[1]} against {classes[0]}."
        pictures.append(Picture("ROC", folder / "roc.png", f"{told}{which}"))
    two = len(classes) == 2
    curve = metrics.calibration_curve(numbers, chances[:, 1] if two else chances)
    name = classes[1] if two else "the likeliest class"
    points = (curve.predicted, curve.observed, curve.low, curve.high)
    plots.calibration({name: points}, folder / "calibration.png")
    plots.confusion(
        metrics.confusion_matrix(judgement.true.astype(str), judgement.predicted.astype(str), classes),
        classes,
        folder / "confusion.png",
    )
    return [
        *pictures,
        Picture(
            "Calibration",
            folder / "calibration.png",
            f"Of rows to which {name} was given such a probability, the share that is of it, with 95 % intervals.",
        ),
        Picture("Confusion", folder / "confusion.png", "Which class was taken for which."),
    ]
