"""The world as a client of a real service."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from dispatch.codec import to_rfc3339
from geo.city import find_city, load_city
from geo.travel import NetworkTravelTimes
from simulations.client import Client, http_client
from simulations.live import LiveWorld
from simulations.scenarios.scenario import load_scenario
from simulations.service import ServiceOptions, ServiceProcess
from simulations.worlds.world import World

LEFT_AFTER_S = 1.2
COURIER = "/v1/couriers/cou_aino"


async def _evening(folder: Path) -> dict[str, Any]:
    """Sign on as a courier, stay in sight, then close the page; returns what was seen."""
    scenario, city = load_scenario("helsinki-friday"), load_city(find_city("helsinki"))
    starts_at = scenario.start(city.time_zone)
    service = ServiceProcess(ServiceOptions("helsinki", folder, 0, to_rfc3339(starts_at), 20, 1))
    seen: dict[str, Any] = {}
    try:
        address = await service.ready(lambda: False, None)
        assert address is not None
        async with http_client(address) as http:
            world = World(scenario, city, NetworkTravelTimes(city.network))
            live = LiveWorld(world, Client(http), "helsinki", LEFT_AFTER_S)
            await live.join()

            async def courier() -> dict[str, Any]:
                answer = await http.get(COURIER)
                found: dict[str, Any] = answer.json()
                return found

            async def person() -> None:
                while not (await courier()).get("on_shift"):
                    await asyncio.sleep(0.05)
                await http.post(f"{COURIER}/operator", json={"operator": "person"})
                until = time.monotonic() + 2 * LEFT_AFTER_S
                while time.monotonic() < until:
                    here = {"courier_id": "cou_aino", "location": (await courier())["home"]}
                    await http.post("/v1/couriers/positions", json={"positions": [here]})
                    await asyncio.sleep(0.2)
                seen["while the page is open"] = (await courier())["operator"]
                while (await courier())["operator"] == "person":
                    await asyncio.sleep(0.05)
                seen["after it was closed"] = (await courier())["operator"]

            at_work = asyncio.create_task(person())
            async with asyncio.timeout(40):
                await live.run(at_work.done)
            at_work.result()
    finally:
        service.stop()
    return seen


@pytest.mark.soak
def test_a_courier_is_taken_back_when_the_person_s_page_falls_silent(tmp_path: Path) -> None:
    assert asyncio.run(_evening(tmp_path)) == {
        "while the page is open": "person",
        "after it was closed": "simulation",
    }
