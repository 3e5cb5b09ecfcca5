"""URLs, the allow-list, and what messages show of a URL."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ingest.fetch.failure import Failure
from ingest.fetch.guard import AllowedHost, Guard, host_entry, server_at, shown
from ingest.fetch.guest import GuestConfig
from ingest.fetch.names import resolved


def nobody(host: str) -> Sequence[str]:
    raise AssertionError(f"{host} was looked up")


def guard(*hosts: str) -> Guard:
    return Guard(hosts, (), nobody)


def test_a_url_of_an_allowed_host_is_taken_apart_without_looking_anything_up() -> None:
    target = guard("api.example.org").target("https://API.example.org/Place?app_key=secret#top")
    assert (target.host, target.port, str(target.url)) == (
        "api.example.org", 443, "https://api.example.org/Place?app_key=secret",
    )  # fmt: skip


@pytest.mark.parametrize("url", ["https://example.org/", "https://api.example.org.evil.net/", "https://xapi.example.org/",
                                 "https://api.example.org:8443/", "https://a.b.example.org/"])  # fmt: skip
def test_what_is_not_on_the_list_is_refused_with_the_line_to_add(url: str) -> None:
    with pytest.raises(Failure, match=r"not among the hosts .* add .* to `hosts`"):
        guard("api.example.org").target(url)


def test_a_wildcard_allows_every_name_below_and_not_the_name_itself() -> None:
    below = AllowedHost.of("*.example.org")
    admitted = [name for name in ("a.example.org", "a.b.example.org", "example.org", "aexample.org")
                if below.admits(name, 443, (80, 443))]  # fmt: skip
    assert admitted == ["a.example.org", "a.b.example.org"]


def test_a_port_of_ones_own_must_be_named() -> None:
    assert guard("[::1]:8080").target("http://[::1]:8080/x").port == 8080
    with pytest.raises(Failure, match=r"add \[::1\]:8081"):
        guard("[::1]:8080").target("http://[::1]:8081/x")


@pytest.mark.parametrize("url", ["https://a.example.org/b c", "https://a.example.org/\\b", "https://a.example.org/b\nc",
                                 "https://a.example.org/b\u00a0c", "https://a.example.org/b\u202ec",
                                 "https://a.example.org/" + "b" * 3000])  # fmt: skip
def test_what_no_honest_url_has_is_refused_anywhere_in_it(url: str) -> None:
    with pytest.raises(Failure, match="not asked for"):
        guard("a.example.org").target(url)


@pytest.mark.parametrize(
    "entry", ["", "*", "*.org", "*.[::1]", "a b", "http://a", "a/b", "a:0", "a:99999", "u@a", "a..b", "a." * 200]
)
def test_an_entry_that_is_no_host_or_allows_too_much_is_refused(entry: str) -> None:
    with pytest.raises(ValidationError):
        GuestConfig(hosts=(entry,))


@pytest.mark.parametrize("network", ["0.0.0.0/0", "0.0.0.0/1", "::/0"])
def test_private_networks_cannot_be_everything(network: str) -> None:
    with pytest.raises(ValidationError, match="name your own"):
        GuestConfig(hosts=("a.example.org",), private_networks=(network,))


@pytest.mark.parametrize(
    ("url", "entry"),
    [("https://a.example.org/x", "a.example.org"), ("http://127.0.0.1:8123/x", "127.0.0.1:8123"),
     ("rtsp://10.0.0.7/live", "10.0.0.7"), ("http://[::1]:8080", "[::1]:8080"),
     ("http://a.example.org:554/", "a.example.org:554"), ("RTSP://a.example.org:554/", "a.example.org")],
)  # fmt: skip
def test_an_entry_is_written_from_the_operators_own_url(url: str, entry: str) -> None:
    assert host_entry(url) == entry
    AllowedHost.of(entry)


def test_the_usual_ports_are_one_server_and_a_port_of_its_own_another() -> None:
    assert server_at("a", 80) == server_at("a", 443) != server_at("a", 8080)


def test_a_source_has_a_say_in_the_budget_of_what_it_may_ask_and_of_nothing_else() -> None:
    rules = guard("a.example.org", "*.example.net", "b.example.org:8080")
    covered = [("a.example.org", 80), ("x.example.net", 443), ("b.example.org", 8080)]
    others = [("a.example.org", 8080), ("example.net", 80), ("b.example.org", 80), ("c.example.org", 80)]
    assert [rules.covers(server_at(*one)) for one in (*covered, *others)] == [True] * 3 + [False] * 4


def test_a_redirect_is_never_followed_from_https_to_http() -> None:
    rules = guard("a.example.org")
    origin = rules.target("https://a.example.org/clips/1.mp4")
    assert rules.redirected(origin, "2.mp4").url.path == "/clips/2.mp4"
    assert rules.redirected(origin, "//a.example.org/3").url.scheme == "https"
    with pytest.raises(Failure, match="not secured"):
        rules.redirected(origin, "http://a.example.org/clips/1.mp4")


WORDS = st.text(st.sampled_from("abz019-._~@:/?#\\ %"), max_size=30)


@given(WORDS, WORDS)
@example("", "://")
@settings(max_examples=300)
def test_a_message_never_shows_a_key_or_a_password(before: str, after: str) -> None:
    """Whatever is around them: what stands before an @ or a backslash, and what stands after a ?, is not shown."""
    for url in (
        f"http://user:hunter2@{after}",
        f"http://user:hunter2{before}@{after}",
        f"https://{before}?app_key=hunter2{after}",
        f"{before}\\hunter2@{after}",
    ):
        assert "hunter2" not in shown(url)
        with pytest.raises(Failure) as failure:
            guard("cameras.example.net").target(url)
        assert "hunter2" not in str(failure.value)


def test_a_name_server_that_says_nothing_does_not_hold_a_request_up() -> None:
    release = threading.Event()

    def stuck(host: str) -> Sequence[str]:
        release.wait(5)
        return []

    began_s = time.monotonic()
    with pytest.raises(TimeoutError):
        resolved(stuck, "slow.example.org", 0.03)
    assert time.monotonic() - began_s < 4
    release.set()


def test_one_bad_address_refuses_the_whole_answer_and_names_it() -> None:
    rules = Guard(("a.example.org",), (), lambda host: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(Failure, match=r"leads to 10\.0\.0\.1, which is not a public address \(private\)"):
        rules.addresses("a.example.org", 1)
