"""What a load test looks at before it sends anything, and how it goes on after an interruption."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import samehour
import simulations.load.run
from geo.city import City
from simulations.client import endpoint_of
from simulations.errors import LoadError, ZoneError
from simulations.load.folder import Session, load_folder, save_state
from simulations.load.mix import Mix
from simulations.load.preflight import look, refuse_strangers
from simulations.load.sla import sla_of
from simulations.load.wanted import Wanted, checked_url, played
from simulations.rng import Streams
from simulations.scenarios.settings import Scenario
from simulations.worlds.demand import Demand

FIVE = "2026-11-20T15:00:00Z"
Answers = Callable[[str, dict[str, list[str]], str], tuple[int, Any]]


@contextmanager
def service(answers: Answers) -> Iterator[str]:
    """Serve answers; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            key = self.headers.get("Authorization", "")
            status, body = answers(parts.path, parse_qs(parts.query), key)
            said = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def zone(city: str = "helsinki", now: str = FIVE) -> dict[str, Any]:
    return {"data": [{"id": city, "city": city, "now": now, "speed": 30.0}]}


def order(external_id: str | None, **more: Any) -> dict[str, Any]:
    return {"id": "ord_1", "external_id": external_id, "part_of": None, "return_of": None, **more}


def run(*arguments: object) -> int:
    return samehour.main(["loadtest", *map(str, arguments)])


def wanted(scenario: Scenario, folder: Path, **changes: Any) -> Wanted:
    plain = Wanted(
        url="http://127.0.0.1:1",
        variant="helsinki-friday",
        scenario=scenario,
        seed=1,
        lasts_s=60,
        drain_s=0,
        speed=None,
        rate=1.0,
        folder=folder,
        sla=sla_of([]),
        mix=Mix(),
        connections=10,
        timeout_s=5,
        api_key=None,
        zone=None,
        is_now=False,
        into_existing=False,
        is_fresh=False,
        is_json=False,
    )
    return replace(plain, **changes)


# --- before any load ----------------------------------------------------------------------------


def test_a_service_with_orders_of_others_is_left_alone() -> None:
    pages = {
        None: {"data": [order("helsinki-friday-1-2026-11-20-0001"), order("eve-7")], "next": "2"},
        "2": {
            "data": [
                order(None, id="ord_9"),
                order(None, id="ord_10", part_of="ord_1"),
                order(None, id="ord_11", return_of="ord_1"),
                order("helsinki-friday-x50-3-2026-11-20-0001"),
            ],
            "next": None,
        },
    }

    def answers(path: str, query: dict[str, list[str]], _: str) -> tuple[int, Any]:
        return 200, zone() if path == "/v1/zones" else pages[query.get("cursor", [None])[0]]

    with service(answers) as url:
        found = look(url, None, "helsinki", "helsinki-friday-")
    # Goods that come back, parts, and the same scenario at another rate are ours.
    assert found.strangers == ("eve-7", "ord_9")
    with pytest.raises(LoadError, match=r"2 open orders .*eve-7, ord_9.*--into-existing"):
        refuse_strangers(url, found, "helsinki-friday")


def test_of_several_zones_in_the_city_one_is_named_and_asked() -> None:
    rows = [
        {"id": name, "city": city, "now": FIVE, "speed": 30.0}
        for name, city in (("north", "helsinki"), ("coast", "la-serena"), ("east", "helsinki"))
    ]

    def answers(path: str, *_: Any) -> tuple[int, Any]:
        return 200, {"data": rows} if path == "/v1/zones" else {"data": [], "next": None}

    with service(answers) as url:
        assert look(url, None, "helsinki", "x-", "east").zone.zone_id == "east"
        assert look(url, None, "la-serena", "x-").zone.zone_id == "coast"
        with pytest.raises(ZoneError, match="name one with --zone: north, east"):
            look(url, None, "helsinki", "x-")
        with pytest.raises(ZoneError, match="no zone coast in helsinki; --zone can be north, east"):
            look(url, None, "helsinki", "x-", "coast")


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (lambda *_: (200, zone("la-serena")), "serves la-serena, and the scenario is for helsinki"),
        (lambda *_: (401, {"code": "unauthorized"}), "asks for a key: give it with --api-key"),
        (lambda *_: (200, b"<html>hello</html>"), "not as samehour does"),
        (lambda *_: (404, {"detail": "Not Found"}), "answers 404, and not as samehour does"),
        (lambda *_: (200, zone(now="2026-11-18T00:00:00Z")), f"--clock-start {FIVE}"),
        (lambda *_: (200, zone(now="2026-12-24T00:00:00Z")), "or say --now"),
    ],
)
def test_a_wrong_service_is_told_before_any_load(
    answers: Answers, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def all_answers(path: str, query: dict[str, list[str]], key: str) -> tuple[int, Any]:
        if path == "/v1/orders":
            return 200, {"data": [], "next": None}
        return answers(path, query, key)

    with service(all_answers) as url:
        assert run(url, "--out", tmp_path / "out") == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.out == ""
    assert not (tmp_path / "out" / "state.json").exists()


def test_a_key_that_is_not_taken_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answers(path: str, query: dict[str, list[str]], key: str) -> tuple[int, Any]:
        assert key == "Bearer nobody"
        return 401, {"code": "unauthorized"}

    with service(answers) as url:
        assert run(url, "--api-key", "nobody", "--out", tmp_path) == 2
    assert "does not take this key" in capsys.readouterr().err


def test_no_service_at_all_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with service(lambda *_: (200, {})) as url:
        pass
    assert run(url, "--out", tmp_path) == 2
    assert f"nothing answers at {url}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["ftp://here", "http://", "http:///x", "http://a/?b=1", "a:b", "http://[a"]
)
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(LoadError, match="is no address of a service"):
        checked_url(url)


def test_an_address_may_leave_out_what_is_plain() -> None:
    assert checked_url("localhost:8080/") == "http://localhost:8080"
    assert checked_url("https://shop.example/api/") == "https://shop.example/api"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--scenario", "atlantis-sunday"), "atlantis-sunday"),
        (("--scenario", "helsinki-friday@balanced"), "the service has its own policy"),
        (("--sla", "p99=3", "--mix", "boats=3"), "--mix boats=3"),
        (("--sla", "p99=3", "--mix", "boats=3"), "--sla p99=3"),
    ],
)
def test_wrong_use_is_told_all_at_once(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("localhost:1", *arguments) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--rate", "0"), "ten times the customers"),
        (("--rate", "many"), "ten times the customers"),
        (("--connections", "1.5"), "'1.5' will not do; write a whole number from 1 to 30000"),
        (("--timeout", "0"), "'0' will not do; write seconds"),
        (("--for", "0s"), "60m, 90s or 1h30m"),
        (("--drain", "soon"), "60m, 90s or 1h30m"),
    ],
)
def test_a_wrong_option_is_told(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run("localhost:1", *arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_without_locust_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run("localhost:1") == 2
    assert "pip install 'samehour[load]'" in capsys.readouterr().err


def test_what_patches_the_standard_library_stays_in_the_process_that_sends() -> None:
    assert simulations.load.run.__name__ in sys.modules
    assert not {"gevent", "locust"} & set(sys.modules)


# --- the scenario as it is played ---------------------------------------------------------------


def clicks(scenario: Scenario, city: City, lasts_s: int) -> list[str]:
    starts_at = scenario.start(city.time_zone)
    demand = Demand(scenario, city.doors, city.time_zone, Streams(1))
    return [ask.external_id for ask in demand.between(starts_at, starts_at + lasts_s)]


def test_a_rate_multiplies_customers_and_nothing_else(
    friday: Scenario, helsinki: City, tmp_path: Path
) -> None:
    starts_at = friday.start(helsinki.time_zone)
    plain = played(wanted(friday, tmp_path), starts_at, 0, helsinki.time_zone, 30.0)
    assert replace(plain, family="") == replace(friday, family="")
    tenfold = wanted(friday, tmp_path, rate=10.0)
    many = played(tenfold, starts_at, 0, helsinki.time_zone, 30.0)
    assert many.couriers == friday.couriers
    few_asks, many_asks = clicks(plain, helsinki, 1800), clicks(many, helsinki, 1800)
    assert 8 * len(few_asks) < len(many_asks) < 12 * len(few_asks)
    # Those who come anyway come as well.
    assert set(few_asks) < set(many_asks)
    assert all(each.startswith(tenfold.prefix) for each in many_asks)


def test_a_scenario_can_be_moved_with_all_that_happens_in_it(
    friday: Scenario, helsinki: City, tmp_path: Path
) -> None:
    starts_at = friday.start(helsinki.time_zone)
    eventful = replace(friday, surges=())
    moved = played(wanted(eventful, tmp_path), starts_at + 86_400, 86_400, "Europe/Helsinki", 1.0)
    assert (moved.starts_at - friday.starts_at).total_seconds() == 86_400


def test_endpoints_are_counted_without_ids() -> None:
    assert endpoint_of("POST", "/v1/couriers/cou_a/stops/stp_b/arrived") == (
        "POST /v1/couriers/{id}/stops/{id}/arrived"
    )
    assert endpoint_of("POST", "/v1/couriers/positions") == "POST /v1/couriers/positions"
    assert endpoint_of("GET", "/v1/track/abc.def?x=1") == "GET /v1/track/{id}"


# --- going on -----------------------------------------------------------------------------------


def test_a_folder_goes_on_with_its_own_test_only(friday: Scenario, tmp_path: Path) -> None:
    first = wanted(friday, tmp_path)
    with load_folder(first) as state:
        state.starts_at, state.done_s = 42, 20.0
        state.sessions.append(Session("2026-11-20T15:00:00+00:00", 0.0, 20.0, "interrupted"))
        save_state(tmp_path, state)
        with pytest.raises(LoadError, match="another samehour works in"), load_folder(first):
            pass
    with load_folder(first) as again:
        assert (again.starts_at, again.done_s) == (42, 20.0)
        assert again.sessions[0].ended == "interrupted"
    other = wanted(friday, tmp_path, seed=7, rate=3.0)
    differs = r"seed 1, not 7; rate 1.0, not 3.0.*--fresh"
    with pytest.raises(LoadError, match=differs), load_folder(other):
        pass
    with load_folder(replace(other, is_fresh=True)) as anew:
        assert (anew.done_s, anew.sessions) == (0.0, [])
    (tmp_path / "state.json").write_text("{", encoding="utf-8")
    with pytest.raises(LoadError, match="cannot be read"), load_folder(first):
        pass
