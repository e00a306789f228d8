"""A ledger that a real service wrote is lived again, event by event, by an engine without one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import Town
from databases import change, rows

from api.storage.reading import read_recording
from dispatch.events import OrderReceived
from geo.city import City, load_city
from geo.travel import NetworkTravelTimes
from geo.types import LonLat, Mode
from simulations.replays.learn import learn
from simulations.replays.push import push
from simulations.replays.replay import Outcome, Replay
from simulations.worlds.happenings import happenings_of

QUICK = 'name = "quick"\nimprove_rounds = 5\nreplan_every_s = 15\n'
OTHER = 'name = "other"\nimprove_rounds = 5\nreplan_every_s = 15\npromise_margin_s = 240\n'


def half_way(city: City, store: dict[str, Any], door: dict[str, float]) -> LonLat:
    travel = NetworkTravelTimes(city.network)
    origin = LonLat(store["location"]["lng"], store["location"]["lat"])
    points = travel.route(origin, LonLat(door["lng"], door["lat"]), Mode.BIKE, 0).points
    return points[len(points) // 2]


def seen(town: Town, courier_id: str, place: dict[str, float]) -> None:
    body = {"positions": [{"courier_id": courier_id, "location": place, "at": now(town)}]}
    town.post("/v1/couriers/positions", body, 202)


def now(town: Town) -> str:
    return str(town.get("/v1/zones/helsinki")["now"])


def bring(town: Town, courier_id: str, order_id: str) -> None:
    town.pick(order_id)
    town.told(order_id, "enroute_to_pickup")
    town.report(courier_id, "arrived")
    town.report(courier_id, "completed")
    town.told(order_id, "enroute_to_dropoff")
    town.report(courier_id, "arrived")


def lived_again(ledger: str, city: City) -> Outcome:
    return Replay(read_recording(ledger), city).run()


@pytest.mark.long
def test_a_day_with_closed_streets_and_a_restart_is_the_same_again(
    own_town: Town, tmp_path: Path
) -> None:
    town, city = own_town, load_city("helsinki")
    (tmp_path / "quick.toml").write_text(QUICK)
    (tmp_path / "other.toml").write_text(OTHER)
    town.start("--port", "0", "--policy", str(tmp_path / "quick.toml"), "--seed", "7")
    stores = town.stock()
    home, basket = stores[0]["location"], town.basket()
    anna, ben = town.courier(home), town.courier(stores[1]["location"])
    first = town.post("/v1/orders", basket, 201)["id"]
    seen(town, ben, stores[2]["location"])
    middle = half_way(city, stores[0], basket["dropoff"]["location"])
    spot = {"lat": middle.lat, "lng": middle.lon}
    closed = town.post("/v1/closures", {"point": spot, "reason": "a burst main"}, 201)
    second = town.post("/v1/orders", basket, 201)["id"]
    assert town.post("/v1/quotes", {k: basket[k] for k in ("dropoff", "lines", "weight_g")}, 201)
    courier_id = town.told(first, "enroute_to_pickup")["delivery"]["courier_id"]
    assert courier_id in {anna, ben}
    bring(town, courier_id, first)
    assert town.http.delete(f"/v1/closures/{closed['id']}").status_code == 200
    town.post(f"/v1/orders/{second}/cancel", {"reason": "changed my mind"})
    town.kill()  # in the middle of the way, as a power cut does

    town.start("--port", "0", "--policy", str(tmp_path / "other.toml"), "--seed", "8")
    seen(town, anna, stores[3]["location"])
    third = town.post("/v1/orders", basket, 201)["id"]
    town.told(third, "enroute_to_pickup")
    # Read while the service writes: what is there is whole.
    recording = read_recording(town.ledger)
    running = Replay(recording, city).run()
    assert running.is_identical, running.differences
    # What it teaches about picks is told to the running service, and nothing else is changed.
    learned = learn(happenings_of(recording.events), "a test")
    before = {store["id"]: store for store in town.get("/v1/stores")["data"]}
    assert "stores of http" in push(learned, str(town.http.base_url), None, "helsinki")
    for store in town.get("/v1/stores")["data"]:
        old = before[store["id"]]
        if learned.stores[store["id"]].pick_base_s.cases:
            assert store["pick_base_s"] == round(learned.stores[store["id"]].pick_base_s.value)
            assert store["pick_line_s"] < old["pick_line_s"]  # here goods are there at once
        for kept in ("name", "opening_hours", "pickers", "reach_s", "location"):
            assert store[kept] == old[kept]
    assert town.stop() == 0, town.log()

    recording = read_recording(town.ledger)
    told = Counter(type(noted.entry).__name__ for noted in recording.inputs.after(0))
    assert {"Handled", "Told", "Reported", "Asked", "Published", "StreetsChanged"} <= set(told)
    assert [began.policy.name for began in recording.beginnings] == ["quick", "other"]
    assert [began.seed for began in recording.beginnings] == [7, 8]
    outcome = lived_again(town.ledger, city)
    assert outcome.is_identical, [str(one) for one in outcome.differences]
    assert outcome.compared == len(recording.events) == outcome.identical
    assert outcome.plans >= 4
    assert outcome.versions >= 2  # closed, and open again
    assert outcome.starts == 2

    # A ledger that was tampered with is found out, and where.
    first = min(one.seq for one in recording.events if isinstance(one.event, OrderReceived))
    ((data,),) = rows(town.ledger, "select data from events where seq = :seq", seq=first)
    data = json.loads(data) if isinstance(data, str) else data
    data["order"]["weight_g"] += 1
    change(
        town.ledger,
        "update events set data = :data where seq = :seq",
        data=json.dumps(data),
        seq=first,
    )
    found = lived_again(town.ledger, city)
    assert not found.is_identical
    assert found.differences[0].where == "order.weight_g"
    assert found.differing["OrderReceived"] == 1
