"""Nothing is answered that a power cut could take back: not what was done, nor what is shown."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
from conftest import Town, until
from databases import rows

_HELD_S = 1.5


@pytest.fixture
def on_file(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path, ledger=str(tmp_path / "ledger.db")).start()
    yield made
    made.kill()


@contextmanager
def slow_disk(ledger: str) -> Iterator[None]:
    """Let nobody write the file for a while, from now on."""
    connection = sqlite3.connect(ledger, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    letting_go = Timer(_HELD_S, connection.execute, ["ROLLBACK"])
    letting_go.start()
    try:
        yield
    finally:
        letting_go.join()
        connection.close()


def is_kept(town: Town, external_id: str) -> bool:
    found = rows(town.ledger, "select data from events where type = 'OrderReceived'")
    return any(external_id in str(data) for (data,) in found)


def test_an_order_is_shown_only_when_it_is_kept(on_file: Town) -> None:
    town = on_file
    town.courier(town.stock()[0]["location"])
    body = town.basket(external_id="slow-1")

    def shown() -> bool:
        return any(order["external_id"] == "slow-1" for order in town.get("/v1/orders")["data"])

    with slow_disk(town.ledger), ThreadPoolExecutor(1) as elsewhere:
        placed = elsewhere.submit(town.post, "/v1/orders", body, 201)
        until(shown, "the order is shown")
        assert is_kept(town, "slow-1")
        placed.result()
