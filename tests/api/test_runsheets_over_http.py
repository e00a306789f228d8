"""Run sheets: what is printed is what is to be done, and what is on it can be sent."""

from __future__ import annotations

import re
from html import unescape

from conftest import Town

from api.sms_words import Said, Word, code_of, read


def sheet(town: Town, path: str) -> str:
    answer = town.http.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    page = answer.text
    # Nothing is loaded from anywhere, and nothing runs.
    assert "<script" not in page
    assert not re.search(r"\s(src|href|style|on\w+)=", page)
    return page


def texts(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_a_courier_s_sheet_has_every_stop_with_what_to_send(town: Town) -> None:
    wants = town.basket(pin_required=True)
    wants["dropoff"] |= {"note": "Ring <twice> & wait", "address": "Testikatu 7 B"}
    order_id = town.post("/v1/orders", wants, 201)["id"]
    town.pick(order_id)
    who = town.told(order_id, "enroute_to_pickup")["delivery"]["courier_id"]
    page = sheet(town, f"/v1/couriers/{who}/run-sheet")
    said, code = texts(page), code_of(order_id)
    route = town.get(f"/v1/couriers/{who}/route")
    assert f"Route {route['version']}, printed Fri 20 Nov, " in said
    assert page.count('<section class="stop">') == len(route["stops"])
    assert f"GOT {code}" in said
    assert f"DONE {code}" in said
    assert "Testikatu 7 B" in said
    assert "Ring <twice> & wait" in said
    assert "<twice>" not in page
    assert "Ask for the PIN" in said
    pin = town.get(f"/v1/orders/{order_id}/tracking")["pin"]
    assert pin not in said.replace("4711", "")
    titles = re.findall(r"<title>((?:GOT|DONE|BACK) \w+)</title>", page)
    assert {f"GOT {code}", f"DONE {code}"} <= set(titles)
    for title in titles:
        found = read(title, {title.split()[1]})
        assert isinstance(found, Said)
        assert found.code == title.split()[1]
    town.report(who, "completed")
    town.told(order_id, "enroute_to_dropoff")
    said = texts(sheet(town, f"/v1/couriers/{who}/run-sheet"))
    assert f"GOT {code}" not in said
    body = {"kind": "pin", "value": pin}
    town.report(who, "completed", proofs=[body])


def test_the_example_on_the_sheet_can_be_sent(town: Town) -> None:
    assert read("DONE 7QX2P 4711 18:05", {"7QX2P"}).__class__ is Said
    found = read("FAIL 7QX2P 18:05 nobody home", {"7QX2P"})
    assert isinstance(found, Said)
    assert (found.word, found.reason) == (Word.FAIL, "nobody home")


def test_a_store_s_sheet_is_its_pick_list(town: Town) -> None:
    order = town.post("/v1/orders", town.basket(), 201)
    town.post(f"/v1/orders/{order['id']}/picking", {"event": "started"})
    store_id = town.order(order["id"])["store_id"]
    page = sheet(town, f"/v1/stores/{store_id}/run-sheet")
    said = texts(page)
    assert code_of(order["id"]) in said
    assert "2 \u00d7 milk" in said
    assert f"<title>pcl_{order['id'].removeprefix('ord_')}</title>" in page
    town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "test over"})
    assert code_of(order["id"]) not in texts(sheet(town, f"/v1/stores/{store_id}/run-sheet"))


def test_a_sheet_with_nothing_on_it_says_so(town: Town) -> None:
    home = town.get("/v1/stores")["data"][0]["location"]
    body = {"name": "<b>Idle</b>", "mode": "cargo_bike", "home": home}
    if town.http.put("/v1/couriers/cou_idle", json=body).status_code != 200:
        town.put("/v1/couriers/cou_idle", {**body, "mode": "bike"})
    page = sheet(town, "/v1/couriers/cou_idle/run-sheet")
    assert "Nothing to do now." in page
    assert "&lt;b&gt;Idle&lt;/b&gt;" in page


def test_a_sheet_of_nobody_is_none(town: Town) -> None:
    for path in ("/v1/couriers/cou_nobody/run-sheet", "/v1/stores/sto_nowhere/run-sheet"):
        assert town.get(path, 404)["code"] == "unknown_id"
