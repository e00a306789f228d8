"""What happened, as files: every row there once, in every form, whatever its length."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from conftest import CLOCK_START, Town
from test_chain_over_http import deliver

from api.exports.forms import Form
from api.exports.rows import ORDERS, SHEETS, TRACKS, Column, Kind, Row, Sheet

ALWAYS = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}


def file(town: Town, name: str, **query: str) -> bytes:
    answer = town.http.get(f"/v1/exports/{name}", params=query or ALWAYS)
    assert answer.status_code == 200, answer.text
    assert f'filename="helsinki-{name}"' in answer.headers["content-disposition"]
    return answer.content


def sheet(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.fixture
def delivered(town: Town) -> dict[str, Any]:
    order = town.post("/v1/orders", town.basket(external_id=town.new_id("=cmd")), 201)
    return deliver(town, order["id"])


def test_an_order_is_one_row_with_what_the_wire_says_of_it(
    town: Town, delivered: dict[str, Any]
) -> None:
    (row,) = [r for r in sheet(file(town, "orders.csv")) if r["order_id"] == delivered["id"]]
    delivery = delivered["delivery"]
    assert row["delivery_status"] == "delivered"
    assert row["store_id"] == delivered["store_id"]
    assert row["courier_id"] == delivery["courier_id"]
    assert row["created_at"] == delivered["created_at"]
    assert row["promise_latest"] == delivery["promise"]["latest"]
    assert (row["weight_g"], row["lines"], row["pieces"]) == ("2000", "1", "2")
    assert float(row["lng"]) == delivered["dropoff"]["location"]["lng"]
    # A spreadsheet must not take what a stranger wrote for a formula.
    assert row["external_id"] == "'" + delivered["external_id"]


def test_all_forms_have_the_same_orders(town: Town, delivered: dict[str, Any]) -> None:
    by_csv = {row["order_id"] for row in sheet(file(town, "orders.csv"))}
    table = pq.read_table(io.BytesIO(file(town, "orders.parquet")))
    features = json.loads(file(town, "orders.geojson"))["features"]
    assert delivered["id"] in by_csv
    assert by_csv == set(table.column("order_id").to_pylist())
    assert by_csv == {feature["properties"]["order_id"] for feature in features}
    assert table.schema.field("weight_g").metadata[b"meaning"] == b"grams"
    row = table.column("order_id").to_pylist().index(delivered["id"])
    created_at = table.column("created_at")[row].as_py()
    assert f"{created_at:%Y-%m-%dT%H:%M:%SZ}" == delivered["created_at"]


def test_each_stop_of_a_delivery_is_a_row_from_told_to_done(
    town: Town, delivered: dict[str, Any]
) -> None:
    rows = [r for r in sheet(file(town, "stops.csv")) if r["order_id"] == delivered["id"]]
    assert [(row["kind"], row["outcome"]) for row in rows] == [
        ("pickup", "done"),
        ("dropoff", "done"),
    ]
    for row in rows:
        assert row["courier_id"] == delivered["delivery"]["courier_id"]
        assert row["told_at"] <= row["arrived_at"] <= row["ended_at"]
    door = delivered["dropoff"]["location"]
    assert [float(rows[1]["lng"]), float(rows[1]["lat"])] == [door["lng"], door["lat"]]


def test_a_stop_that_goes_on_has_no_end_yet(town: Town) -> None:
    order = town.post("/v1/orders", town.basket(), 201)
    town.pick(order["id"])
    town.told(order["id"], "enroute_to_pickup")
    (row,) = [r for r in sheet(file(town, "stops.csv")) if r["order_id"] == order["id"]]
    assert (row["kind"], row["outcome"], row["ended_at"]) == ("pickup", "", "")
    town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "enough"})
    (row,) = [r for r in sheet(file(town, "stops.csv")) if r["order_id"] == order["id"]]
    assert row["outcome"] == "released"


def test_a_courier_s_track_is_a_line_in_the_order_it_was_gone(town: Town) -> None:
    home = town.get("/v1/stores")["data"][0]["location"]
    courier = town.courier(home)
    for second in (2, 0, 1):
        at = f"2026-11-20T13:59:0{second}Z"
        place = {"lat": home["lat"], "lng": home["lng"] + second * 1e-5}
        town.post(f"/v1/couriers/{courier}/position", {"location": place, "at": at}, 202)
    features = json.loads(file(town, "tracks.geojson"))["features"]
    (mine,) = [one for one in features if one["properties"]["courier_id"] == courier]
    assert mine["geometry"]["type"] == "LineString"
    assert [at[-4:-1] for at in mine["properties"]["at"]] == [":00", ":01", ":02"]
    ascending = [place[0] for place in mine["geometry"]["coordinates"]]
    assert ascending == sorted(ascending)
    rows = [row for row in sheet(file(town, "tracks.csv")) if row["courier_id"] == courier]
    assert len(rows) == 3


def test_figures_of_all_stretches_add_up_to_those_of_the_whole(
    town: Town, delivered: dict[str, Any]
) -> None:
    assert delivered["delivery"]["status"] == "delivered"
    whole = town.get("/v1/kpis")
    span = {"from": "2026-11-20T12:00:00Z", "to": "2026-11-21T12:00:00Z", "every_s": "3600"}
    rows = sheet(file(town, "kpis.csv", **span))
    assert len(rows) == 24
    assert sum(int(row["delivered"]) for row in rows) == whole["delivered"]
    assert sum(int(row["orders"]) for row in rows) == whole["orders"]
    assert rows[0]["ends_at"] == rows[1]["begins_at"]
    assert rows[0]["on_time_share"] == ""


@pytest.mark.parametrize(
    ("name", "query", "pointer"),
    [
        ("kpis.geojson", {}, "/form"),
        ("orders.csv", {"from": CLOCK_START, "to": CLOCK_START}, "/from"),
        ("kpis.csv", {**ALWAYS, "every_s": "60"}, "/every_s"),
        ("kpis.csv", {"every_s": "1"}, "/every_s"),
        ("secrets.csv", {}, "/what"),
        ("orders.xls", {}, "/form"),
    ],
)
def test_what_makes_no_file_is_refused_before_it_begins(
    town: Town, name: str, query: dict[str, str], pointer: str
) -> None:
    answer = town.http.get(f"/v1/exports/{name}", params=query)
    assert answer.status_code == 422
    assert answer.json()["pointer"] == pointer


def test_couriers_and_stores_come_in_pages_that_new_ones_do_not_shift(town: Town) -> None:
    home = town.get("/v1/stores")["data"][0]["location"]
    town.courier(home)
    first = town.get("/v1/couriers", limit=1)
    town.courier(home)
    seen, cursor = [row["id"] for row in first["data"]], first["next"]
    while cursor is not None:
        page = town.get("/v1/couriers", limit=1, cursor=cursor)
        seen += [row["id"] for row in page["data"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen))
    assert set(seen) == {row["id"] for row in town.get("/v1/couriers")["data"]}
    ids = [row["id"] for row in town.get("/v1/stores")["data"]]
    half = town.get("/v1/stores", limit=7)
    rest = town.get("/v1/stores", cursor=half["next"])
    assert [row["id"] for row in half["data"] + rest["data"]] == ids
    assert rest["next"] is None
    assert town.get("/v1/stores", 422, cursor="%%%")["pointer"] == "/cursor"


# --- long ones ---------------------------------------------------------------------------------

NUMBERS = Sheet(
    "numbers",
    (
        Column("number", Kind.WHOLE, "counts"),
        Column("at", Kind.MOMENT, "when"),
        Column("even", Kind.YES_NO, "or odd"),
        Column("said", Kind.TEXT, "in words"),
    ),
)


def numbers(count: int) -> Iterator[Row]:
    for number in range(count):
        yield number, 1_795_192_200 + number, number % 2 == 0, None if number % 3 else f"n{number}"


@pytest.mark.parametrize("count", [0, 1, 2000, 5001])
def test_a_long_file_comes_in_pieces_and_has_every_row(count: int) -> None:
    rows = list(
        csv.DictReader(io.StringIO(b"".join(Form.CSV.written(NUMBERS, numbers(count))).decode()))
    )
    assert [int(row["number"]) for row in rows] == list(range(count))
    parquet = list(Form.PARQUET.written(NUMBERS, numbers(count)))
    table = pq.read_table(io.BytesIO(b"".join(parquet)))
    assert table.column("number").to_pylist() == list(range(count))
    assert table.column("said").to_pylist() == [row[3] for row in numbers(count)]
    assert len(parquet) == -(-count // 2000) + 1


def test_rows_are_taken_as_they_are_written_and_no_sooner() -> None:
    taken: list[int] = []

    def slow() -> Iterator[Row]:
        for row in numbers(6000):
            taken.append(row[0])
            yield row

    for form in (Form.CSV, Form.PARQUET):
        taken.clear()
        pieces = form.written(NUMBERS, slow())
        next(pieces)
        assert len(taken) <= 2001


def test_one_position_is_a_point_and_no_rows_are_a_map_without_anything() -> None:
    alone = json.loads(b"".join(Form.GEOJSON.written(TRACKS, [("cou_1", 0, 24.0, 60.0)])))
    assert alone["features"][0]["geometry"] == {"type": "Point", "coordinates": [24.0, 60.0]}
    assert json.loads(b"".join(Form.GEOJSON.written(ORDERS, []))) == {
        "type": "FeatureCollection",
        "features": [],
    }


def test_the_page_says_what_every_column_means() -> None:
    page = Path("docs/exports.md").read_text()
    for known in SHEETS.values():
        names = [column.name for column in known.columns]
        assert len(names) == len(set(names))
        for column in known.columns:
            if column.meaning != "as in GET /v1/kpis":
                assert f"| `{column.name}` | {column.meaning} |" in page


def test_what_has_no_place_any_more_is_on_no_map_but_in_the_file() -> None:
    gone = ("stp_1_p", "pickup", "cou_1", "ord_1", "pnt_1", 0, 60, 50, 55, "done", "", None, None)
    (feature,) = json.loads(b"".join(Form.GEOJSON.written(SHEETS["stops"], [gone])))["features"]
    assert feature["geometry"] is None
    assert feature["properties"]["stop_id"] == "stp_1_p"
    (row,) = sheet(b"".join(Form.CSV.written(SHEETS["stops"], [gone])))
    assert (row["lng"], row["lat"]) == ("", "")
