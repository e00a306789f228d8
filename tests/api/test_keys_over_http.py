"""Keys: shown once, replaced and taken back while the service runs; and signing in with them."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import Town, over, until
from databases import everything
from kauppa import Kauppa

from api.sessions import COOKIE

ONE_ZONE = """\
clock_start = "2026-11-20T14:00:00Z"
speed = 60
allowed_hosts = ["shop.example"]
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kauppa]:
    made = Kauppa(tmp_path_factory.mktemp("keys"), ONE_ZONE)
    try:
        made.start()
        until(lambda: made.http.get("/readyz").status_code == 200, "it is ready", 180)
        yield made
        if made.process is not None:
            made.process.send_signal(signal.SIGTERM)
        over(made)
    finally:
        made.kill()


@pytest.fixture(scope="module")
def ops(town: Kauppa) -> str:
    """Return a key of operations; before it there was none, and the door was open."""
    assert town.http.get("/v1/orders").status_code == 200
    assert "door=open" in town.log()
    made = town.keys("create", "--role", "ops")
    until(lambda: town.http.get("/v1/orders").status_code == 401, "the door is closed", 5)
    return made


def status(town: Town, key: str, path: str = "/v1/session") -> int:
    return town.http.get(path, headers={"Authorization": f"Bearer {key}"}).status_code


def test_the_first_key_closes_the_door_within_a_second_or_so(town: Kauppa, ops: str) -> None:
    assert status(town, ops) == 200
    answer = town.http.get("/v1/orders")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "said", ["", "Bearer", "Bearer wrong", "Basic {}", "{}x", "Bearer ü", "Bearer {}x"]
)
def test_only_a_whole_key_said_as_one_is_heard(town: Kauppa, ops: str, said: str) -> None:
    headers = [(b"authorization", said.format(ops).encode("latin-1"))]
    assert town.http.get("/v1/orders", headers=headers).status_code == 401


def test_a_key_alone_is_heard_as_openrouteservice_s_clients_send_it(town: Kauppa, ops: str) -> None:
    assert town.http.get("/v1/orders", headers={"Authorization": ops}).status_code == 200


def test_a_key_is_nowhere_in_the_ledger_nor_in_the_log(town: Kauppa, ops: str) -> None:
    secret = ops.split("_", 2)[2]
    kept = everything(town.ledger)
    assert ops.split("_")[1] in kept
    assert secret not in kept
    assert secret not in town.log()
    assert secret not in town.keys("list")


def test_a_replaced_key_goes_on_for_its_grace_and_no_longer(town: Kauppa, ops: str) -> None:
    old = town.keys("create", "--role", "planner", "--name", "reports")
    path = f"/v1/keys/{old.split('_')[1]}/rotate"
    new = as_(ops, town, "POST", path, json={"grace_s": 2}).json()["key"]
    assert status(town, old) == status(town, new) == 200
    until(lambda: status(town, old) == 401, "the old one is over", 10)
    assert status(town, new) == 200
    newer = town.keys("rotate", new.split("_")[1])
    assert status(town, new) == status(town, newer) == 200
    names = [json.loads(line)["name"] for line in town.keys("list", "--json").splitlines()]
    assert names.count("reports") == 3


def test_a_revoked_key_is_refused_by_the_running_service(town: Kauppa, ops: str) -> None:
    key = town.keys("create", "--role", "shop")
    assert status(town, key) == 200
    assert "is revoked" in town.keys("revoke", key.split("_")[1])
    until(lambda: status(town, key) == 401, "it is refused", 5)
    assert "not good any more" in town.keys("rotate", key.split("_")[1], code=2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["create", "--role", "opps"], "did you mean ops"),
        (["create", "--role", "ops", "--tenant", "defualt"], "did you mean default"),
        (["create", "--role", "courier"], "needs its courier_id"),
        (["create", "--role", "ops", "--store", "s1"], "of no use"),
        (["create", "--role", "courier", "--courier", "c", "--scope", "keys:write"], "not of the"),
        (["create", "--role", "ops", "--expires-in", "soon"], "'soon' is none"),
        (["revoke", "0123456789ab"], "there is no key 0123456789ab"),
    ],
)
def test_what_cannot_be_meant_is_refused(town: Kauppa, words: list[str], said: str) -> None:
    assert said in town.keys(*words, code=2)


# --- over HTTP ---------------------------------------------------------------------------------


def as_(key: str, town: Kauppa, method: str, path: str, **more: Any) -> httpx.Response:
    return town.ask(key, method, path, **more)


def test_operations_make_keys_and_take_them_back_at_once(town: Kauppa, ops: str) -> None:
    asked = {"role": "store", "bound_to": "lidl-1", "name": "tablet", "expires_in_s": 3600}
    made = as_(ops, town, "POST", "/v1/keys", json=asked)
    assert made.status_code == 201
    key, key_id = made.json()["key"], made.json()["id"]
    assert status(town, key) == 200
    listed = as_(ops, town, "GET", "/v1/keys").json()["data"]
    assert [row["bound_to"] for row in listed if row["id"] == key_id] == ["lidl-1"]
    assert key not in json.dumps(listed)
    newer = as_(ops, town, "POST", f"/v1/keys/{key_id}/rotate", json={"grace_s": 0}).json()["key"]
    assert (status(town, key), status(town, newer)) == (401, 200)
    gone = as_(ops, town, "DELETE", f"/v1/keys/{newer.split('_')[1]}").json()
    assert gone["revoked_at"] is not None
    assert status(town, newer) == 401


def test_a_key_gives_no_more_than_it_has(town: Kauppa, ops: str) -> None:
    lesser = town.keys("create", "--role", "ops", "--scope", "keys:write", "--scope", "orders:read")
    refused = as_(lesser, town, "POST", "/v1/keys", json={"role": "ops"})
    assert refused.status_code == 403
    assert "stock:write" in refused.json()["needed"]
    refused = as_(lesser, town, "POST", f"/v1/keys/{ops.split('_')[1]}/rotate", json={})
    assert refused.status_code == 403
    given = as_(lesser, town, "POST", "/v1/keys", json={"role": "ops", "scopes": ["orders:read"]})
    assert given.status_code == 201


def test_a_key_for_one_must_say_whose(town: Kauppa, ops: str) -> None:
    refused = as_(ops, town, "POST", "/v1/keys", json={"role": "courier"})
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/bound_to")


# --- signing in ----------------------------------------------------------------------------------


class Browser:
    """A browser's cookies and habits."""

    def __init__(self, town: Kauppa) -> None:
        self.base = str(town.http.base_url)
        self.http = httpx.Client(base_url=self.base, timeout=30)

    def sign_in(self, key: str) -> httpx.Response:
        return self.post("/sign-in", json={"key": key})

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.http.post(path, headers={"Origin": self.base.rstrip("/")}, **more)


@pytest.fixture
def browser(town: Kauppa) -> Iterator[Browser]:
    made = Browser(town)
    yield made
    made.http.close()


def test_a_page_leads_to_the_sign_in_and_from_there_on_opens(browser: Browser, ops: str) -> None:
    away = browser.http.get("/ops?zone=helsinki")
    assert away.status_code == 303
    assert away.headers["location"] == "/sign-in?next=%2Fops%3Fzone%3Dhelsinki"
    assert browser.http.get("/sign-in").status_code == 200
    answer = browser.sign_in(ops)
    assert answer.json() == {"role": "ops", "bound_to": None}
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith(f"{COOKIE}=")
    assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.lower().split("; "))
    assert "secure" not in cookie.lower()  # 127.0.0.1 has no HTTPS
    assert browser.http.get("/ops").status_code == 200
    assert browser.http.get("/v1/session").json()["by_session"] is True


def test_a_session_is_another_one_after_each_sign_in(browser: Browser, ops: str) -> None:
    browser.sign_in(ops)
    first = browser.http.cookies[COOKIE]
    browser.sign_in(ops)
    assert browser.http.cookies[COOKIE] != first
    browser.http.cookies.set(COOKIE, first, domain="127.0.0.1")
    assert httpx.get(f"{browser.base}/v1/session", cookies={COOKIE: first}).status_code == 401


def test_signing_out_ends_the_session_itself(browser: Browser, ops: str) -> None:
    browser.sign_in(ops)
    kept = browser.http.cookies[COOKIE]
    assert browser.post("/sign-out").status_code == 204
    assert COOKIE not in browser.http.cookies
    assert httpx.get(f"{browser.base}/v1/session", cookies={COOKIE: kept}).status_code == 401


def test_a_session_ends_with_its_key(browser: Browser, town: Kauppa, ops: str) -> None:
    key = town.keys("create", "--role", "planner")
    browser.sign_in(key)
    assert browser.http.get("/v1/board").status_code == 200
    town.keys("revoke", key.split("_")[1])
    until(lambda: browser.http.get("/v1/board").status_code == 401, "it is over", 5)


def test_other_sites_do_nothing_with_a_session(browser: Browser, ops: str) -> None:
    browser.sign_in(ops)
    asked = {"role": "planner"}
    evil = browser.http.post("/v1/keys", json=asked, headers={"Origin": "http://evil.example"})
    assert (evil.status_code, evil.json()["code"]) == (403, "cross_origin")
    silent = browser.http.post("/v1/keys", json=asked)
    assert (silent.status_code, silent.json()["code"]) == (403, "cross_origin")
    assert browser.post("/v1/keys", json=asked).status_code == 201


def test_the_cookie_keeps_to_https_off_the_machine(town: Kauppa, ops: str) -> None:
    headers = {"Host": "shop.example"}
    answer = httpx.post(f"{town.http.base_url}/sign-in", json={"key": ops}, headers=headers)
    assert "; secure" in answer.headers["set-cookie"].lower()


def test_wrong_keys_are_not_listened_to_for_ever(town: Kauppa, browser: Browser, ops: str) -> None:
    for _ in range(10):
        assert browser.sign_in("sh_wrong").status_code == 401
    refused = browser.sign_in(ops)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_tries")
    assert int(refused.headers["retry-after"]) > 0
    assert "sh_wrong" not in town.log()
