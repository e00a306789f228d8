"""What a courier reports of a stop: taken in once, answered with what comes next."""

from __future__ import annotations

from api import views
from api.live import Live
from api.shapes import couriers
from dispatch.commands import Command


def report(live: Live, courier_id: str, command: Command) -> couriers.Reported:
    """Take in what a courier did or said; on the engine's thread.

    Returns
    -------
    dict
        The names of the `events` it made, the new `route`, and `already`: the same was reported
        before, and nothing has changed.
    """
    recorded = live.engine.handle(command)
    if recorded:
        recorded = (*recorded, *live.engine.commit_due())
    return {
        "already": not recorded,
        "events": [type(event.event).__name__ for event in recorded],
        "route": views.route(live, live.engine.state.courier(courier_id)),
    }
