"""The service itself: boot, readiness, pages, lists, security, ports, ending."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from conftest import BOOT_S, Town, until
from databases import change
from served import ran


def test_the_service_is_alive_and_ready(town: Town) -> None:
    assert town.get("/healthz") == {"status": "ok"}
    ready = town.get("/readyz")
    assert (ready["status"], ready["problems"], ready["travel_servers"]) == ("ready", [], [])
    assert set(ready["warm_up_s"]) == {"travel_times", "decisions", "planner"}
    assert all(took > 0 for took in ready["warm_up_s"].values())


def test_the_first_boot_registers_the_stores_of_the_city(town: Town) -> None:
    stores = town.get("/v1/stores")["data"]
    assert len(stores) >= 10
    assert {store["pickers"] for store in stores} <= {1, 2, 3}
    assert town.get(f"/v1/stores/{stores[0]['id']}") == {
        **stores[0],
        **{key: town.get(f"/v1/stores/{stores[0]['id']}")[key] for key in ("picks_waiting",)},
    }


def test_a_zone_says_where_and_when_it_is(town: Town) -> None:
    zone = town.get("/v1/zones/helsinki")
    assert zone["speed"] == 60
    assert zone["time_zone"] == "Europe/Helsinki"
    west, south, east, north = zone["bounds"]
    assert west < east
    assert south < north
    assert "OpenStreetMap" in zone["attribution"]
    assert zone["policy"]["replan_every_s"] > 0


def test_a_list_of_orders_comes_in_pages_that_miss_nothing(town: Town) -> None:
    made = [town.post("/v1/orders", town.basket(), 201)["id"] for _ in range(5)]
    seen: list[str] = []
    query: dict[str, Any] = {"status": "open", "limit": 2}
    while True:
        page = town.get("/v1/orders", **query)
        seen += [order["id"] for order in page["data"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert len(seen) == len(set(seen))
    assert set(made) <= set(seen)
    for order_id in made:
        town.post(f"/v1/orders/{order_id}/cancel", {"reason": "test over"})
    cancelled = town.get("/v1/orders", status="cancelled", limit="500")["data"]
    assert set(made) <= {order["id"] for order in cancelled}
    still_open = town.get("/v1/orders", status="open", limit="500")["data"]
    assert not set(made) & {order["id"] for order in still_open}


def test_the_board_shows_orders_couriers_stores_and_figures(town: Town) -> None:
    order = town.post("/v1/orders", town.basket(), 201)

    def shown() -> dict[str, object] | None:
        rows = [row for row in town.get("/v1/board")["orders"] if row["id"] == order["id"]]
        return rows[0] if rows and rows[0]["eta"] else None

    row = until(shown, "the board has the order with its forecast")
    assert row["phase"] == "waiting"
    assert row["late"] is False
    board = town.get("/v1/board")
    assert board["kpis"]["open"] >= 1
    assert {"line", "next_stop", "late_s"} <= set(board["couriers"][0])
    assert any(order["id"][-4:].upper() in news["text"] for news in board["feed"])
    until(lambda: town.get("/v1/board")["history"], "the board has a history")
    town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "test over"})


def test_the_figures_and_the_plan_can_be_read(town: Town) -> None:
    order = town.post("/v1/orders", town.basket(), 201)
    plan = until(
        lambda: (
            town.http.get("/v1/plans/latest").json()
            if order["id"] in town.http.get("/v1/plans/latest").text
            else None
        ),
        "the plan has the order",
    )
    assert plan["violations"] == []
    assert plan["solve_ms"] > 0
    assert plan["cut_short"] is False
    figures = town.get("/v1/kpis")
    assert figures["orders"] >= figures["open"] >= 1
    assert figures["violations"] == 0
    assert town.get("/v1/kpis", window_s=1)["orders"] <= figures["orders"]
    town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "test over"})


def test_a_store_s_walk_and_an_order_s_picking_time_are_taken_as_stated(town: Town) -> None:
    store = town.get("/v1/stores")["data"][-1]
    assert store["access_s"] == 0
    wanted = {
        **{key: store[key] for key in ("name", "location", "opening_hours", "pickers")},
        "access_s": 45,
    }
    path = f"/v1/stores/{store['id']}"
    assert town.put(path, wanted)["access_s"] == 45
    assert town.put(path, {**wanted, "access_s": -1}, 422)["code"] == "invalid_request"
    town.put(path, {**wanted, "access_s": 0})

    order = town.post("/v1/orders", town.basket(external_id="picked-fast", pick_s=30), 201)
    assert order["pick_s"] == 30
    again = town.post("/v1/orders", town.basket(external_id="picked-fast", pick_s=30))
    assert again["id"] == order["id"]
    town.post("/v1/orders", town.basket(external_id="picked-fast", pick_s=31), 409)
    town.post("/v1/orders", town.basket(pick_s="soon"), 422)
    town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "test over"})


def test_a_courier_without_a_standby_says_so(town: Town) -> None:
    courier_id = town.courier(town.get("/v1/stores")["data"][0]["location"])
    assert town.get(f"/v1/couriers/{courier_id}")["standby"] is None
    told = town.get(f"/v1/couriers/{courier_id}/standby")
    assert (told["standby"], told["leg"]) == (None, None)
    assert town.get("/v1/couriers/cou_nobody/standby", 404)["code"] == "unknown_id"
    town.post(f"/v1/couriers/{courier_id}/shift/end")


def test_a_paused_store_says_so_until_it_is_resumed(town: Town) -> None:
    store_id = town.get("/v1/stores")["data"][0]["id"]
    paused = town.post(f"/v1/stores/{store_id}/pause", {"reason": "wet floor"})
    assert (paused["paused"], paused["paused_reason"]) == (True, "wet floor")
    attention = town.get("/v1/board")["attention"]
    assert town.post(f"/v1/stores/{store_id}/resume")["paused"] is False
    assert isinstance(attention, list)


def test_a_courier_can_be_changed_taken_over_and_sent_home(town: Town) -> None:
    home = town.get("/v1/stores")["data"][0]["location"]
    courier_id = town.courier(home)
    assert town.get(f"/v1/couriers/{courier_id}")["on_shift"] is True
    taken = town.post(f"/v1/couriers/{courier_id}/operator", {"operator": "Väinö"})
    assert taken["operator"] == "Väinö"
    changed = {"name": "Aino B.", "mode": "bike", "home": home, "capacity_g": 20_000}
    assert town.put(f"/v1/couriers/{courier_id}", changed)["name"] == "Aino B."
    sent_home = town.post(f"/v1/couriers/{courier_id}/shift/end")
    assert (sent_home["on_shift"], sent_home["activity"]) == (False, "off")
    assert courier_id in [row["id"] for row in town.get("/v1/couriers")["data"]]


def test_pages_and_their_files_are_served_and_kept_by_browsers(town: Town) -> None:
    for path in ("/docs", "/assets/docs.js", "/assets/docs.css", "/assets/maplibre-gl.js"):
        first = town.http.get(path)
        assert first.status_code == 200, path
        again = town.http.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    root = town.http.get("/")
    assert (root.status_code, root.headers["location"]) == (307, "/ops")


def test_nothing_on_our_own_page_comes_from_elsewhere(town: Town) -> None:
    for path in ("/docs", "/assets/docs.js", "/assets/docs.css"):
        text = town.http.get(path).text
        assert "http://" not in text
        assert "https://" not in text


def test_tiles_of_the_city_are_served(town: Town) -> None:
    # Tile 14/9326/4742 holds central Helsinki: x = (24.94 + 180) / 360 * 2^14 = 9327 and a bit.
    tile = town.http.get("/tiles/14/9327/4742.mvt")
    assert tile.status_code == 200
    assert tile.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert tile.content
    again = town.http.get(
        "/tiles/14/9327/4742.mvt", headers={"If-None-Match": tile.headers["etag"]}
    )
    assert again.status_code == 304


def test_answers_carry_what_browsers_need_to_be_strict(town: Town) -> None:
    headers = town.http.get("/docs").headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "worker-src 'self' blob:" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_a_name_that_is_not_ours_is_refused(town: Town) -> None:
    answer = town.http.get("/v1/stores", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_host")
    assert town.http.get("/v1/stores", headers={"Host": "localhost:1"}).status_code == 200


def test_pages_of_other_sites_may_not_change_anything(town: Town) -> None:
    store_id = town.get("/v1/stores")["data"][0]["id"]
    answer = town.http.post(
        f"/v1/stores/{store_id}/resume", headers={"Origin": "https://evil.example"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")


def test_a_second_service_on_the_same_ledger_is_refused(town_on: Town) -> None:
    town = town_on.start()
    second = ran(town.command("--port", "0")[3:], town.folder)
    assert second.returncode == 2
    assert "is in use by another samehour" in second.stderr
    assert "Traceback" not in second.stderr
    assert town.get("/readyz")["status"] == "ready"


def test_a_service_whose_log_somebody_else_wrote_to_stops_at_once(town_on: Town) -> None:
    town = town_on.start()
    stores = town.get("/v1/stores")["data"]
    # No courier and no order: nothing is recorded but what this test asks for.
    seq = town.get("/v1/board")["seq"]
    change(
        town.ledger,
        "insert into events (zone, seq, at, type, data) "
        "values ('helsinki', :seq, 0, 'StoreResumed', :data)",
        seq=seq + 1,
        data=json.dumps({"store_id": stores[0]["id"]}),
    )
    lost = town.http.post(f"/v1/stores/{stores[0]['id']}/pause", json={"reason": "mine"})
    assert (lost.status_code, lost.json()["code"]) == (503, "not_ready")
    assert town.process is not None
    assert town.process.wait(timeout=20) == 1
    assert "Another writer was first" in town.log()


def test_a_planner_that_dies_is_replaced_and_orders_go_on(own_town: Town) -> None:
    town = own_town.start()
    town.courier(town.stock()[0]["location"])
    (planner,) = re.findall(r"planner_pid=(\d+)", town.log())
    os.kill(int(planner), signal.SIGKILL)
    order = town.post("/v1/orders", town.basket(), 201)
    town.pick(order["id"])
    town.told(order["id"], "enroute_to_pickup")
    assert "planner_failed" in town.log()
    until(lambda: town.http.get("/readyz").status_code == 200, "the new planner is up", BOOT_S)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--port", "http"], "--port or SAMEHOUR_PORT"),
        (["--host", "0.0.0.0"], "SAMEHOUR_API_KEY"),  # noqa: S104
        (["--city", "atlantis"], "atlantis"),
        (["--policy", "nowhere.toml"], "nowhere.toml cannot be read"),
    ],
)
def test_what_it_cannot_start_with_is_said_in_a_sentence(
    tmp_path: Path, arguments: list[str], problem: str
) -> None:
    ended = ran(["serve", *arguments], tmp_path)
    assert ended.returncode == 2
    assert problem in ended.stderr
    assert "Traceback" not in ended.stderr
