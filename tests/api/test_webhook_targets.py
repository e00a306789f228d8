"""Which addresses webhooks call: what a URL says, what a name leads to, where a connection goes."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
import trustme
from receiver import Heard, Receiver, Reply, receiving

from api.webhooks.errors import TargetRefusedError, WebhookError
from api.webhooks.posting import Answer, Poster, PostLimits
from api.webhooks.targets import AllowedHost, Resolve, Targets, is_public, read_allowed

PUBLIC = "93.184.216.34"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def names(**known: str | Sequence[str]) -> Resolve:
    """Resolve names as a test says: `hooks_test` stands for `hooks.test`."""

    def resolve(host: str) -> Sequence[str]:
        found = known.get(host.replace(".", "_"))
        if found is None:
            raise OSError(f"no such name: {host}")
        return [found] if isinstance(found, str) else found

    return resolve


def post(
    url: str,
    *allowed: AllowedHost,
    resolve: Resolve | None = None,
    tls: ssl.SSLContext | None = None,
    limits: PostLimits | None = None,
) -> Answer:
    async def go() -> Answer:
        targets = Targets(allowed, resolve)
        poster = Poster(targets, tls or ssl.create_default_context(), limits)
        try:
            return await poster.post(url, [("webhook-id", "msg_1")], b"{}")
        finally:
            await poster.close()
            targets.close()

    return asyncio.run(go())


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",  # noqa: S104  nothing is bound to it
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",  # carriers' networks
        "100.100.100.200",  # metadata
        "169.254.169.254",  # metadata
        "168.63.129.16",  # metadata behind a public number
        "192.0.0.192",  # metadata
        "192.88.99.1",
        "64:ff9b:1::a00:1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",  # 10.0.0.1, as a network without IPv4 writes it
        "64:ff9b::a9fe:a9fe",  # 169.254.169.254
        "2002:7f00:1::",  # a tunnel to 127.0.0.1
        "2001:0:7f00:1::",
        "fc00::1",
        "fd00:ec2::254",  # metadata
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_an_address_that_is_not_public_is_not_called(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_a_public_address_is_called_however_it_is_written(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://shop.example/hook", "must begin with https"),
        ("gopher://shop.example/", "must begin with https"),
        ("//shop.example/", "must begin with https"),
        ("https:///hook", "must begin with https"),
        ("https://me@shop.example/", "name or password"),
        ("https://me:word@shop.example/", "name or password"),
        ("https://shop.example/#part", "fragment"),
        ("https://shop.example:25/", "port 25"),
        ("https://shop.example:0/", "port 0"),
        ("https://2130706433/", "neither a name nor an address"),
        ("https://0177.0.0.1/", "is no URL"),
        ("https://0x7f000001/", "neither a name nor an address"),
        ("https://127.1/", "neither a name nor an address"),
        ("https://shop..example/", "neither a name nor an address"),
        ("https://127.0.0.1/", "not a public address"),
        ("https://127.0.0.1./", "not a public address"),
        ("https://[::ffff:169.254.169.254]/", "not a public address"),
        ("https://shop.example/a b", "without spaces"),
        ("https://shop.example/\r\nHost: other", "without spaces"),
        ("https://" + "a" * 3000, "at most 2000"),
        ("https://[::1", "is no URL"),
    ],
)
def test_a_url_that_is_not_called_is_refused_with_why(url: str, why: str) -> None:
    with pytest.raises(TargetRefusedError, match=why):
        Targets().read(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/hook?key=1",
        "https://shop.example:8443/",
        "https://SHOP.example./",
        "https://bücher.example/",
        f"https://{PUBLIC}/",
    ],
)
def test_a_public_url_over_https_is_called(url: str) -> None:
    assert Targets().read(url).scheme == "https"


def test_a_host_is_allowed_by_its_name_at_every_port_or_at_one() -> None:
    targets = Targets([AllowedHost("hooks.internal"), AllowedHost("127.0.0.1", 9000)])
    assert targets.read("http://hooks.internal:99/x").port == 99
    assert targets.read("http://Hooks.Internal./x").scheme == "http"
    assert targets.read("http://127.0.0.1:9000/x").port == 9000
    for refused in ("http://127.0.0.1:9001/", "http://evil.hooks.internal/", "https://127.0.0.1/"):
        with pytest.raises(TargetRefusedError):
            targets.read(refused)


def test_what_is_allowed_is_read_from_a_word() -> None:
    assert read_allowed("Hooks.internal") == AllowedHost("hooks.internal")
    assert read_allowed("127.0.0.1:9000") == AllowedHost("127.0.0.1", 9000)
    assert read_allowed("[::1]:9000") == AllowedHost("::1", 9000)
    for wrong in ("http://a/", "a:b", "a:0", "a:70000", "", "a b"):
        with pytest.raises(ValueError, match="is no host"):
            read_allowed(wrong)


@pytest.mark.parametrize("leads_to", ["127.0.0.1", "10.1.2.3", "::1", "169.254.169.254"])
def test_a_name_that_leads_inside_is_refused_when_it_is_given(leads_to: str) -> None:
    targets = Targets(resolve=names(shop_example=leads_to))
    with pytest.raises(TargetRefusedError, match=f"leads to {leads_to}"):
        asyncio.run(targets.check("https://shop.example/"))
    targets.close()


def test_one_inner_address_among_public_ones_is_enough_to_refuse_a_name() -> None:
    targets = Targets(resolve=names(shop_example=[PUBLIC, "127.0.0.1"]))
    with pytest.raises(TargetRefusedError):
        asyncio.run(targets.addresses("shop.example", 443))
    targets.close()


def test_a_name_may_have_no_address_yet() -> None:
    targets = Targets(resolve=names())
    asyncio.run(targets.check("https://shop.example/"))
    with pytest.raises(WebhookError, match="has no address"):
        asyncio.run(targets.addresses("shop.example", 443))
    targets.close()


def test_the_machine_s_own_resolver_is_not_fooled_by_its_own_names() -> None:
    targets = Targets()
    with pytest.raises(TargetRefusedError, match="leads to"):
        asyncio.run(targets.check("https://localhost/"))
    targets.close()


def test_a_name_that_changes_its_mind_is_refused_where_it_is_connected_to(
    receiver: Receiver,
) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    targets = Targets(resolve=lambda _: next(answers))
    url = receiver.url(host="shop.example", scheme="https")

    async def go() -> Answer:
        await targets.check(url)  # it was public when it was given
        poster = Poster(targets, ssl.create_default_context())
        try:
            return await poster.post(url, [], b"{}")
        finally:
            await poster.close()
            targets.close()

    answer = asyncio.run(go())
    assert (answer.error, answer.status, answer.is_success) == ("refused", None, False)
    assert "127.0.0.1" in answer.text
    assert receiver.heard == []


def test_a_name_is_resolved_once_and_that_very_address_is_connected_to(
    receiver: Receiver,
) -> None:
    asked: list[str] = []

    def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else [PUBLIC]

    url = receiver.url(host="hooks.internal")
    answer = post(url, AllowedHost("hooks.internal"), resolve=resolve)
    assert answer.status == 204
    assert asked == ["hooks.internal"]
    (heard,) = receiver.heard
    assert heard.headers["host"] == f"hooks.internal:{receiver.port}"


def test_the_next_address_is_tried_when_one_does_not_answer(receiver: Receiver) -> None:
    resolve = names(hooks_internal=["::1", "127.0.0.1"])
    url = receiver.url(host="hooks.internal")
    assert post(url, AllowedHost("hooks.internal"), resolve=resolve).status == 204


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    with receiving() as inside:
        receiver.answer = lambda _: Reply(307, {"Location": inside.url()})
        answer = post(receiver.url(), AllowedHost("127.0.0.1"))
        assert (answer.status, answer.is_success) == (307, False)
        assert inside.heard == []


# --- TLS ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def serving(authority: trustme.CA, *known_as: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*known_as).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_a_certificate_is_for_the_name_and_not_for_the_address(authority: trustme.CA) -> None:
    asked_for: list[str | None] = []
    context = serving(authority, "hooks.internal")
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    with receiving(tls=context) as receiver:
        url = receiver.url(host="hooks.internal", scheme="https")
        allowed = AllowedHost("hooks.internal")
        resolve = names(hooks_internal="127.0.0.1")
        answer = post(url, allowed, resolve=resolve, tls=trusting(authority))
        assert answer.status == 204, answer
        assert asked_for == ["hooks.internal"]
        assert receiver.heard[0].headers["host"] == f"hooks.internal:{receiver.port}"


@pytest.mark.parametrize("trusted", [True, False])
def test_a_wrong_certificate_is_a_failure(authority: trustme.CA, trusted: bool) -> None:
    name = "other.internal" if trusted else "hooks.internal"
    with receiving(tls=serving(authority, name)) as receiver:
        answer = post(
            receiver.url(host="hooks.internal", scheme="https"),
            AllowedHost("hooks.internal"),
            resolve=names(hooks_internal="127.0.0.1"),
            tls=trusting(authority) if trusted else ssl.create_default_context(),
        )
        assert (answer.error, answer.status) == ("tls_failed", None)
        assert "certificate" in answer.text
        assert receiver.heard == []


# --- odd receivers -----------------------------------------------------------------------------


@contextmanager
def odd(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """Run a server that says what it likes to its first caller; yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        caller, _ = listener.accept()
        with caller:
            asked = b""
            while not asked.endswith(b"{}"):
                asked += caller.recv(65_536)
            speak(caller)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        thread.join()
        listener.close()


def test_who_never_answers_is_waited_for_no_longer_than_is_allowed() -> None:
    def silence(caller: socket.socket) -> None:
        caller.settimeout(20)
        assert caller.recv(1) == b""  # until the other side goes

    with odd(silence) as url:
        limits = PostLimits(whole_s=0.1)
        answer = post(url, AllowedHost("127.0.0.1"), limits=limits)
    assert (answer.error, answer.status) == ("timeout", None)
    assert answer.latency_ms >= 100


def test_who_answers_for_ever_is_heard_no_longer_than_is_allowed() -> None:
    def flood(caller: socket.socket) -> None:
        caller.sendall(b"HTTP/1.1 500 Odd\r\nTransfer-Encoding: chunked\r\n\r\n")
        part = b"400\r\n" + b"x" * 1024 + b"\r\n"
        with contextlib.suppress(OSError):  # the other side goes
            while True:
                caller.sendall(part)

    with odd(flood) as url:
        answer = post(url, AllowedHost("127.0.0.1"))
    assert answer.status == 500
    assert answer.text == "x" * 500


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"", "broken_answer"),
        (b"nonsense\r\n\r\n", "broken_answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "broken_answer"),
    ],
)
def test_half_an_answer_is_none(said: bytes, error: str) -> None:
    with odd(lambda caller: caller.sendall(said)) as url:
        answer = post(url, AllowedHost("127.0.0.1"))
    assert (answer.error, answer.is_success) == (error, False)
    assert answer.text


def test_nobody_there_is_a_failure_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = post(f"http://127.0.0.1:{port}/", AllowedHost("127.0.0.1"))
    assert (answer.error, answer.status) == ("connect_failed", None)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("120", 120.0), ("soon", None), ("-5", None), ("Fri, 20 Nov 2015 16:00:00 GMT", 0.0)],
)
def test_how_long_to_wait_is_read_from_the_answer(
    receiver: Receiver, said: str, seconds: float | None
) -> None:
    receiver.answer = lambda _: Reply(429, {"Retry-After": said})
    assert post(receiver.url(), AllowedHost("127.0.0.1")).retry_after_s == seconds


def test_what_is_kept_of_an_answer_can_be_shown(receiver: Receiver) -> None:
    def answer(_: Heard) -> Reply:
        return Reply(400, body=b"no\x00\x1b[2J \xff\r\nthanks")

    receiver.answer = answer
    assert post(receiver.url(), AllowedHost("127.0.0.1")).text == "no [2J � thanks"
