"""A webhook gets what was said: signed, in order, with one id for each alert, and tried until it takes it."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from busyness.alert_book import AlertBook, WebhookState
from busyness.alert_sender import LONGEST_PAUSE_S, AlertSender, body_of, webhook_guest_config
from busyness.alerts import Alert, AlertKind, AlertsConfig, WebhookConfig
from core.errors import ConfigError
from core.shelf import Shelf
from core.shelf_folder import FolderShelf
from core.shelf_memory import MemoryShelf
from ingest.feed import FetchFailed
from ingest.fetch.guest import Budgets, Guest, host_entry

START = datetime(2026, 11, 22, 8, tzinfo=UTC)


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


class HurriedClock:
    """Waits no time, and notes how long it was asked to."""

    def __init__(self) -> None:
        self.slept_s = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.slept_s)

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds


@dataclass
class Receiver:
    """A webhook on loopback: answers with the next of `answers`, then with 200, and keeps what it took."""

    answers: list[int] = field(default_factory=list)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.answers.pop(0) if receiver.answers else 200
            if status == 200:
                receiver.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook?token=secret"
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join()


def alert(index: int = 0) -> Alert:
    return Alert(
        kind=AlertKind.CAMERA_LOST, at=at(30), source="tfl", camera=f"cam{index}", since=at(0), reason="it is stale"
    )


def to(url: str, **config: object) -> AlertsConfig:
    return AlertsConfig(
        webhooks=(WebhookConfig(url=url, **config),),  # type: ignore[arg-type]
        private_networks=(ip_network("127.0.0.1/32"),),
    )


def book_of(config: AlertsConfig, shelf: Shelf | None = None, **more: int) -> AlertBook:
    return AlertBook(shelf or MemoryShelf(), {one.key: host_entry(one.url) for one in config.webhooks}, **more)


def keep(book: AlertBook, *alerts: Alert) -> None:
    book.say(lambda said: (said, alerts))


def state_of(book: AlertBook, config: AlertsConfig) -> WebhookState:
    return book.state(config.webhooks[0].key)


def posted(receiver: Receiver, *alerts: Alert, **config: object) -> WebhookState:
    """The alerts, sent to the receiver; returns what became of them."""
    settings, clock = to(receiver.url, **config), HurriedClock()
    book, guest = book_of(settings), Guest(webhook_guest_config(settings), Budgets(clock), clock)
    keep(book, *alerts)
    sender = AlertSender(settings, guest, clock, book, environment={"HOOK": "s3cret"}, random=Random(1))
    sender.start()
    until(lambda: state_of(book, settings).waiting == 0)
    sender.stop()
    guest.close()
    return state_of(book, settings)


def until(done: Callable[[], bool]) -> None:
    for _ in range(1000):
        if done():
            return
        threading.Event().wait(0.005)
    pytest.fail("it never came to that")


def test_a_post_holds_the_alerts_and_is_signed(receiver: Receiver) -> None:
    state = posted(receiver, alert(1), alert(2), secret_env="HOOK")
    ((headers, body),) = receiver.taken
    said = json.loads(body)
    assert [one["camera"] for one in said["alerts"]] == ["cam1", "cam2"]
    assert said["alerts"][0]["text"] == alert(1).text
    assert said["dropped"] == 0
    signed = hmac.new(b"s3cret", headers["x-busyness-timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["x-busyness-signature"] == f"sha256={signed}"
    assert headers["content-type"] == "application/json"
    assert state == WebhookState(sent=2)


def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    posted(receiver, alert())
    assert not [name for name in receiver.taken[0][0] if name.startswith("x-busyness")]


def test_slack_gets_a_text(receiver: Receiver) -> None:
    posted(receiver, *(alert(index) for index in range(25)), format="slack")
    text = json.loads(receiver.taken[0][1])["text"]
    assert text.splitlines()[0] == alert(0).text
    assert text.splitlines()[-1] == "and 5 more"


def test_a_post_that_fails_is_tried_again_with_the_same_ids(receiver: Receiver) -> None:
    receiver.answers = [500, 429]
    assert posted(receiver, alert()) == WebhookState(sent=1)
    ((_, body),) = receiver.taken
    assert json.loads(body)["alerts"][0]["id"] == alert().id


def test_an_alert_has_one_id_and_no_other_has_it() -> None:
    again = Alert.model_validate_json(alert().model_dump_json(exclude_defaults=True))
    later = alert().model_copy(update={"at": at(31)})
    assert alert().id == again.id
    assert len({alert(0).id, alert(1).id, later.id, alert().model_copy(update={"kind": AlertKind.CAMERA_BACK}).id}) == 4


class Deaf:
    """A guest whose webhook takes nothing until it was tried so often."""

    def __init__(self, hears_after: int = 0) -> None:
        self.tries = 0
        self.bodies: list[bytes] = []
        self.hears_after = hears_after

    def post(self, url: str, content: bytes, *, headers: Mapping[str, str]) -> None:
        self.tries += 1
        if self.tries <= self.hears_after:
            raise FetchFailed("it does not answer")
        self.bodies.append(content)

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]


HOOK = to("https://hooks.example.org/T0/secret")


def test_what_waits_is_tried_for_hours(caplog: pytest.LogCaptureFixture) -> None:
    """A receiver that was away for a day is told of it, and then of what came after."""
    guest, clock, book = Deaf(hears_after=600), HurriedClock(), book_of(HOOK)
    keep(book, alert(1))
    sender = AlertSender(HOOK, guest, clock, book, random=Random(1))  # type: ignore[arg-type]
    sender.start()
    until(lambda: state_of(book, HOOK).sent == 1)
    keep(book, alert(2))
    sender.look()
    until(lambda: state_of(book, HOOK).sent == 2)
    sender.stop()
    assert [one["alerts"][0]["camera"] for one in guest.told] == ["cam1", "cam2"]
    assert 18 * 3600 < clock.slept_s <= 600 * LONGEST_PAUSE_S, "full jitter below the cap: half of it in the mean"
    assert "secret" not in caplog.text


def test_too_many_drop_the_oldest_and_the_next_post_says_so(caplog: pytest.LogCaptureFixture) -> None:
    guest, book = Deaf(), book_of(HOOK, most_waiting=3)
    keep(book, *(alert(index) for index in range(4)))
    keep(book, alert(4))
    assert state_of(book, HOOK) == WebhookState(dropped=2, waiting=3)
    assert "hooks.example.org: 1 dropped: too many wait" in caplog.text
    sender = AlertSender(HOOK, guest, HurriedClock(), book, random=Random(1))  # type: ignore[arg-type]
    sender.start()
    until(lambda: state_of(book, HOOK).waiting == 0)
    keep(book, alert(5))
    sender.stop()
    said = [([alert["camera"] for alert in one["alerts"]], one["dropped"]) for one in guest.told]
    assert said == [(["cam2", "cam3", "cam4"], 2), (["cam5"], 0)], "the last of them when it was told to end"


def test_what_was_dropped_while_a_post_was_under_way_is_neither_sent_nor_forgotten() -> None:
    book, key = book_of(HOOK, most_waiting=2), HOOK.webhooks[0].key
    keep(book, alert(0), alert(1))
    batch = book.waiting(key, 1)
    keep(book, alert(2), alert(3))
    book.sent(key, batch)
    assert [one.camera for one in book.waiting(key, 9).alerts] == ["cam2", "cam3"]
    assert book.waiting(key, 9).untold == 2


def test_what_waits_is_posted_by_the_next_process(tmp_path: Path) -> None:
    deaf, hearing, shelf = Deaf(hears_after=10_000), Deaf(), FolderShelf(tmp_path)
    keep(book_of(HOOK, shelf), alert(1))
    for guest in (deaf, hearing):
        book = book_of(HOOK, shelf)
        sender = AlertSender(HOOK, guest, HurriedClock(), book, random=Random(1))  # type: ignore[arg-type]
        sender.start()
        until(lambda: guest.tries > 0)  # noqa: B023 - called at once
        sender.stop()
    (said,) = hearing.told
    assert said["alerts"][0]["id"] == alert(1).id
    assert book_of(HOOK, shelf).waiting(HOOK.webhooks[0].key, 9).alerts == ()
    assert "hooks.example.org" not in (tmp_path / "alerts.json").read_text(), "an address may be a secret"


def test_a_webhook_whose_address_was_mended_is_told_what_waits_and_one_that_has_it_is_not() -> None:
    shelf, mended = MemoryShelf(), to("https://hooks.example.org/mended")
    both = AlertsConfig(webhooks=(*HOOK.webhooks, WebhookConfig(url="https://other.example.org/")))
    wrong, other = (webhook.key for webhook in both.webhooks)
    book = book_of(both, shelf)
    keep(book, alert(1))
    book.sent(other, book.waiting(other, 9))
    assert [one.camera for one in book.waiting(wrong, 9).alerts] == ["cam1"]
    after = book_of(AlertsConfig(webhooks=(both.webhooks[1], *mended.webhooks)), shelf)
    keep(after, alert(2))
    assert [one.camera for one in after.waiting(other, 9).alerts] == ["cam2"]
    assert [one.camera for one in after.waiting(mended.webhooks[0].key, 9).alerts] == ["cam1", "cam2"]


def test_two_webhooks_of_one_address_are_refused() -> None:
    with pytest.raises(ValidationError, match="told everything twice"):
        AlertsConfig(webhooks=HOOK.webhooks * 2)


def test_a_document_that_cannot_be_read_is_begun_anew(caplog: pytest.LogCaptureFixture) -> None:
    shelf = MemoryShelf()
    shelf.put("alerts.json", '{"said": "mended by hand', version=None)
    book = book_of(HOOK, shelf)
    keep(book, alert(1))
    assert state_of(book, HOOK).waiting == 1
    assert "alerts.json is begun anew" in caplog.text


def test_a_secret_that_is_not_in_the_environment_is_named() -> None:
    settings = AlertsConfig(webhooks=(WebhookConfig(url="https://hooks.example.org/x", secret_env="HOOK"),))
    with pytest.raises(ConfigError, match="HOOK is not set"):
        AlertSender(settings, Deaf(), HurriedClock(), book_of(settings), environment={})  # type: ignore[arg-type]


def test_dropped_alerts_are_a_line_of_the_text() -> None:
    assert json.loads(body_of([alert()], 7, "slack"))["text"].endswith("7 alerts before these could not be sent")
