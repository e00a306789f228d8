"""What Prometheus reads: figures that grow with what happens, with units in their names."""

from __future__ import annotations

import re

from conftest import Town
from prometheus_client.parser import text_string_to_metric_families
from test_chain_over_http import deliver

Sample = tuple[str, frozenset[tuple[str, str]]]


def scraped(town: Town) -> dict[Sample, float]:
    answer = town.http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(name: str, **labels: str) -> Sample:
    return name, frozenset(labels.items())


def test_an_order_is_counted_wherever_it_goes_through(town: Town) -> None:
    before = scraped(town)
    order_id = town.post("/v1/orders", town.basket(), 201)["id"]
    town.told(order_id, "enroute_to_pickup")
    after = scraped(town)
    deliver(town, order_id)  # whom others of these tests need is free again

    def grown(name: str, **labels: str) -> float:
        sample = of(name, **labels)
        return after[sample] - before.get(sample, 0)

    asked = {"method": "POST", "route": "/v1/orders", "status": "201"}
    assert grown("samehour_http_request_duration_seconds_count", **asked) == 1
    assert grown("samehour_events_total", zone="helsinki", type="OrderReceived") == 1
    assert grown("samehour_ledger_commit_duration_seconds_count") >= 1
    assert grown("samehour_plan_duration_seconds_count", zone="helsinki", by="worker") >= 1
    assert grown("samehour_engine_work_seconds_count", zone="helsinki") >= 2
    assert after[of("samehour_orders_open", zone="helsinki")] >= 1
    assert (
        after[of("samehour_log_seq", zone="helsinki")]
        > before[of("samehour_log_seq", zone="helsinki")]
    )
    assert after[of("samehour_couriers", zone="helsinki", activity="to_pickup")] >= 1


def test_ids_make_no_figures_of_their_own(town: Town) -> None:
    for order_id in ("ord_a", "ord_b"):
        town.get(f"/v1/orders/{order_id}", 404)
    town.get("/nowhere/ord_c", 404)
    routes = {dict(labels).get("route") for _, labels in scraped(town)}
    assert "/v1/orders/{order_id}" in routes
    assert "other" in routes
    assert not any(route and re.search("ord_[abc]", route) for route in routes)


def test_every_figure_of_ours_says_its_unit_or_what_it_counts(town: Town) -> None:
    named = re.compile(
        r"samehour_\w+(_seconds|_total|_ratio|_batches|_seq|_open|_at_risk|_couriers|_running|_waiting"
        r"|_(seconds|batches)_(bucket|sum|count))|samehour_couriers"
    )
    ours = {name for name, _ in scraped(town) if name.startswith("samehour_")}
    assert len(ours) > 20
    assert not {name for name in ours if not named.fullmatch(name)}
