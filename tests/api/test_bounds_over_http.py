"""Requests that are too large, too slow, cut off or badly written, byte by byte, to a real service.

Whatever somebody sends, the service answers within bounds where HTTP allows an answer, and goes on
for everybody else.
"""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import Town, over, until

from api.connections import MAX_HEAD_BYTES
from api.security import MAX_BODY_BYTES

HEAD_S, BODY_S = 1.0, 1.5
SOON_S = 20
"""Far beyond the limits above, for a machine that has much else to do."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    limits = {"SAMEHOUR_HEAD_LIMIT_S": str(HEAD_S), "SAMEHOUR_BODY_LIMIT_S": str(BODY_S)}
    made = Town(tmp_path_factory.mktemp("bounds")).start(environ=limits)
    made.courier(made.stock()[0]["location"])
    yield made
    # No crash, whatever was sent: `over` looks for errors in the log.
    over(made)


@dataclass(frozen=True)
class Said:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """Return the code of the problem that it is."""
        assert self.headers["content-type"] == "application/problem+json", self
        document: dict[str, Any] = json.loads(self.body)
        assert document["status"] == self.status
        assert document["trace_id"] == self.headers["trace-id"]
        return str(document["code"])


def connected(town: Town) -> socket.socket:
    port = town.http.base_url.port
    assert port is not None
    return socket.create_connection(("127.0.0.1", port), timeout=SOON_S)


def read(sock: socket.socket) -> Said | None:
    """Return the answer on a connection that is closed after it, None where there is none."""
    came = b""
    try:
        while part := sock.recv(65_536):
            came += part
    except ConnectionResetError:
        pass
    if not came:
        return None
    head, _, body = came.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {
        name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)
    }
    return Said(int(first.split()[1]), headers, body)


def head(
    path: str = "/v1/orders", *lines: str, method: str = "POST", kind: str = "application/json"
) -> bytes:
    all_lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", *lines]
    return "\r\n".join([*all_lines, "", ""]).encode()


def sent(town: Town, *parts: bytes) -> Said | None:
    """Send bytes, and return what is answered until the service hangs up."""
    with connected(town) as sock:
        try:
            for part in parts:
                sock.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it would hear no more; what it said is still to be read
        return read(sock)


def asked(town: Town, body: bytes, *lines: str, path: str = "/v1/orders", **how: str) -> Said:
    """Send a whole body, and return the answer."""
    length = f"Content-Length: {len(body)}"
    found = sent(town, head(path, length, "Connection: close", *lines, **how), body)
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def _goes_on(town: Town) -> Iterator[None]:
    """Whatever a test sends: others are served afterwards."""
    yield
    assert town.get("/v1/zones")["data"]
    order = town.post("/v1/orders", town.basket(), 201)
    town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "the test is over"})


# --- large ---------------------------------------------------------------------------------------


def test_a_body_said_to_be_too_large_is_refused_before_it_is_sent(town: Town) -> None:
    found = sent(town, head("/v1/orders", f"Content-Length: {MAX_BODY_BYTES + 1}"))
    assert found is not None
    assert (found.status, found.code) == (413, "body_too_large")


def test_a_body_in_chunks_without_end_is_refused_at_the_limit(town: Town) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    found = sent(town, head("/v1/orders", "Transfer-Encoding: chunked"), *[chunk] * 200)
    assert found is not None
    assert (found.status, found.code) == (413, "body_too_large")


@pytest.mark.parametrize("line", [b"X-Long: ", b""])
def test_a_head_without_end_is_refused_at_the_limit(town: Town, line: bytes) -> None:
    many = b"".join(b"X-%d: y\r\n" % number for number in range(MAX_HEAD_BYTES // 4))
    endless = line + b"x" * (4 * MAX_HEAD_BYTES) if line else many
    found = sent(town, b"GET /v1/zones HTTP/1.1\r\nHost: localhost\r\n", endless)
    assert found is not None
    assert (found.status, found.code) == (431, "headers_too_large")


@pytest.mark.parametrize(
    "body",
    [b"[" * 200_000, b'{"a":' * 100_000, b"[" * 900_000 + b"]"],
    ids=["lists", "objects", "nearly all that a body may have"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/orders"),
        ("PUT", "/v1/catalogue"),
        ("PUT", "/v1/stores/sto_x/service-area"),
        ("POST", "/v1/sms/inbound"),
    ],
)
def test_what_is_nested_too_deep_is_no_json(
    town: Town, method: str, path: str, body: bytes
) -> None:
    found = asked(town, body, path=path, method=method)
    assert (found.status, found.code) == (400, "malformed_body")


# --- slow ----------------------------------------------------------------------------------------


def drip(sock: socket.socket, drops: bytes, each_s: float) -> Said | None:
    """Send a byte now and then until the service hangs up; returns what it said."""
    sock.settimeout(each_s)
    came = b""
    for drop in drops:
        try:
            sock.sendall(bytes([drop]))
            part = sock.recv(65_536)
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            break
        if not part:
            break
        came += part
    else:
        raise AssertionError("it never hung up")
    lines, _, body = came.partition(b"\r\n\r\n")
    if not lines:
        return None
    first, *rest = lines.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
    return Said(int(first.split()[1]), headers, body)


def test_a_head_that_comes_byte_by_byte_is_given_up_in_time(town: Town) -> None:
    with connected(town) as sock:
        began = time.monotonic()
        found = drip(sock, b"GET /v1/zones HTTP/1.1\r\nX: " + b"y" * 10_000, 0.1)
        took_s = time.monotonic() - began
    assert HEAD_S * 0.9 <= took_s < SOON_S
    assert found is not None
    assert (found.status, found.code) == (408, "too_slow")


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/solve", "/v1/proofs", "/v1/sms/inbound"])
def test_a_body_that_comes_byte_by_byte_is_given_up_in_time(town: Town, path: str) -> None:
    with connected(town) as sock:
        began = time.monotonic()
        sock.sendall(head(path, "Content-Length: 5000"))
        found = drip(sock, b"{" + b" " * 4000, 0.1)
        took_s = time.monotonic() - began
    assert BODY_S * 0.9 <= took_s < SOON_S
    assert found is not None
    assert (found.status, found.code) == (408, "too_slow")


def test_a_slow_crowd_keeps_nobody_waiting(town: Town) -> None:
    crowd = [connected(town) for _ in range(200)]
    try:
        for number, sock in enumerate(crowd):
            whole = head("/v1/orders", "Content-Length: 5000") + b"{"
            sock.sendall(whole if number % 2 else whole[:20])
        order = town.post("/v1/orders", town.basket(), 201)
        town.post(f"/v1/orders/{order['id']}/cancel", {"reason": "the test is over"})
        answers = [read(sock) for sock in crowd]
    finally:
        for sock in crowd:
            sock.close()
    assert {answer.status for answer in answers if answer} == {408}
    assert all(answers)


def test_a_connection_that_says_only_blank_lines_has_an_end_too(town: Town) -> None:
    # The idle limit is long; what counts is that a request after it is still answered.
    found = sent(town, b"\r\n\r\n", head("/healthz", "Connection: close", method="GET"))
    assert found is not None
    assert found.status == 200


# --- cut off -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/solve", "/v1/proofs", "/v1/sms/inbound"])
@pytest.mark.parametrize("line", ["Content-Length: 5000", "Transfer-Encoding: chunked"])
def test_who_goes_in_the_middle_of_a_body_is_forgotten(town: Town, path: str, line: str) -> None:
    before = len(town.get("/v1/orders", status="all")["data"])
    with connected(town) as sock:
        sock.sendall(head(path, line) + b'5\r\n{"a":')
    with connected(town) as sock:
        sock.sendall(head(path, line)[:30])
    assert len(town.get("/v1/orders", status="all")["data"]) == before


# --- badly written -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,  # TLS to a plain port
        b"GET / HTTP/9.9\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        head("/v1/orders", "Content-Length: many"),
        head("/v1/orders", "Content-Length: -5"),
        head("/v1/orders", "Content-Length: 5", "Content-Length: 6") + b"{    }",
        head("/v1/orders", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        head("/v1/orders", "Transfer-Encoding: chunked") + b"zz\r\n",
    ],
)
def test_what_is_no_http_is_refused_as_a_problem(town: Town, raw: bytes) -> None:
    found = sent(town, raw)
    assert found is not None
    assert found.status == 400
    assert found.code in {"malformed_request", "malformed_body"}


ORDER = b'{"lines": [{"sku": "milk", "quantity": 1}], "weight_g": 1}'


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"note": "\xff\xfe"}', "not UTF-8"),
        (b"\xef\xbb\xbf" + ORDER, "BOM"),
        (ORDER.decode().encode("utf-16"), "not UTF-8"),
        (ORDER.decode().encode("utf-16-le"), ""),
        (ORDER.decode().encode("utf-32"), ""),
        (b'{"weight_g": 1, "weight_g": 2}', "'weight_g' is there twice"),
        (b'{"weight_g": NaN}', "NaN is no number"),
        (b'{"weight_g": -Infinity}', "-Infinity is no number"),
        (b'{"external_id": "\\ud800"}', "half a character"),
        (b'{"\\udc00": 1}', "half a character"),
        (b'{"weight_g": 1' + b"0" * 5_000 + b"}", ""),
        (b"", ""),
        (b"{", ""),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/orders"), ("PUT", "/v1/catalogue"), ("PUT", "/v1/stores/sto_x/service-area")],
)
def test_what_can_be_read_in_two_ways_is_no_json(
    town: Town, method: str, path: str, body: bytes, words: str
) -> None:
    found = asked(town, body, method=method, path=path)
    if body:
        assert (found.status, found.code) == (400, "malformed_body")
        assert words in json.loads(found.body)["detail"]
    else:
        assert found.code in {"malformed_body", "invalid_request"}


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400, "0.5", "true"])
def test_a_number_out_of_range_is_refused_by_its_place(town: Town, number: str) -> None:
    body = json.dumps({**town.basket(), "weight_g": "?"}).replace('"?"', number).encode()
    found = asked(town, body)
    assert (found.status, found.code) == (422, "invalid_request")
    assert json.loads(found.body)["pointer"] == "/weight_g"
    place = b'{"location": {"lat": %s, "lng": 24.9}}' % number.encode()
    if number not in {"0.5", "true"}:
        told = asked(town, place, path="/v1/couriers/cou_t1/position")
        assert (told.status, told.code) == (422, "invalid_request")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "nonsense", "multipart/form-data"]
)
def test_another_type_of_body_is_refused(town: Town, kind: str) -> None:
    found = asked(town, json.dumps(town.basket()).encode(), kind=kind)
    assert (found.status, found.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
@pytest.mark.parametrize("path", ["/v1/orders", "/v1/solve", "/v1/sms/inbound"])
def test_a_compressed_body_is_refused_by_name(town: Town, encoding: str, path: str) -> None:
    body = gzip.compress(json.dumps(town.basket()).encode())
    found = asked(town, body, f"Content-Encoding: {encoding}", path=path)
    assert (found.status, found.code) == (415, "unsupported_encoding")
    assert encoding in json.loads(found.body)["detail"]


def test_a_problem_to_be_solved_is_read_as_strictly(town: Town) -> None:
    def status() -> int:
        return town.http.post("/v1/solve", json={"vehicles": [{"id": 1}]}, timeout=180).status_code

    until(lambda: status() != 503, "the solver answers", 180)
    for body in (b"\xff", b'{"jobs": [], "jobs": []}', b'{"jobs": NaN}', b"[" * 200_000):
        found = asked(town, body, path="/v1/solve")
        assert (found.status, found.code) == (400, "malformed_body")


# --- many ----------------------------------------------------------------------------------------


def test_who_comes_when_all_connections_are_taken_is_turned_away_and_others_go_on(
    own_town: Town,
) -> None:
    most = 8
    own_town.start(environ={"SAMEHOUR_CONNECTIONS": str(most)})
    own_town.get("/v1/zones")  # takes one and keeps it
    held = [connected(own_town) for _ in range(most - 1)]
    until(
        lambda: f"samehour_connections_open {most}.0" in own_town.http.get("/metrics").text,
        "all are taken",
    )
    said = sent(own_town, head("/v1/zones", method="GET"))
    assert said is not None
    assert (said.status, said.code) == (503, "too_many_connections")
    assert said.headers["retry-after"] == "1"
    assert own_town.get("/v1/zones")["data"]
    told = own_town.http.get("/metrics").text
    assert "samehour_connections_refused_total 1.0" in told
    for sock in held:
        sock.close()
    until(
        lambda: "samehour_connections_open 1.0" in own_town.http.get("/metrics").text,
        "they are free again",
    )
    assert asked(own_town, b"", "Connection: close", path="/v1/zones", method="GET").status == 200


def test_more_connections_than_files_are_allowed_are_named_before_anybody_comes() -> None:
    """In a process of its own: nobody gets back what they gave up."""
    words = (
        "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (512, 2048));"
        "from api.connections import make_room; print(make_room(1000));"
        "print(r.getrlimit(r.RLIMIT_NOFILE)[0]); print(make_room(2000))"
    )
    said = subprocess.run(
        [sys.executable, "-c", words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    raised, files, refused = said.stdout.splitlines()
    assert (raised, int(files)) == ("None", 1256)
    assert "2000 need 2256 open files, and this process may have 2048" in refused
