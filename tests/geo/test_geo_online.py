"""The way over the internet, with OSMnx's own client and a map server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import osmnx
import pytest
from drawn_town import at

from geo.build import Request, _read_online, build_from_bbox, build_from_place
from geo.errors import CityError
from geo.graph import build_graph
from geo.sources import restrictions_of_answer
from geo.travel import NetworkTravelTimes
from geo.types import Mode

CORNERS = {1: (0, 0), 2: (400, 0), 3: (400, 300), 4: (0, 300)}
WAYS = {
    10: ([1, 2], {"highway": "residential", "name": "South Street", "oneway": "yes"}),
    11: ([2, 3], {"highway": "residential", "name": "East Street"}),
    12: ([3, 4], {"highway": "residential", "name": "North Street"}),
    13: ([4, 1], {"highway": "residential", "name": "West Street"}),
}
LIGHTS = {3: {"highway": "traffic_signals"}}
NO_U_TURN_AT_3 = {
    "type": "relation",
    "id": 77,
    "tags": {"type": "restriction", "restriction": "no_u_turn"},
    "members": [
        {"type": "way", "ref": 11, "role": "from"},
        {"type": "node", "ref": 3, "role": "via"},
        {"type": "way", "ref": 11, "role": "to"},
    ],
}
SHOP = {"shop": "supermarket", "name": "Corner Shop", "opening_hours": "Mo-Su 08:00-22:00"}
DOOR = {"addr:street": "North Street", "addr:housenumber": "7"}


def _node(number: int, x_m: float, y_m: float, **tags: str) -> dict[str, Any]:
    place = at(x_m, y_m)
    return {"type": "node", "id": number, "lat": place.lat, "lon": place.lon, "tags": tags}


def _roads() -> list[dict[str, Any]]:
    nodes = [_node(number, *corner, **LIGHTS.get(number, {})) for number, corner in CORNERS.items()]
    ways = [
        {"type": "way", "id": number, "nodes": line, "tags": tags}
        for number, (line, tags) in WAYS.items()
    ]
    return [*nodes, *ways]


class _MapServer(ThreadingHTTPServer):
    """Knows one town; what it says of turn restrictions may be changed."""

    restrictions: Mapping[str, Any] = {"elements": [NO_U_TURN_AT_3]}


class _Overpass(BaseHTTPRequestHandler):
    """Answers roads where roads are asked for, else what stands beside them."""

    server: _MapServer

    def do_POST(self) -> None:
        asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if 'relation["type"="restriction"]' in asked["data"][0]:
            self._answer(self.server.restrictions)
            return
        if "highway" in asked["data"][0]:
            elements = _roads()
        else:
            elements = [_node(901, 200, 10, **SHOP), _node(902, 200, 290, **DOOR)]
        self._answer({"version": 0.6, "elements": elements})

    def do_GET(self) -> None:
        west, south, east, north = *at(-50, -50), *at(450, 350)
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        town = {
            "lat": str(south),
            "lon": str(west),
            "boundingbox": [str(south), str(north), str(west), str(east)],
            "display_name": "Cornertown",
            "importance": 1,
            "geojson": {"type": "Polygon", "coordinates": [ring]},
        }
        self._answer([town] if "Cornertown" in self.path else [])

    def _answer(self, body: Any) -> None:
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def map_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_MapServer]:
    """Point OSMnx at a map server on this machine."""
    server = _MapServer(("127.0.0.1", 0), _Overpass)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(osmnx.settings, "overpass_url", f"{address}/api")
    monkeypatch.setattr(osmnx.settings, "overpass_rate_limit", False)
    monkeypatch.setattr(osmnx.settings, "nominatim_url", f"{address}/")
    # The client looks names up itself; a number needs none.
    monkeypatch.setattr(osmnx._http, "_config_dns", lambda _url: None)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _is_cornertown(city: Any) -> None:
    assert [(store.name, store.kind) for store in city.stores] == [("Corner Shop", "supermarket")]
    assert city.stores[0].opening_hours == "Mo-Su 08:00-22:00"
    assert "North Street 7" in list(city.doors.address)
    travel = NetworkTravelTimes(city.network)
    # South Street is one-way to the east, so a car going west takes the three others.
    eastward = travel.route(at(50, 0), at(350, 0), Mode.CAR, 0)
    westward = travel.route(at(350, 0), at(50, 0), Mode.CAR, 0)
    assert eastward.streets == ("South Street",)
    assert "North Street" in westward.streets


def test_a_box_is_fetched_and_built(map_server: _MapServer, tmp_path: Path) -> None:
    box = (*at(-50, -50), *at(450, 350))
    request = Request(out=tmp_path / "city", name="cornertown", time_zone="Europe/Helsinki")
    _is_cornertown(build_from_bbox(box, request))


def test_a_place_is_looked_up_fetched_and_built(map_server: _MapServer, tmp_path: Path) -> None:
    request = Request(out=tmp_path / "city", name="cornertown", time_zone="Europe/Helsinki")
    _is_cornertown(build_from_place("Cornertown", request))


def test_a_place_nobody_knows_is_said_and_nothing_written(
    map_server: _MapServer, tmp_path: Path
) -> None:
    with pytest.raises(CityError, match="Nowhereville"):
        build_from_place("Nowhereville", Request(out=tmp_path / "city"))
    assert not (tmp_path / "city").exists()


def test_signals_and_turn_restrictions_come_with_the_roads(map_server: _MapServer) -> None:
    graph = build_graph(_read_online("the box", (*at(-50, -50), *at(450, 350))))
    assert (graph.signals, graph.restrictions, dict(graph.left_out)) == (1, 1, {})
    # up East Street one may turn into North Street, and not turn round
    (before,), (after,) = graph.arrays.turn_from, graph.arrays.turn_to
    assert after == before ^ 1


UNREAD = "answers of the map server without all turn restrictions"


@pytest.mark.parametrize(
    ("answer", "left_out"),
    [
        ({"elements": []}, {}),
        ({"version": 0.6}, {UNREAD: 1}),
        ({"elements": [], "remark": "runtime error: Query timed out"}, {UNREAD: 1}),
        (
            {"elements": [{"type": "relation", "id": 5}, {**NO_U_TURN_AT_3, "members": [{}]}]},
            {"turn restrictions that cannot be read": 2},
        ),
    ],
)
def test_an_answer_without_all_restrictions_is_counted(
    answer: Mapping[str, Any], left_out: Mapping[str, int]
) -> None:
    assert restrictions_of_answer(answer) == ((), left_out)


def test_a_map_server_that_gives_no_restrictions_gives_a_town_all_the_same(
    map_server: _MapServer,
) -> None:
    map_server.restrictions = {}
    graph = build_graph(_read_online("the box", (*at(-50, -50), *at(450, 350))))
    assert (graph.restrictions, dict(graph.left_out)) == (0, {UNREAD: 1})
    assert graph.counts[Mode.CAR].edges == 4
