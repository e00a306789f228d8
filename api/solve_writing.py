"""An answer in VROOM's form; what VROOM has no name for is under `samehour`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from api.solve_reading import Asked
from api.solve_schemas import BreakIn, TaskIn
from dispatch.tours.model import NOWHERE, Amount, Answer, Kind, Step, Tour, Violation
from geo.types import LonLat

Json = dict[str, Any]

_TASKS: Final = {Kind.JOB, Kind.PICKUP, Kind.DELIVERY}


def written(asked: Asked, answer: Answer, lines: Sequence[str], times_ms: Json, seed: int) -> Json:
    """Return an answer as VROOM writes it.

    Parameters
    ----------
    lines
        Of each tour the encoded polyline; empty where none were asked for.
    """
    wire = _Wire(asked)
    routes = [wire.route(tour) for tour in answer.tours]
    for route, line in zip(routes, lines, strict=False):
        route["geometry"] = line
    unassigned = [
        entry
        for one in answer.unserved
        for entry in wire.unassigned(one.request, one.why, one.detail)
    ]
    summary: Json = {
        "cost": sum(route["cost"] for route in routes),
        "routes": len(routes),
        "unassigned": len(unassigned),
        **wire.amounts(routes),
        **{
            name: sum(route[name] for route in routes)
            for name in ("setup", "service", "duration", "waiting_time", "priority")
        },
    }
    if asked.has_lengths:
        summary["distance"] = sum(route["distance"] for route in routes)
    violations = [one for tour in answer.tours for one in _of_tour(tour)]
    summary["violations"] = _violations(violations)
    summary["computing_times"] = times_ms
    summary["samehour"] = {
        "seed": seed,
        "rounds": answer.rounds,
        "cut_short": answer.cut_short,
        "late_cost": round(sum(tour.late_cost for tour in answer.tours), 2),
    }
    return {"code": 0, "summary": summary, "unassigned": unassigned, "routes": routes}


class _Wire:
    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.problem = asked.problem
        body = asked.body
        self.tasks: dict[tuple[Kind, int], TaskIn] = {(Kind.JOB, job.id): job for job in body.jobs}
        for shipment in body.shipments:
            pickups = [shipment.pickup] if shipment.pickup is not None else []
            for pickup in pickups + shipment.samehour.pickups:
                self.tasks[Kind.PICKUP, pickup.id] = pickup
            self.tasks[Kind.DELIVERY, shipment.delivery.id] = shipment.delivery

    def route(self, tour: Tour) -> Json:
        vehicle = self.asked.body.vehicles[tour.vehicle]
        steps = [self.step(tour, step) for step in tour.steps]
        last = tour.steps[-1]
        rows = [
            step.request
            for step in tour.steps
            if step.kind in {Kind.JOB, Kind.DELIVERY} and step.request is not None
        ]
        route: Json = {"vehicle": vehicle.id, "cost": int(tour.cost + 1e-6)}
        if vehicle.description is not None:
            route["description"] = vehicle.description
        if self.problem.dimensions:
            route["delivery"] = route["amount"] = self._sum(
                self.problem.requests[row].delivery for row in rows
            )
            route["pickup"] = self._sum(
                one.delivery if one.task.kind is Kind.DELIVERY else one.pickup
                for one in (self.problem.requests[row] for row in rows)
            )
        route |= {
            "setup": sum(step.setup_s for step in tour.steps),
            "service": sum(step.service_s for step in tour.steps),
            "duration": last.travel_s,
            "waiting_time": sum(step.waiting_s for step in tour.steps),
            "priority": sum(
                self.problem.requests[step.request].priority
                for step in tour.steps
                if step.request is not None
            ),
        }
        if self.asked.has_lengths:
            route["distance"] = last.length_m
        return route | {"steps": steps, "violations": _violations(_of_tour(tour))}

    def step(self, tour: Tour, step: Step) -> Json:
        told: Json = {"type": str(step.kind)}
        known: BreakIn | TaskIn | None = None
        if step.kind is Kind.BREAK:
            pauses = self.asked.body.vehicles[tour.vehicle].breaks
            known = next(pause for pause in pauses if pause.id == step.step_id)
        elif step.kind in _TASKS and step.step_id is not None:
            known = self.tasks[step.kind, step.step_id]
        if known is not None and known.description is not None:
            told["description"] = known.description
        told |= self.where(step.place)
        if step.step_id is not None:
            told["id"] = step.step_id
        told |= {
            "setup": step.setup_s,
            "service": step.service_s,
            "waiting_time": step.waiting_s,
        }
        if step.kind is Kind.JOB:
            told["job"] = step.step_id
        if self.problem.dimensions:
            told["load"] = list(step.load)
        told |= {
            "arrival": step.arrival,
            "duration": step.travel_s,
            "violations": _violations(step.violations),
        }
        if self.asked.has_lengths:
            told["distance"] = step.length_m
        if step.late_s:
            told["samehour"] = {"late_s": step.late_s}
        return told

    def where(self, place: int) -> Json:
        """Return a place as it was given."""
        if place == NOWHERE:
            return {}
        told: Json = {}
        location: LonLat | None = self.asked.locations.get(place)
        if location is not None:
            told["location"] = list(location)
        if not self.asked.on_network:
            told["location_index"] = place
        return told

    def unassigned(self, row: int, why: str, detail: str) -> list[Json]:
        request = self.problem.requests[row]
        entries = []
        for task in (*request.pickups[:1], request.task):
            entry: Json = {"id": task.task_id, "type": str(task.kind)}
            known = self.tasks[task.kind, task.task_id]
            if known.description is not None:
                entry["description"] = known.description
            entry |= self.where(task.place)
            entry["samehour"] = {"reason": str(why), "detail": detail}
            entries.append(entry)
        return entries

    def amounts(self, routes: list[Json]) -> Json:
        if not self.problem.dimensions:
            return {}
        return {
            name: self._sum(tuple(route[name]) for route in routes)
            for name in ("delivery", "amount", "pickup")
        }

    def _sum(self, amounts: Iterable[Amount]) -> list[int]:
        total = [0] * self.problem.dimensions
        for amount in amounts:
            if amount:
                total = [a + b for a, b in zip(total, amount, strict=True)]
        return total


def _of_tour(tour: Tour) -> list[Violation]:
    return [*tour.violations, *(one for step in tour.steps for one in step.violations)]


def _violations(found: Iterable[Violation]) -> list[Json]:
    """Return violations, each cause once, what is too early or too late summed up."""
    told: dict[str, Json] = {}
    for one in found:
        entry = told.setdefault(str(one.cause), {"cause": str(one.cause)})
        if one.duration_s is not None:
            entry["duration"] = entry.get("duration", 0) + one.duration_s
    return list(told.values())
