"""Which of a service's zones is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulations.errors import ZoneError


def meant(
    url: str, zones: Sequence[dict[str, Any]], city: str, zone_id: str | None
) -> dict[str, Any]:
    """Return the zone of a city that is meant, of those that `GET /v1/zones` lists.

    Parameters
    ----------
    zone_id
        As it was named; the only one of the city where none is.

    Raises
    ------
    ZoneError
        The service is for other cities, has no such zone, or a zone must be named.
    """
    fitting = [zone for zone in zones if zone["city"] == city]
    if not fitting:
        served = ", ".join(sorted({str(zone["city"]) for zone in zones})) or "nothing"
        raise ZoneError(
            f"{url} serves {served}, and the scenario is for {city}: name a scenario of that "
            "city with --scenario, or another service"
        )
    names = ", ".join(str(zone["id"]) for zone in fitting)
    if zone_id is not None:
        for zone in fitting:
            if zone["id"] == zone_id:
                return zone
        raise ZoneError(f"{url} has no zone {zone_id} in {city}; --zone can be {names}")
    if len(fitting) > 1:
        raise ZoneError(f"{url} has several zones in {city}; name one with --zone: {names}")
    return fitting[0]
