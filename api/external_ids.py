"""A shop's own ids of orders, unique in all zones of its tenant.

Within a zone the engine sees to it, in the turn of its thread.  Zones have threads of their own, so
what one is placing is held here while it does: a retry that names another zone is no second order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from api.problems import Problem

if TYPE_CHECKING:
    from api.bootstrap import Service


@dataclass(slots=True)
class _Placing:
    """An external id in requests that run, all of one zone."""

    zone_id: str
    requests: int = 0


@dataclass(slots=True)
class ExternalIds:
    """The external ids of requests that are running; for the event loop only."""

    _placing: dict[tuple[str, str], _Placing] = field(default_factory=dict)

    @contextmanager
    def held(
        self, service: Service, of_tenant: Iterable[Service], external_id: str | None
    ) -> Iterator[None]:
        """Hold an id for a zone while it places an order.

        Raises
        ------
        Problem
            `external_id_taken`: another zone of the tenant has it, or is placing it.
        """
        if external_id is None:
            yield
            return
        if external_id not in service.live.engine.state.external_ids:
            self._refuse_taken(service, of_tenant, external_id)
        key, zone_id = (service.tenant, external_id), service.live.zone_id
        placing = self._placing.setdefault(key, _Placing(zone_id))
        if placing.zone_id != zone_id:
            raise _taken(external_id, f"is being ordered in zone {placing.zone_id}")
        placing.requests += 1
        try:
            yield
        finally:
            placing.requests -= 1
            if not placing.requests:
                del self._placing[key]

    @staticmethod
    def _refuse_taken(service: Service, of_tenant: Iterable[Service], external_id: str) -> None:
        for other in of_tenant:
            known = other.live.engine.state.external_ids.get(external_id)
            if other is not service and known is not None:
                where = f"belongs to order {known} of zone {other.live.zone_id} already"
                raise _taken(external_id, where)


def _taken(external_id: str, where: str) -> Problem:
    return Problem("external_id_taken", f"external_id {external_id} {where}.")
