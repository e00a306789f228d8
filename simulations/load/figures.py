"""The figures of a load test, from its raw rows: percentiles by endpoint and over time.

Latency runs from the moment a request was meant, not from when it was sent.  A generator that
waits for answers asks less of a service that stalls, and leaves out just the requests that would
have waited (coordinated omission; G. Tene, "How NOT to Measure Latency", 2013, and wrk2, whose
correction is not needed where every request has its own moment).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from simulations.load.rows import ERROR, LOAD, REFUSED, is_timed

PERCENTILES: Final[dict[str, float]] = {
    "p50_ms": 0.5,
    "p90_ms": 0.9,
    "p95_ms": 0.95,
    "p99_ms": 0.99,
    "p99_9_ms": 0.999,
    "max_ms": 1.0,
}
ALL: Final = "all"
_MS: Final = 1000.0
_BUCKETS: Final = 120
_LEAST_BUCKET_S: Final = 0.5
_LAG_MS: Final = 10.0
_LAG_SHARE: Final = 0.1
_EXAMPLES: Final = 3
_TAIL: Final = 60
_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Timing:
    """Percentiles of one kind, milliseconds by name as in `PERCENTILES`; None without a request."""

    ms: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What became of the requests to one endpoint.

    Attributes
    ----------
    latency
        From when they were meant to the last byte.
    service
        From when they were sent.
    """

    name: str
    count: int
    refused: int
    errors: int
    bytes: int
    latency: Timing
    service: Timing

    @property
    def error_share(self) -> float:
        """Errors of all requests."""
        return self.errors / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch of the test, from `begins_s` of the load on."""

    begins_s: float
    lasts_s: float
    count: int
    errors: int
    p50_ms: float | None
    p99_ms: float | None
    max_ms: float | None


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of error or refusal with examples."""

    endpoint: str
    status: int
    code: str
    outcome: str
    count: int
    first_s: float
    last_s: float
    examples: tuple[tuple[float, str, str], ...]
    """When it was meant, what the service said, and the trace id in its log."""


@dataclass(frozen=True, slots=True)
class Own:
    """How well we did ourselves: whether the figures may be trusted.

    Attributes
    ----------
    lag
        From when a request could be sent to when it was.
    waited
        Requests that found all our connections taken.
    """

    lag: Timing
    waited: int
    unanswered: int
    is_trusted: bool
    says: str


@dataclass(frozen=True, slots=True)
class LoadFigures:
    """All of the measured part of a test."""

    lasts_s: float
    total: Endpoint
    endpoints: tuple[Endpoint, ...]
    moments: tuple[Moment, ...]
    faults: tuple[Fault, ...]
    own: Own
    curve: tuple[tuple[float, float], ...]
    """Share and latency in ms, towards the tail ever finer."""
    service_curve: tuple[tuple[float, float], ...]


def quantiles_ms(seconds: _Array, shares: Sequence[float]) -> list[float | None]:
    """Return for each share the least duration that it does not exceed, in milliseconds.

    Durations that are NaN are left out; None without any other.
    """
    known = seconds[~np.isnan(seconds)]
    if not len(known):
        return [None] * len(shares)
    return list((np.quantile(known, shares, method="inverted_cdf") * _MS).tolist())


def timing_of(seconds: _Array) -> Timing:
    """Return the percentiles of durations, those that are NaN left out."""
    found = quantiles_ms(seconds, list(PERCENTILES.values()))
    return Timing(dict(zip(PERCENTILES, found, strict=True)))


def figures_of(table: pa.Table, lasts_s: float) -> LoadFigures:
    """Return the figures of a test's rows.

    Parameters
    ----------
    lasts_s
        Length of the measured part so far.
    """
    rows = _Columns(table.filter(pc.equal(table["phase"].cast(pa.string()), LOAD)))
    names = sorted(set(rows.endpoint))
    total = _endpoint(ALL, rows, np.ones(len(rows), dtype=bool))
    return LoadFigures(
        lasts_s=lasts_s,
        total=total,
        endpoints=tuple(_endpoint(name, rows, rows.endpoint == name) for name in names),
        moments=_moments(rows, lasts_s),
        faults=_faults(rows),
        own=_own(rows, total.latency),
        curve=_curve(rows.latency[rows.is_timed]),
        service_curve=_curve(rows.service[rows.is_timed]),
    )


class _Columns:
    """The columns of a table as arrays, and what is worked out from them."""

    def __init__(self, table: pa.Table) -> None:
        def array(name: str) -> NDArray[Any]:
            found: NDArray[Any] = table[name].to_numpy(zero_copy_only=False)
            return found

        def texts(name: str) -> NDArray[Any]:
            return np.array(table[name].cast(pa.string()).to_pylist(), dtype=object)

        self.endpoint, self.outcome = texts("endpoint"), texts("outcome")
        self.code, self.detail, self.trace_id = texts("code"), texts("detail"), texts("trace_id")
        self.intended, self.done = array("intended_s"), array("done_s")
        self.sent, self.ready = array("sent_s"), array("ready_s")
        self.status, self.size, self.waited = array("status"), array("size"), array("waited")
        self.latency: _Array = self.done - self.intended
        self.service: _Array = self.done - self.sent
        # The clocks of two processes are one, but a float is not exact.
        self.lag: _Array = np.maximum(self.sent - self.ready, 0.0)
        self.is_error = self.outcome == ERROR
        timed = [is_timed(int(s), str(c)) for s, c in zip(self.status, self.code, strict=True)]
        self.is_timed = np.array(timed, dtype=bool)

    def __len__(self) -> int:
        return len(self.endpoint)


def _endpoint(name: str, rows: _Columns, chosen: NDArray[np.bool_]) -> Endpoint:
    timed = chosen & rows.is_timed
    return Endpoint(
        name=name,
        count=int(chosen.sum()),
        refused=int((chosen & (rows.outcome == REFUSED)).sum()),
        errors=int((chosen & rows.is_error).sum()),
        bytes=int(rows.size[chosen].sum()),
        latency=timing_of(rows.latency[timed]),
        service=timing_of(rows.service[timed]),
    )


def _moments(rows: _Columns, lasts_s: float) -> tuple[Moment, ...]:
    bucket_s = max(_LEAST_BUCKET_S, lasts_s / _BUCKETS)
    count = max(1, int(np.ceil(lasts_s / bucket_s)))
    which = np.clip((rows.intended // bucket_s).astype(int), 0, count - 1)
    found = []
    for nth in range(count):
        here = which == nth
        latency = rows.latency[here & rows.is_timed]
        p50_ms, p99_ms, max_ms = quantiles_ms(latency, (0.5, 0.99, 1.0))
        found.append(
            Moment(
                begins_s=nth * bucket_s,
                lasts_s=min(bucket_s, lasts_s - nth * bucket_s) or bucket_s,
                count=int(here.sum()),
                errors=int((here & rows.is_error).sum()),
                p50_ms=p50_ms,
                p99_ms=p99_ms,
                max_ms=max_ms,
            )
        )
    return tuple(found)


def _faults(rows: _Columns) -> tuple[Fault, ...]:
    wrong = np.flatnonzero((rows.outcome == REFUSED) | rows.is_error)
    members: dict[tuple[str, int, str], list[int]] = {}
    for nth in wrong:
        kind = (str(rows.endpoint[nth]), int(rows.status[nth]), str(rows.code[nth]))
        members.setdefault(kind, []).append(int(nth))
    found = []
    for kind, nths in sorted(members.items(), key=lambda each: (-len(each[1]), each[0])):
        found.append(
            Fault(
                *kind,
                outcome=str(rows.outcome[nths[0]]),
                count=len(nths),
                first_s=float(rows.intended[nths].min()),
                last_s=float(rows.intended[nths].max()),
                examples=tuple(
                    (float(rows.intended[n]), str(rows.detail[n]), str(rows.trace_id[n]))
                    for n in nths[:_EXAMPLES]
                ),
            )
        )
    return tuple(found)


def _own(rows: _Columns, latency: Timing) -> Own:
    lag = timing_of(rows.lag)
    waited = int(rows.waited.sum())
    unanswered = int((rows.is_timed & (rows.status == 0)).sum())
    lag_ms, tail_ms = lag.ms["p99_ms"] or 0.0, latency.ms["p99_ms"] or 0.0
    most_ms = max(_LAG_MS, _LAG_SHARE * tail_ms)
    says = [f"99 in 100 requests left within {lag_ms:.1f} ms of the moment they could"]
    if lag_ms > most_ms:
        says.append(
            f"more than {most_ms:.0f} ms: this machine could not keep up, so part of the latency "
            "is ours; give the load a machine of its own or ask for less"
        )
    if waited:
        says.append(
            f"{waited} requests found all our connections taken and waited for one, which their "
            "latency includes; --connections gives more"
        )
    return Own(lag, waited, unanswered, lag_ms <= most_ms and not waited, "; ".join(says))


def _curve(seconds: _Array) -> tuple[tuple[float, float], ...]:
    """Return durations in ms by share, the shares as close as the rows can tell apart."""
    count = int((~np.isnan(seconds)).sum())
    if not count:
        return ()
    # Half a request more than all, so that the last one is the longest of them.
    tails = np.unique(np.concatenate([np.geomspace(1.0, 0.5 / count, _TAIL), [0.5, 0.1, 0.01]]))
    shares = sorted(float(1 - tail) for tail in tails)
    found = quantiles_ms(seconds, shares)
    return tuple((share, ms or 0.0) for share, ms in zip(shares, found, strict=True))
