"""What stands at the head and at the foot of a report: what came out, and what it was made from."""

from __future__ import annotations

import datetime as dt

from simulations.reports.markup import Markup, joined, tag
from simulations.reports.scale import clock
from simulations.reports.words import day, duration, evenings, number, seeds, with_unit
from simulations.studies.study import Replication, Study


def sentence(study: Study) -> str:
    """Return what came out, in a sentence or two."""
    count = len(study.replications)
    in_time = study.estimates["in_time_per_100_orders"]
    half = study.estimates["click_to_door_p50_s"]
    asked = study.estimates["orders_asked"]
    if in_time.mean is None or not asked.mean:
        return f"Nobody ordered anything on {evenings(count)}."
    said = f"Of 100 orders asked for, {number(in_time.mean, 'per 100')} came in time"
    if in_time.low is not None and in_time.high is not None:
        low, high = number(in_time.low, "per 100"), number(in_time.high, "per 100")
        said += f" (95 % interval {low} to {high}, from {evenings(count)})"
    else:
        said += f", on {evenings(count)}"
    if half.mean is not None:
        said += f"; half of the deliveries took no longer than {with_unit(half.mean, 's')}"
    return f"{said}."


def facts(study: Study, zone: dt.tzinfo) -> list[tuple[str, str]]:
    """Return what a study was made from."""
    first = study.replications[0]
    warm = duration(first.measured_from - first.starts_at)
    cool = duration(study.scenario.measure.cool_down_s)
    return [
        ("Scenario", study.variant),
        ("Policy", policy_of(study)),
        ("City", study.city_title),
        ("Evening", evening_of(first, zone)),
        ("Warm-up, cool-down", f"{warm}, and up to {cool}; neither is counted"),
        ("Seeds", f"{seeds(study.seeds)} ({evenings(len(study.seeds))})"),
    ]


def evening_of(one: Replication, zone: dt.tzinfo) -> str:
    """Return the day of an evening, and which part of it was measured."""
    span = f"{clock(one.measured_from, zone)} to {clock(one.measured_until, zone)}"
    return f"{day(one.starts_at, zone)}, measured {span}"


def policy_of(study: Study) -> str:
    """Return the name of the policy; a variant's own stands in its scenario."""
    return study.scenario.policy or study.policy.name


def foot(study: Study, made_from: str) -> Markup:
    """Return licences and versions, and what a page was made from."""
    return joined(
        (
            tag("p", f"Map: {study.attribution}, Open Database License (ODbL)."),
            tag(
                "p",
                f"samehour {study.version}, code {study.code}; {made_from}. This page needs no "
                "network and fetches nothing.",
            ),
        )
    )
