"""Which routing servers the service is told to ask: read at start, every problem said at once."""

from __future__ import annotations

import pytest

import samehour
from api.settings import SettingsError, load
from api.travel_servers import ServerKind, ServerSpec, served
from geo.city import find_city, load_city
from geo.travel import NetworkTravelTimes
from geo.types import Mode


def test_servers_come_from_flags_or_from_the_environment() -> None:
    texts = ["car=osrm+http://127.0.0.1:5000/base#driving", "bike=valhalla+https://routes.example"]
    expected = (
        ServerSpec(Mode.CAR, ServerKind.OSRM, "http://127.0.0.1:5000/base", "driving"),
        ServerSpec(Mode.BIKE, ServerKind.VALHALLA, "https://routes.example", None),
    )
    assert load({"travel_servers": texts}, {}).travel_servers == expected
    environ = {"SAMEHOUR_TRAVEL_SERVERS": ", ".join(texts)}
    assert load({}, environ).travel_servers == expected
    assert load({"travel_servers": texts[:1]}, environ).travel_servers == expected[:1]
    assert [(spec.host, spec.port) for spec in expected] == [
        ("127.0.0.1", 5000),
        ("routes.example", 443),
    ]
    assert load({}, {}).travel_servers == ()


def test_the_flag_may_be_given_for_each_mode() -> None:
    arguments = samehour.build_parser().parse_args(
        [
            "serve",
            "--travel-server",
            "car=osrm+http://a:1",
            "--travel-server",
            "walk=osrm+http://b:1",
        ]
    )
    assert load(vars(arguments), {}).travel_servers[1].host == "b"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("http://127.0.0.1:5000", "is not MODE=KIND+URL"),
        ("car=http://127.0.0.1:5000", "is not MODE=KIND+URL"),
        ("tram=osrm+http://127.0.0.1:5000", "names mode 'tram'; there are walk, bike"),
        ("car=ors+http://127.0.0.1:5000", "names server 'ors'; there are osrm, valhalla"),
        ("car=osrm+ftp://127.0.0.1:5000", "no usable URL"),
        ("car=osrm+http://", "no usable URL"),
        ("car=osrm+http://127.0.0.1:port", "no usable URL"),
        ("car=osrm+http://127.0.0.1:0", "no usable URL"),
        ("car=osrm+http://127.0.0.1:5000?key=1", "has a query"),
        ("car=osrm+http://me:secret@127.0.0.1:5000", "carries a name or password"),
    ],
)
def test_a_server_that_cannot_be_meant_is_refused(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({"travel_servers": [text]}, {})
    assert "--travel-server or SAMEHOUR_TRAVEL_SERVERS: " in str(caught.value)
    assert problem in str(caught.value)
    assert "secret" not in str(caught.value)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"port": "99999", "travel_servers": ["car", "tram=osrm+http://a:1"]}, {})
    assert len(caught.value.problems) == 3
    with pytest.raises(SettingsError) as caught:
        load(
            {
                "port": "5000",
                "travel_servers": [
                    "car=osrm+http://localhost:5000",
                    "bike=osrm+http://a:1",
                    "bike=valhalla+http://b:1",
                ],
            },
            {},
        )
    assert len(caught.value.problems) == 2
    assert "mode bike has 2 servers" in str(caught.value)
    assert "car=osrm+http://localhost:5000 is this service itself" in str(caught.value)


def test_servers_are_opened_for_modes_that_the_city_has() -> None:
    own = NetworkTravelTimes(load_city(find_city("helsinki")).network)
    assert served(own, ()) is None
    travel = served(own, load({"travel_servers": ["car=osrm+http://a:1"]}, {}).travel_servers)
    assert travel is not None
    assert [(s.mode, s.server, s.condition) for s in travel.servers()] == [
        (Mode.CAR, "osrm:a:1", "not asked yet")
    ]
    travel.close()
