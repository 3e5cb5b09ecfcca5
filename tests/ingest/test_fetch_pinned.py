"""A connection goes to the address that was checked, whatever the name says a moment later; TLS keeps the name."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from feed_double.url_tricks import ForbiddenListener
from fetch_servers import Reply, Server

from core.clock import SystemClock
from core.errors import ConfigError
from ingest.fetch.failure import Failure, Outcome
from ingest.fetch.guest import Budgets, Guest, GuestConfig
from ingest.fetch.names import Resolve, system_addresses

HOST = "cameras.example.org"
MakeGuest = Callable[..., Guest]


@pytest.fixture
def guest_of(request: pytest.FixtureRequest) -> MakeGuest:
    def make(resolve: Resolve, *hosts: str, **settings: object) -> Guest:
        clock = SystemClock()
        config = GuestConfig.model_validate(
            {"hosts": hosts, "private_networks": ["127.0.0.2/32"], "requests_per_minute": 6000, "attempts": 1}
            | settings
        )
        guest = Guest(config, Budgets(clock), clock, resolve=resolve)
        request.addfinalizer(guest.close)
        return guest

    return make


class Rebinding:
    """A name server that gives one answer after the other, the last one for good."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        return [self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]]


def test_a_name_that_changes_its_mind_is_asked_once_and_the_connection_goes_where_was_looked(
    guest_of: MakeGuest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First an allowed address, loopback ever after. Below our own resolver, nothing but numbers is looked up."""
    looked_up: list[str] = []
    getaddrinfo = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: (looked_up.append(host), getaddrinfo(host, *a, **k))[1]
    )
    listener = ForbiddenListener()
    with Server("127.0.0.2") as server:
        names = Rebinding("127.0.0.2", "127.0.0.1")
        guest = guest_of(names, f"{HOST}:{server.port}", f"{HOST}:{listener.port}")
        url = f"http://{HOST}:{server.port}/clip.mp4"
        for _ in range(3):
            assert guest.get(url).content == b"ok"
        assert (names.asked, server.connections) == ([HOST], 1)
        assert set(looked_up) == {"127.0.0.2"}
        with pytest.raises(Failure) as failure:  # a new connection asks again, and the answer is checked again
            guest.get(f"http://{HOST}:{listener.port}/clip.mp4")
    listener.close()
    assert failure.value.outcome is Outcome.REFUSED_ADDRESS
    assert names.asked == [HOST, HOST]
    assert listener.connections == 0


def test_the_next_address_is_tried_where_one_does_not_answer(guest_of: MakeGuest) -> None:
    with Server("127.0.0.2") as server:
        guest = guest_of(
            lambda host: ["127.0.0.3", "127.0.0.2"], f"{HOST}:{server.port}", private_networks=["127.0.0.0/8"]
        )
        assert guest.get(f"http://{HOST}:{server.port}/").content == b"ok"


def test_an_ipv6_address_in_a_url_is_asked_under_its_own_name(guest_of: MakeGuest) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6 on loopback")
    with Server("::1") as server:
        guest = guest_of(system_addresses, f"[::1]:{server.port}", private_networks=["::1/128"])
        assert guest.get(f"http://[::1]:{server.port}/").content == b"ok"
        assert server.asked[0].headers["host"] == f"[::1]:{server.port}"


def test_a_name_that_does_not_exist_is_a_failure_with_a_remedy(guest_of: MakeGuest) -> None:
    def unknown(host: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(Failure, match=r"its name is not known\. Check the name"):
        guest_of(unknown, HOST).get(f"https://{HOST}/")


def test_a_socket_for_another_protocol_is_guarded_alike(guest_of: MakeGuest) -> None:
    listener = ForbiddenListener()
    with Server("127.0.0.2") as server:
        names = Rebinding("127.0.0.2", "127.0.0.1")
        guest = guest_of(names, f"{HOST}:{server.port}", f"{HOST}:{listener.port}", read_timeout_s=3)
        with guest.connect(HOST, server.port) as connection:
            assert connection.getpeername() == ("127.0.0.2", server.port)
            assert connection.gettimeout() == 3
        for host, port in ((HOST, listener.port), (HOST, 22), ("127.0.0.1", listener.port), ("a b", 554)):
            with pytest.raises(Failure):
                guest.connect(host, port)
    listener.close()
    assert listener.connections == 0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate and its key in one file, for cameras.example.org and no address."""
    path = tmp_path_factory.mktemp("tls") / "camera.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", str(path),
         "-out", f"{path}c"],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode != 0:
        pytest.skip("openssl cannot make a certificate here")
    with path.open("ab") as both:
        both.write(Path(f"{path}c").read_bytes())
    return path


@pytest.fixture
def secured(certificate: Path) -> Iterator[tuple[Server, list[str]]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked_for: list[str] = []
    context.sni_callback = lambda _, name, __: asked_for.append(name)
    with Server("127.0.0.2", tls=context) as server:
        yield server, asked_for


def test_tls_is_for_the_name_though_the_connection_is_to_the_address(
    guest_of: MakeGuest, secured: tuple[Server, list[str]], certificate: Path
) -> None:
    server, asked_for = secured
    guest = guest_of(lambda host: ["127.0.0.2"], f"*.example.org:{server.port}", ca_file=certificate)
    assert guest.get(f"https://{HOST}:{server.port}/").content == b"ok"
    assert asked_for == [HOST]
    with pytest.raises(Failure, match=r"its certificate does not hold \(Hostname mismatch"):
        guest.get(f"https://other.example.org:{server.port}/")


def test_a_certificate_nobody_vouches_for_is_refused(guest_of: MakeGuest, secured: tuple[Server, list[str]]) -> None:
    server, _ = secured
    guest = guest_of(lambda host: ["127.0.0.2"], f"{HOST}:{server.port}")
    with pytest.raises(Failure, match=r"its certificate does not hold \(self-signed certificate\)\. .* set `ca_file`"):
        guest.get(f"https://{HOST}:{server.port}/")
    assert server.asked == []


def test_the_environment_has_no_say(guest_of: MakeGuest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a proxy nor a certificate store, both of which httpx and requests take from it."""
    listener = ForbiddenListener()
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")
    with Server("127.0.0.2") as server:
        assert guest_of(lambda host: ["127.0.0.2"], f"{HOST}:{server.port}").get(f"http://{HOST}:{server.port}/")
    listener.close()
    assert listener.connections == 0


def test_a_ca_file_that_is_none_is_said_at_the_start(guest_of: MakeGuest, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ca_file .* cannot be used"):
        guest_of(system_addresses, HOST, ca_file=tmp_path / "none.pem")


def test_an_answer_with_a_second_one_behind_it_poisons_nothing(guest_of: MakeGuest) -> None:
    """What is left over on a connection would be the answer to the next request on it, of another camera."""
    evil = b"HTTP/1.1 200 So\r\nContent-Length: 4\r\n\r\nevil"
    with Server("127.0.0.2") as server:
        guest = guest_of(lambda host: ["127.0.0.2"], f"{HOST}:{server.port}")
        smuggling = {
            "/length": b"HTTP/1.1 200 So\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok" + evil,
            "/chunked": b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\nX: keep-alive\r\n\r\n0\r\n\r\n" + evil,
            "/early": b"HTTP/1.1 103 So\r\n\r\nHTTP/1.1 200 So\r\nContent-Length: 0\r\nX: keep-alive\r\n\r\n" + evil,
            "/unmodified": b"HTTP/1.1 304 So\r\nX: keep-alive\r\n\r\n" + evil,
        }
        for path, raw in smuggling.items():
            server.replies[path] = Reply(raw=raw)
            try:
                guest.get(f"http://{HOST}:{server.port}{path}")
            except Failure as failure:
                assert failure.outcome is Outcome.TRUNCATED  # noqa: PT017 - a failure and an answer are both right
            assert guest.get(f"http://{HOST}:{server.port}/next").content == b"ok"
