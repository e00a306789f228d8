"""Estimates for many stores (or couriers) at once, each drawn towards all of them.

Each has a regression of its own, `y = X theta + noise`, and its `theta` comes from a common normal
distribution whose mean and spread are learned from all of them (empirical Bayes: Efron & Morris
1973, doi:10.1080/01621459.1973.10481350; as a random-coefficient model with EM: Laird & Ware
1982, doi:10.2307/2529876).  Who has few cases comes out near the mean of all, who has many near
their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_ROUNDS: Final = 300
_STILL: Final = 1e-6
_LEAST_VARIANCE: Final = 1e-6
_APART: Final = 0.2
_BELIEF: Final = 4.0
"""Before anything is seen they are believed to differ by a fifth, as firmly as four of them seen
would say: a handful cannot tell, and to believe them alike makes the intervals far too narrow."""

Z_95: Final = 1.959963984540054
"""A normal variable is within so many standard deviations with a chance of 95 %."""


class Cases(NamedTuple):
    """What was seen of one: float64 (n, k) and (n,)."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimated:
    """The coefficients of one, with 95 % intervals; `cases` it rests on of its own."""

    value: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    cases: int


@dataclass(frozen=True, slots=True)
class Shrunk:
    """All of them.

    Attributes
    ----------
    every
        The common mean: what is expected of one never seen.
    noise
        Standard deviation of a case around its own expectation.
    """

    each: Mapping[str, Estimated]
    every: Estimated
    noise: float


def shrink(
    cases: Mapping[str, Cases],
    prior: tuple[float, ...],
    apart: tuple[float, ...] | None = None,
) -> Shrunk:
    """Return coefficients for each.

    Parameters
    ----------
    cases
        By name; may be few, and of less rank than there are coefficients.
    prior
        Where to begin, and what stands where nothing was seen.
    apart
        How far they are believed to be apart before anything is seen, standard deviations; None
        for a fifth of their mean.
    """
    seen = {name: one for name, one in sorted(cases.items()) if len(one.y)}
    total = sum(len(one.y) for one in seen.values())
    if not total:
        nothing = Estimated(prior, prior, prior, 0)
        return Shrunk({}, nothing, 0.0)
    mean, noise2 = _pooled(seen, np.array(prior, dtype=np.float64))
    # How far they are apart is first thought to be this, as by a few others seen before.
    believed = _APART * np.abs(mean) if apart is None else np.array(apart)
    usual = np.maximum(believed**2, _LEAST_VARIANCE)
    between = np.diag(usual / _APART**2)
    posterior: dict[str, _Posterior] = {}
    for _ in range(_ROUNDS):
        posterior = {name: _of(one, mean, between, noise2) for name, one in seen.items()}
        thetas = np.array([one.theta for one in posterior.values()])
        before = mean
        mean = thetas.mean(axis=0)
        if len(thetas) > 1:
            own = sum(np.diag(one.spread) for one in posterior.values())
            between = np.diag(
                (((thetas - mean) ** 2).sum(axis=0) + own + _BELIEF * usual)
                / (len(thetas) - 1 + _BELIEF)
            )
        left = sum(one.left for one in posterior.values())
        noise2 = max(left / total, _LEAST_VARIANCE)
        if np.allclose(mean, before, rtol=_STILL, atol=_STILL):
            break
    of_mean = _of_mean(list(posterior.values()))
    each = {}
    for name, one in posterior.items():
        # What is drawn to the mean is as unsure as the mean.
        pulled = np.eye(len(mean)) - one.spread @ (seen[name].x.T @ seen[name].x) / noise2
        variance = np.diag(one.spread + pulled @ of_mean @ pulled.T)
        each[name] = _estimated(one.theta, np.sqrt(variance), len(seen[name].y))
    error = np.sqrt(np.diag(of_mean))
    return Shrunk(each, _estimated(mean, error, total), float(np.sqrt(noise2)))


class _Posterior(NamedTuple):
    """What is believed of one: coefficients, their covariance, and the squares left over."""

    theta: NDArray[np.float64]
    spread: NDArray[np.float64]
    left: float


def _of(
    one: Cases, mean: NDArray[np.float64], between: NDArray[np.float64], noise2: float
) -> _Posterior:
    precision = np.linalg.inv(between)
    spread = np.linalg.inv(one.x.T @ one.x / noise2 + precision)
    theta = spread @ (one.x.T @ one.y / noise2 + precision @ mean)
    residual = one.y - one.x @ theta
    left = float(residual @ residual) + float(np.trace(one.x @ spread @ one.x.T))
    return _Posterior(theta, spread, left)


def _of_mean(posterior: Sequence[_Posterior]) -> NDArray[np.float64]:
    """Return the covariance of the mean of all."""
    thetas = np.array([one.theta for one in posterior])
    own: NDArray[np.float64] = np.array([one.spread for one in posterior]).mean(axis=0)
    if len(posterior) == 1:
        return own
    apart = thetas - thetas.mean(axis=0)
    return np.asarray((apart.T @ apart / (len(posterior) - 1) + own) / len(posterior))


def _pooled(
    seen: Mapping[str, Cases], prior: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return one regression over all, drawn to the prior as by a single case."""
    x = np.concatenate([one.x for one in seen.values()])
    y = np.concatenate([one.y for one in seen.values()])
    scale = np.maximum(np.abs(prior), 1.0) ** -2 * max(float(np.var(y)), 1.0)
    theta = np.linalg.solve(x.T @ x + np.diag(scale), x.T @ y + scale * prior)
    residual = y - x @ theta
    return theta, max(float(residual @ residual) / len(y), _LEAST_VARIANCE)


def _estimated(theta: NDArray[np.float64], error: NDArray[np.float64], cases: int) -> Estimated:
    return Estimated(
        tuple(float(one) for one in theta),
        tuple(float(one) for one in theta - Z_95 * error),
        tuple(float(one) for one in theta + Z_95 * error),
        cases,
    )
