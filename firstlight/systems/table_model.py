"""Linear models of a user's own table: named columns, texts among them, an estimator, and a folder that holds both.

The estimators themselves, which take arrays, stand in `linear` and `linear_logistic`; Keras is loaded only to write
`network.keras` and to learn by SGD.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from firstlight.data.frames import Frame
from firstlight.data.table import Problem
from firstlight.errors import FirstlightError, nearest
from firstlight.systems.system import History, Silent, System, read_description

if TYPE_CHECKING:
    from firstlight.systems.linear_model import LinearModel
    from firstlight.systems.linear_summary import CoefficientTable
    from firstlight.systems.table_columns import Columns

__all__ = ["Predictions", "TableClassifier", "TableModel", "TableRegressor"]

_PACKAGES = ("scikit-learn", "scipy")
_OWN = ("target", "features", "ignore", "sample_weight", "missing", "baseline")  # settings of the table


@dataclass(frozen=True, eq=False)
class Predictions:
    """What is predicted for a table.

    `values` are numbers or labels, one for each of `rows`; of classes `probabilities` are (rows, classes) in the order
    of `classes`. Rows that cannot be used are told in `problems`.
    """

    rows: np.ndarray
    values: np.ndarray
    probabilities: np.ndarray | None = None
    classes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class TableModel(System):
    """What both models of tables share; `noun` names the estimator in `ESTIMATORS`.

    Args:
        target: the column to predict; by default the one called target, label, class or y, else the last.
        features: the columns to learn from; by default all others.
        ignore: columns that are left out.
        sample_weight: a column that says how much each row counts while learning.
        missing: what is done with cells without a value: refuse the table, drop their rows, or fill in the mean of
            the column (of texts the most frequent level).
        baseline: leave out the first level of each text column, so that the others are compared with it.
        settings: all settings of the estimator, by name.
    """

    task: ClassVar[str] = "table"
    noun: ClassVar[str] = ""
    classifies: ClassVar[bool] = False

    def __init__(
        self,
        *,
        target: str | None = None,
        features: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,
        sample_weight: str | None = None,
        missing: Literal["refuse", "drop", "mean"] = "refuse",
        baseline: bool = True,
        **settings: Any,
    ):
        self.target = target
        self.features = None if features is None else list(features)
        self.ignore = None if ignore is None else list(ignore)
        self.sample_weight = sample_weight
        self.missing = missing
        self.baseline = baseline
        self.estimator_settings = settings

    @classmethod
    def estimator_class(cls) -> "type[LinearModel]":
        """The class of the estimator."""
        from firstlight.systems import ESTIMATORS

        module, _, name = ESTIMATORS[cls.noun].partition(":")
        kind: type[LinearModel] = getattr(import_module(module), name)
        return kind

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting as JSON can hold it: those of the table, and those of the estimator after defaults."""
        from firstlight.systems.linear_settings import stored_setting

        defaults = {name: found.default for name, found in inspect.signature(self.estimator_class()).parameters.items()}
        own = {name: getattr(self, name) for name in _OWN}
        return {name: stored_setting(value) for name, value in {**own, **defaults, **self.estimator_settings}.items()}

    def __repr__(self) -> str:
        plain = type(self)().settings
        changed = [f"{name}={value!r}" for name, value in self.settings.items() if value != plain.get(name)]
        return f"{type(self).__name__}({', '.join(changed)})"

    # -- learning ----------------------------------------------------------------------------------------------------

    def fit(
        self,
        table: Any,
        *,
        hold_out: float = 0.2,
        folder: str | Path | None = None,
        data: dict[str, Any] | None = None,
        progress: Any = None,
    ) -> History:
        """Learn from a table: a path, a `Frame`, a data frame, or a dict of columns.

        Args:
            table: with the target among its columns.
            hold_out: share of the rows, of each class alike, that is not learned from; the setting `seed` draws them.
            folder: run folder, which is written when the model is fitted; a run of the same settings may be there.
            data: what `system.json` shall say of the data, beside the checksum of the table.
            progress: is told what happens, see `firstlight.cli.progress`.

        Raises:
            FirstlightError: the table or a setting cannot be used, which names the columns and lines at fault; or
                `folder` holds a run of other settings or another table.
        """
        from firstlight.systems.table_fitting import fitted, terms_of
        from firstlight.systems.table_frames import as_frame, checksum
        from firstlight.systems.table_preparation import prepare

        estimator = self._new_estimator()
        frame = as_frame(table, self.target)
        data = {**(data or {}), "checksum": checksum(frame)}
        if folder is not None:
            self.begun_in(folder, {**data, "hold_out": hold_out})
        prepared = prepare(self, frame, hold_out)
        notes = [*prepared.notes, *fitted(estimator, prepared, progress or Silent())]
        self._adopt(estimator, prepared.columns)
        self.description = self.describe(
            training={"hold_out": hold_out},
            data=data,
            target=frame.target,
            classes=self.classes,
            rows=prepared.counts,
            **prepared.columns.to_record(),
            terms=terms_of(prepared),
            left_out=prepared.left_out,
            notes=notes,
        )
        self.description["versions"] |= {name: version(name) for name in _PACKAGES}
        if folder is not None:
            self.save(folder)
        return History([{"epoch": number + 1, "loss": loss} for number, loss in enumerate(estimator.history_["loss"])])

    def target_of(self, frame: Frame) -> np.ndarray:
        """What a fitted model is to predict of each row: numbers, NaN for none, or labels, None for none."""
        from firstlight.systems.table_target import labels_of, numbers_of

        return labels_of(frame, self.classes) if self.classifies else numbers_of(frame)

    def held_out_of(self, table: Any) -> Frame | None:
        """The rows of the table that the model was fitted on which were held out; None where there are none."""
        frame, _, rows = self._divided(table)
        return frame.take(rows.tolist()) if len(rows) else None

    def learned_from(self, table: Any) -> Frame:
        """The rows of the table that the model was fitted on which were not held out."""
        frame, rows, _ = self._divided(table)
        return frame.take(rows.tolist())

    def _divided(self, table: Any) -> tuple[Frame, np.ndarray, np.ndarray]:
        """The table that was learned from, with the rows that were and those that were not."""
        from firstlight.systems.table_frames import as_frame
        from firstlight.systems.table_preparation import division

        self._require_fitted()
        frame = as_frame(table, self.description["target"])
        return frame, *division(self, frame, self.description["training"]["hold_out"])

    def check(self, table: Any, hold_out: float = 0.2) -> None:
        """Do everything that comes before learning, and keep nothing: what `fit` would refuse is refused."""
        from firstlight.systems.table_frames import as_frame
        from firstlight.systems.table_preparation import prepare

        self._new_estimator()
        prepare(self, as_frame(table, self.target), hold_out)

    def begun_in(self, folder: str | Path, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """As of every system; the run of another system is refused, too."""
        if (Path(folder) / "system.json").exists():
            found = read_description(folder)["class"].partition(":")[2]
            if found != type(self).__name__:
                raise FirstlightError(
                    f"Expected a new run folder, or one of a {type(self).__name__}. Received {folder}, which holds a "
                    f"{found}. Give another run folder, or --restart to delete the run and begin anew."
                )
        return super().begun_in(folder, wanted)

    # -- telling -----------------------------------------------------------------------------------------------------

    @property
    def classes(self) -> list[str]:
        """The classes that are told apart; none of a regression.

        Raises:
            FirstlightError: the model is not fitted.
        """
        if not hasattr(self, "estimator"):
            self._require_fitted()
        return [str(label) for label in getattr(self.estimator, "classes_", [])]

    def predict(self, table: Any) -> Predictions:
        """What is predicted for each row of a table that can be used; it needs no target.

        Raises:
            FirstlightError: the table has not all columns that the model learned from.
        """
        from firstlight.systems.table_frames import as_frame

        self._require_fitted()
        encoded = self.columns.encode(as_frame(table, ""))
        if not len(encoded.rows):
            empty = np.zeros((0, len(self.classes))) if self.classifies else None
            return Predictions(encoded.rows, np.zeros(0), empty, self.classes, encoded.problems)
        values = self.estimator.predict(encoded.x)
        chances = self.estimator.predict_proba(encoded.x) if self.classifies else None
        return Predictions(encoded.rows, values, chances, self.classes, encoded.problems)

    def evaluate(self, table: Any) -> dict[str, Any]:
        """How well a table with the target is predicted, with 95 % intervals; every row counts the same.

        Returns:
            of a regression `r_squared`, `root_mean_squared_error`, `mean_absolute_error`; of classes `accuracy`,
            `log_loss`, `roc_auc`, `calibration_error`, `classes` (precision and recall of each), `confusion` (rows are
            true). Also `rows`, `intervals`, and `passed_over`: rows that could not be used, and why.
        """
        from firstlight.systems.table_judging import evaluate, judged

        return evaluate(judged(self, table))

    def summary(self) -> "CoefficientTable":
        """The coefficients with standard errors, tests and intervals; see the estimator's own `summary`.

        Raises:
            FirstlightError: the model has a penalty, was fitted by SGD, or its columns leave no errors to compute.
        """
        from firstlight.systems.linear_summary import CoefficientTable

        self._require_fitted()
        found = self.estimator.summary()
        names = [term.name for term in self.columns.terms] + ["intercept"] * bool(self.settings["fit_intercept"])
        rows = [{**row, "term": names[place % len(names)]} for place, row in enumerate(found)]
        return CoefficientTable(rows, found.facts)

    def to_keras(self) -> Any:
        """The fitted model as a stock Keras network, whose columns are the `terms` of `system.json`."""
        self._require_fitted()
        return self.estimator.to_keras()

    # -- parts -------------------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Open the folder of a trained model.

        Raises:
            FirstlightError: the folder holds no such model.
        """
        description = read_description(folder)
        model = cls(**description["settings"])
        model._new_estimator()  # an unknown setting is told
        model.description = description
        model._load_parts(Path(folder))
        return model

    def _save_parts(self, folder: Path) -> None:
        from firstlight.systems.table_folder import write

        write(self, folder)

    def _load_parts(self, folder: Path) -> None:
        from firstlight.systems.table_columns import Columns
        from firstlight.systems.table_folder import read_estimator

        self._adopt(read_estimator(self, folder), Columns.from_record(self.description))

    def _adopt(self, estimator: "LinearModel", columns: "Columns") -> None:
        self.estimator: Any = estimator
        self.columns = columns

    def _new_estimator(self) -> Any:
        kind = self.estimator_class()
        known = inspect.signature(kind).parameters
        for name in self.estimator_settings:
            if name not in known:
                every = [setting for setting in self.settings if setting in known or hasattr(self, setting)]
                raise FirstlightError(
                    f"Expected settings of {type(self).__name__}: {', '.join(every)}. Received {name!r}."
                    f"{nearest(name, every)}"
                )
        if self.missing not in ("refuse", "drop", "mean"):
            raise FirstlightError(f"Expected missing to be 'refuse', 'drop' or 'mean'. Received {self.missing!r}.")
        return kind(**self.estimator_settings)


class TableRegressor(TableModel):
    """Learns a number from the columns of a table: least squares, ridge, lasso, elastic net."""

    noun: ClassVar[str] = "linear-regression"


class TableClassifier(TableModel):
    """Learns classes and their probabilities from the columns of a table: logistic and softmax regression."""

    noun: ClassVar[str] = "logistic-regression"
    classifies: ClassVar[bool] = True
