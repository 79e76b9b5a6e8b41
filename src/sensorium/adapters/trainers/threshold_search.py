"""Search for the best numbers by optuna (MIT): a tree-structured Parzen estimator, Bergstra et al. 2011."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sensorium.core.errors import MissingDependencyError, UsageError

try:
    import optuna
except ImportError as error:
    raise MissingDependencyError(
        f"tuning needs {error.name}, not installed; pip install 'sensorium[train]'"
    ) from None

_DIGITS = 4  # after the point: numbers that people can read, and no false precision


def search(
    cost: Callable[[dict[str, float]], float],
    space: Mapping[str, tuple[float, float]],
    begin: Mapping[str, float],
    trials: int,
    seed: int,
) -> tuple[dict[str, float], float]:
    """(the numbers of the least cost, that cost) among `trials`, the first of which is `begin`.

    `space` holds (least, most) per name. Values that cannot be meant together (`cost` raises UsageError) are
    passed over. The same seed gives the same numbers.

    Raises:
        UsageError: no trial could be meant.
    """
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        chosen = {
            name: round(trial.suggest_float(name, low, high, log=_wide(low, high)), _DIGITS)
            for name, (low, high) in space.items()
        }
        try:
            return cost(chosen)
        except UsageError:
            raise optuna.TrialPruned from None

    try:
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(2, trials // 4))
        study = optuna.create_study(sampler=sampler)
        study.enqueue_trial({n: min(max(begin[n], low), high) for n, (low, high) in space.items()})
        study.optimize(objective, n_trials=trials)
        try:
            best = study.best_trial
        except ValueError:
            raise UsageError(
                f"search: none of {trials} trials could be meant; narrow the ranges"
            ) from None
        return {n: round(v, _DIGITS) for n, v in best.params.items()}, float(best.value or 0.0)
    finally:
        optuna.logging.set_verbosity(before)


def _wide(low: float, high: float) -> bool:
    """Whether a range spans so much that its small values want as many trials as its large ones."""
    return low > 0 and high / low >= 50
