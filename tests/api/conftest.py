"""A real service in a process of its own, spoken to over HTTP."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import httpx
import pytest
from answer_shapes import check_answer
from databases import KINDS, POSTGRESQL, SQLITE, Server, running_server
from served import Served

CLOCK_START = "2026-11-20T14:00:00Z"  # a Friday, 16:00 in Helsinki: every shop is open
EVENING = "2026-11-20T17:00:00Z"  # the first store closes at nine
SPEED = 60
BOOT_S = 180  # on a new machine everything is compiled first
FILE = "ledger.db"
_T = TypeVar("_T")


class Town:
    """A running service and what a test wants to say to it."""

    new_ledger: ClassVar[Callable[[Path], str]] = staticmethod(lambda folder: str(folder / FILE))
    """Names a ledger for a service in a folder, unless the test names it."""

    def __init__(self, folder: Path, *, ledger: str | None = None, speed: float = SPEED) -> None:
        self.folder = folder
        self.ledger = ledger or self.new_ledger(folder)
        self.speed = speed
        self.process: Served | None = None
        self.http = httpx.Client()
        self._ids = count(1)

    # --- life ----------------------------------------------------------------------------------

    def command(self, *more: str) -> list[str]:
        return [
            *(sys.executable, "-m", "samehour", "serve"),
            *("--ledger", self.ledger, "--port-file", str(self.folder / "port")),
            *("--clock-start", CLOCK_START, "--speed", str(self.speed)),
            *(more or ("--port", "0")),
        ]

    def start(self, *more: str, environ: dict[str, str] | None = None) -> Town:
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        arguments = self.command(*more)[3:]
        self.process = Served(arguments, self.folder, self.folder / "service.log", environ)
        process = self.process
        until(lambda: port_file.exists() or process.poll() is not None, "the service is up", BOOT_S)
        assert process.poll() is None, self.log()
        port = int(port_file.read_text())
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            timeout=30,
            event_hooks={"response": [check_answer]},
        )
        return self

    def stop(self) -> int:
        """Ask the service to end, as Ctrl-C does; returns its exit code."""
        return self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the service as a power cut does."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        self.http.close()
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        self.process = None
        return code

    def log(self) -> str:
        return (self.folder / "service.log").read_text()

    # --- words ---------------------------------------------------------------------------------

    def get(self, path: str, expect: int = 200, **query: Any) -> Any:
        return self._body(self.http.get(path, params=query), expect)

    def post(self, path: str, body: Any = None, expect: int = 200, **headers: str) -> Any:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._body(self.http.post(path, json=body, headers=said), expect)

    def put(self, path: str, body: Any, expect: int = 200) -> Any:
        return self._body(self.http.put(path, json=body), expect)

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """Return all events after one, page by page: what tests share has many."""
        found: list[dict[str, Any]] = []
        while page := self.get("/v1/events", after=after, limit=1000)["data"]:
            found += page
            after = page[-1]["seq"]
        return found

    @staticmethod
    def _body(answer: httpx.Response, expect: int) -> Any:
        assert answer.status_code == expect, f"{answer.status_code}: {answer.text}"
        return answer.json()

    # --- deeds ---------------------------------------------------------------------------------

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_t{next(self._ids)}"

    def stock(self, on_hand: int = 500) -> list[dict[str, Any]]:
        """Fill every store with milk and bread; returns the stores."""
        stores: list[dict[str, Any]] = self.get("/v1/stores")["data"]
        items = [{"sku": sku, "on_hand": on_hand} for sku in ("milk", "bread")]
        for store in stores:
            self.put(f"/v1/stores/{store['id']}/stock", {"items": items})
        return stores

    def courier(self, home: dict[str, float]) -> str:
        """Register a courier and start a shift at `home`; returns the id."""
        courier_id = self.new_id("cou")
        self.put(f"/v1/couriers/{courier_id}", {"name": "Aino", "mode": "bike", "home": home})
        # Far away: a service that all tests share lives for hours of its own time.
        shift = {"courier_id": courier_id, "ends_at": "2026-11-21T12:00:00Z"}
        self.post("/v1/shifts", shift, 201)
        return courier_id

    def basket(self, **more: Any) -> dict[str, Any]:
        """Return an order to a door in the middle of the city."""
        west, south, east, north = self.get("/v1/zones")["data"][0]["bounds"]
        door = {"lat": (south + north) / 2, "lng": (west + east) / 2}
        return {
            "dropoff": {"location": door, "address": "Testikatu 1 A 2"},
            "lines": [{"sku": "milk", "quantity": 2}],
            "weight_g": 2_000,
            "basket_cents": 1_250,
            **more,
        }

    def order(self, order_id: str) -> Any:
        return self.get(f"/v1/orders/{order_id}")

    def pick(self, order_id: str) -> None:
        self.post(f"/v1/orders/{order_id}/picking", {"event": "started"})
        self.post(f"/v1/orders/{order_id}/picking", {"event": "ready"})

    def told(self, order_id: str, status: str) -> Any:
        """Wait until a courier was told to do a thing for an order; returns the order."""

        def there() -> Any:
            order = self.order(order_id)
            return order if order["delivery"]["status"] == status else None

        return until(there, f"{order_id} is {status}")

    def report(self, courier_id: str, done: str, expect: int = 200, **body: Any) -> Any:
        """Report the stop that a courier is doing."""
        stop = self.get(f"/v1/couriers/{courier_id}/route")["stops"][0]
        path = f"/v1/couriers/{courier_id}/stops/{stop['id']}/{done}"
        return self.post(path, body or None, expect)


def until(condition: Callable[[], _T | None], what: str, deadline_s: float = 20) -> _T:
    """Ask again and again until the condition holds; returns what it returned."""
    began = time.monotonic()
    while time.monotonic() - began < deadline_s:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {deadline_s} s: {what}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--ledger",
        choices=KINDS,
        default=SQLITE,
        help="where the services of tests keep what happens",
    )


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """Return a PostgreSQL server, started for the first test that wants one."""
    with running_server() as server:
        yield server


@pytest.fixture(params=KINDS)
def ledger_name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the name of a ledger that is not there yet: a test runs with each kind."""
    if request.param == POSTGRESQL:
        server: Server = request.getfixturevalue("postgresql")
        return server.new()
    return str(tmp_path / "ledger.db")


@pytest.fixture(scope="session", autouse=True)
def _where_services_keep(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let all services of tests keep what happens where `--ledger` says."""
    usual = Town.new_ledger
    if request.config.getoption("--ledger", SQLITE) == POSTGRESQL:
        server: Server = request.getfixturevalue("postgresql")
        Town.new_ledger = staticmethod(lambda _folder: server.new())
    yield
    Town.new_ledger = staticmethod(usual)


@pytest.fixture(scope="session")
def shared() -> Iterator[list[Town]]:
    """Return the town of the day, or none yet."""
    towns: list[Town] = []
    yield towns
    for last in towns:
        over(last)


@pytest.fixture
def town(shared: list[Town], tmp_path_factory: pytest.TempPathFactory) -> Town:
    """One service for all tests that leave it as they found it, more or less.

    Before its stores close another one takes over: on a slow machine tests outlast a day.
    """
    if shared and shared[0].get("/v1/zones")["data"][0]["now"] > EVENING:
        over(shared.pop())
    if not shared:
        made = Town(tmp_path_factory.mktemp("town")).start()
        made.stock()
        shared.append(made)
    found = shared[0]
    if not any(each["activity"] == "idle" for each in found.get("/v1/couriers")["data"]):
        # Whoever a test left on the way takes nothing new once they are overdue.
        found.courier(found.get("/v1/stores")["data"][0]["location"])
    return found


def over(town: Town) -> None:
    """End a service, which must have gone without an error."""
    assert town.stop() == 0, town.log()
    assert "level=ERROR" not in town.log()


@pytest.fixture
def own_town(tmp_path: Path) -> Iterator[Town]:
    """Return a service, not started, that a test may stop, kill and start again."""
    made = Town(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def town_on(tmp_path: Path, ledger_name: str) -> Iterator[Town]:
    """Return a service of one's own, not started: a test runs with each kind of database."""
    made = Town(tmp_path, ledger=ledger_name)
    yield made
    made.kill()
