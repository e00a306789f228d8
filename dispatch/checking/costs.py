"""What a plan costs, worked out from its visits and the policy alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from dispatch.checking.facts import Facts
from dispatch.checking.violation import Kind, Violation
from dispatch.model import Objective, OrderInPlay, Plan, Policy, Route, StopKind

_ROUNDING: Final = 1e-6
"""Sums of floats in another order differ by less than this share."""


def costs(plan: Plan, facts: Facts) -> Objective:
    """Return the cost of a plan by term.

    A returned order is never late, and its waiting counts from now.  Churn is counted for what is
    fetched and was not committed: once if another courier than last shown has it who could have
    kept it, once if it leaves the store it was given to.
    """
    policy = facts.snapshot.policy
    shown = _shown(facts)
    lateness = waiting = travel_s = length_m = 0.0
    changes = 0
    for courier_id, route in facts.routes.items():
        changes += _changes(route, shown, facts)
        standing = facts.is_standing(facts.couriers[courier_id])
        for index, visit in enumerate(route.visits):
            if index or not standing:
                travel_s += visit.travel_s
                length_m += visit.length_m
            order = facts.orders.get(visit.stop.order_id)
            if order is None or visit.stop.kind is StopKind.PICKUP:
                continue
            since = order.order.created_at
            if visit.stop.kind is StopKind.RETURN:
                since = facts.snapshot.now
            else:
                lateness += _lateness(policy, order, visit.depart_at)
            waiting += policy.waiting_cost * (visit.depart_at - since)
    return Objective(
        undelivered=len(plan.unassigned) * policy.undelivered_cost,
        lateness=lateness,
        waiting=waiting,
        travel=policy.travel_cost * travel_s + policy.length_cost * length_m,
        churn=changes * policy.churn_cost,
    )


def objective(plan: Plan, facts: Facts) -> Iterator[Violation]:
    """Hold that a plan costs what it says, term by term."""
    true = costs(plan, facts)
    for field in fields(Objective):
        said, is_so = getattr(plan.objective, field.name), getattr(true, field.name)
        if not math.isclose(said, is_so, rel_tol=_ROUNDING, abs_tol=_ROUNDING):
            detail = f"says {field.name} is {said:.3f}, it is {is_so:.3f}"
            yield Violation(Kind.OBJECTIVE, plan.plan_id, detail)


def _lateness(policy: Policy, order: OrderInPlay, at: int) -> float:
    late_s = at - order.promise.latest
    slack_used_s = min(max(late_s + policy.buffer_s, 0), policy.buffer_s)
    over_s = max(late_s, 0)
    return (
        policy.buffer_cost * slack_used_s
        + policy.late_cost * over_s
        + policy.late_square_cost * over_s**2
    )


def _shown(facts: Facts) -> dict[str, str]:
    """Return who was last shown each order; of several couriers the last by id."""
    return {
        visit.stop.order_id: route.courier_id
        for route in sorted(facts.snapshot.routes, key=lambda route: route.courier_id)
        for visit in route.visits
        if route.courier_id in facts.couriers
    }


def _changes(route: Route, shown: dict[str, str], facts: Facts) -> int:
    committed = len(facts.bound.get(route.courier_id, ()))
    changes = 0
    for visit in route.visits[committed:]:
        stop = visit.stop
        order = facts.orders.get(stop.order_id)
        if stop.kind is not StopKind.PICKUP or order is None:
            continue
        before = shown.get(stop.order_id, route.courier_id)
        holder = facts.holders.get(stop.order_id)
        kept = before not in order.declined_by if holder is None else before == holder
        changes += int(before != route.courier_id and kept)
        changes += int(order.store_id not in {None, stop.store_id})
    return changes
