"""One evening of a study, from the opening of the stores to the last order that counts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from dispatch import events as e
from dispatch.model import Policy
from geo.city import City
from geo.travel import NetworkTravelTimes
from simulations.audits.audit import audit
from simulations.loop import Simulation
from simulations.scenarios.settings import Scenario
from simulations.studies.measuring import quantile
from simulations.studies.outcome import Evening
from simulations.studies.rows import evening_of
from simulations.studies.study import CourierCard, Playback, Ran, Replication, StoreCard, Track

SEEN_EVERY_S: Final = 15
"""Between two places of a courier in the playback."""

_REPORT_EVERY: Final = 8
_USUAL_END_S: Final = 2700
"""The last order that counts has mostly ended so long after it could be clicked."""

_NEARLY: Final = 0.99
_MEBI: Final = 1024 * 1024


def replicate(
    scenario: Scenario,
    city: City,
    policy: Policy,
    seed: int,
    *,
    stopwatch: Callable[[], float],
    report: Callable[[float], None] | None = None,
) -> Ran:
    """Run an evening under a seed; same arguments, same rows, figures and log, bit for bit.

    Parameters
    ----------
    stopwatch
        Returns wall seconds, for what is said of the run itself.
    report
        Told how much of it is done, 0.0 to 1.0.

    Notes
    -----
    The streets fill for `measure.warm_up_s`; whoever clicks in the `measure.lasts_s` after it
    counts.  Then others go on clicking until all who count have what they ordered, for at most
    `measure.cool_down_s`: what is open then is counted as open.
    """
    began = stopwatch()
    measure = scenario.measure
    starts_at = scenario.start(city.time_zone)
    since = starts_at + measure.warm_up_s
    until = since + measure.lasts_s
    latest = until + measure.cool_down_s
    usual_end = min(latest, until + _USUAL_END_S)
    simulation = Simulation(
        scenario, city, seed=seed, policy=policy, stopwatch=stopwatch, demand_until=latest
    )
    tracks = _Tracks()
    steps = 0
    while simulation.now < until or (
        simulation.now < latest and _is_open(simulation, since, until)
    ):
        simulation.run(
            min(simulation.now + SEEN_EVERY_S, until if simulation.now < until else latest)
        )
        tracks.see(simulation)
        steps += 1
        if report is not None and steps % _REPORT_EVERY == 0:
            report(min(_NEARLY, (simulation.now - starts_at) / (usual_end - starts_at)))
    log = tuple(simulation.log.events)
    evening = evening_of(
        log,
        seed=seed,
        starts_at=starts_at,
        ends_at=simulation.now,
        measured_from=since,
        measured_until=until,
        refused_commands=simulation.world.refusals,
        breaches=audit(log, NetworkTravelTimes(city.network)),
    )
    replication = Replication(
        seed=seed,
        starts_at=evening.starts_at,
        measured_from=evening.measured_from,
        measured_until=evening.measured_until,
        ends_at=evening.ends_at,
        figures=evening.figures,
        refused_commands=evening.refused_commands,
        breaches=evening.breaches,
        took_s=stopwatch() - began,
        plan_p95_ms=quantile(simulation.solve_ms, 0.95),
        peak_memory_mb=_peak_memory_mb(),
    )
    return Ran(evening, replication, log, tracks.playback(evening, log))


def _is_open(simulation: Simulation, since: int, until: int) -> bool:
    """Tell whether an order that counts has not ended."""
    return any(
        order.order.return_of is None and since <= order.order.created_at < until
        for order in simulation.engine.state.orders.values()
    )


class _Tracks:
    """Where couriers were seen."""

    def __init__(self) -> None:
        self._seen: dict[str, list[tuple[int, float, float]]] = {}

    def see(self, simulation: Simulation) -> None:
        for seen in simulation.world.whereabouts(simulation.now):
            place = (simulation.now, round(seen.place.lon, 6), round(seen.place.lat, 6))
            self._seen.setdefault(seen.courier_id, []).append(place)

    def playback(self, evening: Evening, log: tuple[e.Recorded, ...]) -> Playback:
        stores: dict[str, StoreCard] = {}
        couriers: dict[str, CourierCard] = {}
        for recorded in log:
            match recorded.event:
                case e.StoreRegistered(store=s):
                    stores[s.store_id] = StoreCard(s.store_id, s.name, s.location)
                case e.CourierRegistered(courier=c):
                    couriers[c.courier_id] = CourierCard(c.courier_id, c.name, c.mode)
                case _:
                    pass
        return Playback(
            seed=evening.seed,
            every_s=SEEN_EVERY_S,
            begins_at=evening.starts_at,
            ends_at=evening.ends_at,
            stores=tuple(stores[key] for key in sorted(stores)),
            couriers=tuple(couriers[key] for key in sorted(couriers)),
            tracks=tuple(
                Track(
                    key,
                    tuple(at for at, _, _ in seen),
                    tuple(lng for _, lng, _ in seen),
                    tuple(lat for _, _, lat in seen),
                )
                for key, seen in sorted(self._seen.items())
            ),
        )


if sys.platform == "win32":  # pragma: no cover

    def _peak_memory_mb() -> float:
        """Return nothing known: Windows says it otherwise."""
        return 0.0

else:
    import resource

    def _peak_memory_mb() -> float:
        """Return the most memory this process has held, in MiB."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # Linux counts in KiB, macOS in bytes.
        return peak / _MEBI if sys.platform == "darwin" else peak / 1024
