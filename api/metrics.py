"""Figures for Prometheus, with units in their names; `GET /metrics` has them.

What happens is counted where it happens.  What is the case is read when somebody asks, from the
engine's own thread: see `ZoneFigures`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import CollectorRegistry

if TYPE_CHECKING:
    from dispatch.kpis import Kpis

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

disable_created_metrics()  # type: ignore[no-untyped-call]

_REQUEST_S: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_COMMIT_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
_PLAN_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)
_SOLVE_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_GROUP: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

REQUESTS: Final = Histogram(
    "samehour_http_request_duration_seconds",
    "From a request's first byte to the last of its answer; streams count until they end.",
    ("method", "route", "status"),
    buckets=_REQUEST_S,
)
JOBS_WAITED: Final = Histogram(
    "samehour_engine_wait_seconds",
    "How long work waited for the zone's engine, which does one thing at a time.",
    ("zone",),
    buckets=_COMMIT_S,
)
JOBS: Final = Histogram(
    "samehour_engine_work_seconds",
    "How long the zone's engine was busy with one piece of work.",
    ("zone",),
    buckets=_COMMIT_S,
)
EVENTS: Final = Counter("samehour_events", "Facts recorded.", ("zone", "type"))
POSITIONS: Final = Counter("samehour_positions", "Positions of couriers taken in.", ("zone",))
COMMITS: Final = Histogram(
    "samehour_ledger_commit_duration_seconds",
    "One transaction of the ledger, until it is durable.",
    buckets=_COMMIT_S,
)
COMMITTED_TOGETHER: Final = Histogram(
    "samehour_ledger_commit_batches",
    "Batches that became durable in one transaction.",
    buckets=_GROUP,
)
PLANS: Final = Histogram(
    "samehour_plan_duration_seconds",
    "From a snapshot to its plan, the way to the planner's process and back included.",
    ("zone", "by"),
    buckets=_PLAN_S,
)
PLANS_CUT_SHORT: Final = Counter(
    "samehour_plans_cut_short", "Plans that ran into their wall limit.", ("zone",)
)
REPLAN_FAULTS: Final = Counter("samehour_replan_faults", "Replans that failed.", ("zone",))
PLANNER_RESTARTS: Final = Counter(
    "samehour_planner_restarts", "Planner processes that died or hung and were started again."
)
WEBHOOK_ATTEMPTS: Final = Histogram(
    "samehour_webhook_attempt_duration_seconds",
    "One attempt at one message, until it was answered or given up.",
    ("zone", "endpoint", "delivered"),
    buckets=_REQUEST_S,
)
WEBHOOKS_GIVEN_UP: Final = Counter(
    "samehour_webhook_messages_given_up",
    "Messages that were not taken in all their attempts, while others were.",
    ("zone", "endpoint"),
)
CONNECTIONS: Final = Gauge("samehour_connections_open", "Connections of clients, idle or not.")
CONNECTIONS_REFUSED: Final = Counter(
    "samehour_connections_refused", "Connections turned away because all were taken."
)
SOLVES: Final = Counter("samehour_solves", "Problems posted to be solved.", ("zone",))
SOLVES_REFUSED: Final = Counter(
    "samehour_solves_refused",
    "Problems answered by a problem document, by its code.",
    ("zone", "code"),
)
SOLVE_WAITED: Final = Histogram(
    "samehour_solve_wait_seconds",
    "How long a problem waited for the zone's solver, which does one at a time.",
    ("zone",),
    buckets=_SOLVE_S,
)
SOLVE: Final = Histogram(
    "samehour_solve_duration_seconds",
    "How long the zone's solver was busy with one problem, refused or not.",
    ("zone",),
    buckets=_SOLVE_S,
)


@dataclass(frozen=True, slots=True)
class WebhookFigures:
    """How a webhook endpoint is doing.

    Attributes
    ----------
    behind
        Events of the log after its cursor.
    waiting
        Messages taken from the log and not settled.
    parked
        It is not called until a person says so, because it was dead or gone.
    """

    endpoint_id: str
    behind: int
    waiting: int
    parked: bool


@dataclass(frozen=True, slots=True)
class ZoneFigures:
    """What is the case in a zone.

    Attributes
    ----------
    kpis
        Of the last hour; `open` and `at_risk` are of now.
    solving, solves_waiting
        Problems for the solver: being solved, 0 or 1, and taken in but not begun.
    couriers
        On shift, by what they are doing.
    oldest_position_s
        Age of the oldest latest position of a courier who is under way; None with nobody.
    """

    zone: str
    seq: int
    kpis: Kpis
    couriers: dict[str, int]
    oldest_position_s: int | None
    solving: int
    solves_waiting: int
    webhooks: tuple[WebhookFigures, ...] = ()


def exposition(zones: list[ZoneFigures], shown: Collection[str]) -> bytes:
    """Return all figures in Prometheus' text form.

    Parameters
    ----------
    shown
        Zones whose figures are; what is of no zone is shown in any case.
    """
    present = CollectorRegistry()
    present.register(_Present(zones))
    counted = CollectorRegistry()
    counted.register(_Counted(shown))
    return generate_latest(counted) + generate_latest(present)


class _Counted:
    """What was counted where it happened, without zones that are nobody's business."""

    def __init__(self, shown: Collection[str]) -> None:
        self._shown = shown

    def collect(self) -> Iterator[Metric]:
        """Yield one family after another."""
        for family in REGISTRY.collect():
            family.samples = [
                sample
                for sample in family.samples
                if sample.labels.get("zone", "") in {"", *self._shown}
            ]
            yield family


class _Present:
    """Gauges of what is the case, made for one answer."""

    def __init__(self, zones: list[ZoneFigures]) -> None:
        self._zones = zones

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one family after another."""
        yield self._of("log_seq", "Number of the last fact.", lambda of: of.seq)
        yield self._of("orders_open", "Taken and not yet at the door.", lambda of: of.kpis.open)
        yield self._of("orders_at_risk", "Open, and late or nearly so.", lambda of: of.kpis.at_risk)
        yield self._of(
            "delivered_on_time_ratio",
            "Of the last hour's deliveries, those by the end of their promise.",
            lambda of: of.kpis.on_time_share,
        )
        yield self._of(
            "click_to_door_p50_seconds", "Of the last hour.", lambda of: of.kpis.click_to_door_p50_s
        )
        yield self._of(
            "click_to_door_p90_seconds", "Of the last hour.", lambda of: of.kpis.click_to_door_p90_s
        )
        yield self._of(
            "position_age_max_seconds",
            "Oldest latest position of a courier under way.",
            lambda of: of.oldest_position_s,
        )
        yield self._of("solves_running", "Problems being solved.", lambda of: of.solving)
        yield self._of("solves_waiting", "Problems not begun.", lambda of: of.solves_waiting)
        crew = GaugeMetricFamily(
            "samehour_couriers", "On shift, by what they do.", labels=("zone", "activity")
        )
        for zone in self._zones:
            for activity, count in sorted(zone.couriers.items()):
                crew.add_metric((zone.zone, activity), count)
        yield crew
        yield self._of_webhooks("behind_events", "Events to be told.", lambda of: of.behind)
        yield self._of_webhooks("waiting_messages", "Not taken yet.", lambda of: of.waiting)
        yield self._of_webhooks(
            "parked", "1 where a person must look: it was dead or gone.", lambda of: of.parked
        )

    def _of_webhooks(
        self, name: str, what: str, figure: Callable[[WebhookFigures], float]
    ) -> GaugeMetricFamily:
        """Return a gauge with a sample for each webhook endpoint."""
        labels = ("zone", "endpoint")
        family = GaugeMetricFamily(f"samehour_webhook_{name}", what, labels=labels)
        for zone in self._zones:
            for each in zone.webhooks:
                family.add_metric((zone.zone, each.endpoint_id), figure(each))
        return family

    def _of(
        self, name: str, what: str, figure: Callable[[ZoneFigures], float | None]
    ) -> GaugeMetricFamily:
        """Return a gauge with a sample for each zone that has a figure."""
        family = GaugeMetricFamily(f"samehour_{name}", what, labels=("zone",))
        for zone in self._zones:
            value = figure(zone)
            if value is not None:
                family.add_metric((zone.zone,), value)
        return family
