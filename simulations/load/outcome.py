"""What a load test came to: figures of the API and of the deliveries, judged, written and said."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from dispatch.events import Recorded
from geo.city import City
from simulations.folders import write_json
from simulations.load.figures import LoadFigures, figures_of
from simulations.load.folder import (
    DONE,
    INTERRUPTED,
    REPORT,
    SENDER_GONE,
    SERVICE_GONE,
    SUMMARY,
    State,
)
from simulations.load.report import report_of
from simulations.load.rows import Rows
from simulations.load.sla import Judged, judge
from simulations.load.wanted import Wanted
from simulations.load.words import amount, ms, share
from simulations.reports.parts import save
from simulations.studies import parquet
from simulations.studies.measures import FIGURES
from simulations.studies.rows import evening_of

_SPOKEN: Final = ("on_time_share", "refused_share", "click_to_door_p50_s", "late_p90_s")
_ENDS: Final = {
    DONE: "",
    INTERRUPTED: "Interrupted; the same command goes on from there.",
    SERVICE_GONE: "The service did not answer any more, so the test ended early; the same command "
    "goes on from there.",
    SENDER_GONE: "The process that sends ended; worker.log has its words.",
}


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What came of the orders clicked under load.

    Attributes
    ----------
    figures
        By name, see `simulations.studies.measures.FIGURES`.
    minutes
        Moment of the service, open orders and late ones of them.
    """

    figures: dict[str, float | None]
    minutes: tuple[tuple[int, int, int], ...]


def deliveries_of(
    wanted: Wanted,
    state: State,
    log: Sequence[Recorded],
    measured: tuple[int, int],
    ends_at: int,
) -> Deliveries:
    """Return what came of the orders, and write them beside the requests.

    Parameters
    ----------
    measured
        When the load was, in UTC epoch seconds of the service.
    """
    since, until = measured
    evening = evening_of(
        log,
        seed=wanted.seed,
        starts_at=state.starts_at,
        ends_at=max(ends_at, since + 1),
        measured_from=since,
        measured_until=until,
    )
    parquet.write(
        parquet.table_of(evening.orders, parquet.ORDERS), wanted.folder / "orders.parquet"
    )
    minutes = tuple((each.at, each.open_orders, each.late_open) for each in evening.minutes)
    return Deliveries(dict(evening.figures), minutes)


def told(wanted: Wanted, state: State, deliveries: Deliveries | None, city: City) -> int:
    """Write the report, say what came out; returns 0 when the SLA is met, 1 when not."""
    table = Rows(wanted.folder, 0).merge()
    figures = figures_of(table, max(state.done_s, 1e-3))
    if deliveries is None:
        deliveries = _kept(wanted)
    judged = judge(wanted.sla, figures, deliveries.figures)
    ended = state.sessions[-1].ended if state.sessions else DONE
    said = _summary(wanted, state, figures, deliveries, judged, ended)
    write_json(wanted.folder / SUMMARY, said)
    page = report_of(wanted, state, figures, deliveries.figures, deliveries.minutes, judged, city)
    save(page, wanted.folder / REPORT)
    sys.stdout.write(_text(wanted, state, figures, deliveries.figures, judged, ended))
    if wanted.is_json:
        sys.stdout.write(json.dumps(said["headline"]) + "\n")
    sys.stdout.flush()
    broke = ended in {SERVICE_GONE, SENDER_GONE}
    return 1 if broke or not all(each.is_met for each in judged) else 0


def _kept(wanted: Wanted) -> Deliveries:
    """Return the deliveries of a test that was complete before."""
    try:
        said = json.loads((wanted.folder / SUMMARY).read_text(encoding="utf-8"))["deliveries"]
        return Deliveries(said["figures"], tuple(tuple(each) for each in said["minutes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Deliveries({}, ())


def _summary(
    wanted: Wanted,
    state: State,
    figures: LoadFigures,
    deliveries: Deliveries,
    judged: Sequence[Judged],
    ended: str,
) -> dict[str, Any]:
    total = figures.total
    return {
        "headline": {
            "ended": ended,
            "load_s": round(figures.lasts_s, 3),
            "requests": total.count,
            "requests_per_s": round(total.count / figures.lasts_s, 3),
            "refused": total.refused,
            "errors": total.errors,
            "error_share": total.error_share,
            **total.latency.ms,
            "own_lag_p99_ms": figures.own.lag.ms["p99_ms"],
            "is_trusted": figures.own.is_trusted,
            **{name: deliveries.figures.get(name) for name in _SPOKEN},
            "sla_met": all(each.is_met for each in judged),
        },
        "about": state.about,
        "mix": asdict(wanted.mix),
        "service_clock": state.clock,
        "starts_at": state.starts_at,
        "sessions": [asdict(each) for each in state.sessions],
        "api": {
            each.name: {
                "count": each.count,
                "refused": each.refused,
                "errors": each.errors,
                "bytes": each.bytes,
                "latency": each.latency.ms,
                "service_time": each.service.ms,
            }
            for each in (total, *figures.endpoints)
        },
        "faults": [asdict(each) for each in figures.faults],
        "own": asdict(figures.own),
        "deliveries": {"figures": deliveries.figures, "minutes": deliveries.minutes},
        "sla": [
            {**asdict(each.threshold), "measured": each.measured, "is_met": each.is_met}
            for each in judged
        ],
    }


def _text(
    wanted: Wanted,
    state: State,
    figures: LoadFigures,
    deliveries: Mapping[str, float | None],
    judged: Sequence[Judged],
    ended: str,
) -> str:
    total, rate = figures.total, figures.total.count / figures.lasts_s
    latency = total.latency.ms
    lines = [
        (
            f"{wanted.scenario.title}, seed {wanted.seed}, {wanted.rate:g} times the customers, on "
            f"{wanted.url} (clock {state.clock:g}): {figures.lasts_s:.0f} s of load"
        ),
        (
            f"  {total.count:,} requests ({rate:,.1f}/s), {total.refused:,} refused, "
            f"{total.errors:,} errors ({share(total.error_share)})"
        ),
        (
            f"  latency from the moment each was meant: half {ms(latency['p50_ms'])}, 99 in 100 "
            f"{ms(latency['p99_ms'])}, 999 in 1000 {ms(latency['p99_9_ms'])}, longest "
            f"{ms(latency['max_ms'])}"
        ),
        f"  {figures.own.says}: {'' if figures.own.is_trusted else 'not '}to be trusted",
        "  deliveries: "
        + ", ".join(
            f"{FIGURES[name].title} {amount(deliveries.get(name), FIGURES[name].unit)}"
            for name in _SPOKEN
        ),
    ]
    lines += [f"  {_verdict(each)}" for each in judged]
    if _ENDS[ended]:
        lines.append(_ENDS[ended])
    lines.append(f"Report: {wanted.folder / REPORT}")
    return "".join(f"{line}\n" for line in lines)


def _verdict(judged: Judged) -> str:
    asked = judged.threshold
    return (
        f"SLA {'met' if judged.is_met else 'MISSED'}: {asked.subject} {asked.key} "
        f"{amount(judged.measured, asked.unit)}, {asked.bound} {amount(asked.limit, asked.unit)}"
    )
