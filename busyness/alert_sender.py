"""Posts the alerts that wait to webhooks: one thread for each, so that one that does not answer holds up no other.

A post is JSON. `json`: {"alerts": [...], "dropped": n} with the fields of `Alert`, its text and its id; `slack`:
{"text": ...}. An alert is posted until the webhook takes it, also by the processes after this one; whose answer was
lost is posted once more, and its id says so.
Where there is a secret, `X-Busyness-Signature: sha256=HEX` is the HMAC-SHA256, with it as the key, of the value of
`X-Busyness-Timestamp`, a full stop and the body: a receiver computes the same, compares, and refuses old timestamps.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import threading
from collections.abc import Mapping, Sequence
from random import Random

from busyness.alert_book import AlertBook
from busyness.alerts import Alert, AlertsConfig, WebhookConfig
from core.clock import Clock
from core.errors import ConfigError, StoreError
from ingest.feed import FetchFailed
from ingest.fetch.guest import Guest, GuestConfig, host_entry
from ingest.fetch.retry import backoff_s

MOST_AT_ONCE = 50
"""A post is below the 100 kB that many receivers take at most: it is tried until it is taken."""

SHOWN = 20
"""Lines of a text; of the others it is said how many."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 300.0
_TICK_S = 1.0

log = logging.getLogger(__name__)


def webhook_guest_config(config: AlertsConfig) -> GuestConfig:
    """What the webhooks' guest may do: post to their hosts. Raises `FetchFailed` for a URL that is none."""
    hosts = tuple(sorted({host_entry(webhook.url) for webhook in config.webhooks}))
    return GuestConfig(hosts=hosts, private_networks=config.private_networks)


class AlertSender:
    """Sends what waits in the book to every webhook. Raises `ConfigError` where a secret is not in the environment."""

    def __init__(
        self,
        config: AlertsConfig,
        guest: Guest,
        clock: Clock,
        book: AlertBook,
        *,
        environment: Mapping[str, str] = os.environ,
        random: Random | None = None,
    ) -> None:
        jitter = random or Random()  # noqa: S311 - not a secret
        self._outboxes = [
            _Outbox(webhook, _secret(webhook, environment), guest, clock, book=book, random=jitter)
            for webhook in config.webhooks
        ]

    def start(self) -> None:
        """Start the threads, with what waits already."""
        for outbox in self._outboxes:
            outbox.start()

    def look(self) -> None:
        """There may be more in the book; never waits."""
        for outbox in self._outboxes:
            outbox.look()

    def stop(self, *, wait_s: float = 5.0) -> None:
        """Post what waits, once more and no longer than `wait_s`, and end; what is not taken stays in the book."""
        for outbox in self._outboxes:
            outbox.stop()
        for outbox in self._outboxes:
            outbox.join(wait_s)


def body_of(alerts: Sequence[Alert], dropped: int, form: str) -> bytes:
    """What is posted, as JSON in UTF-8."""
    if form == "slack":
        lines = [alert.text for alert in alerts[:SHOWN]]
        lines += [f"and {len(alerts) - SHOWN} more"] if len(alerts) > SHOWN else []
        lines += [f"{dropped} alerts before these could not be sent"] if dropped else []
        return json.dumps({"text": "\n".join(lines)}).encode()
    said = [{"id": alert.id} | alert.model_dump(mode="json") | {"text": alert.text} for alert in alerts]
    return json.dumps({"alerts": said, "dropped": dropped}).encode()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of `X-Busyness-Signature`."""
    signed = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


def _secret(webhook: WebhookConfig, environment: Mapping[str, str]) -> str | None:
    if webhook.secret_env is None:
        return None
    secret = environment.get(webhook.secret_env)
    if not secret:
        raise ConfigError(
            f"alerts: the environment variable {webhook.secret_env} is not set",
            remedy="Set it to the secret that the webhook's receiver knows, or remove secret_env",
        )
    return secret


class _Outbox:
    """The thread that posts what waits for one webhook."""

    def __init__(
        self,
        webhook: WebhookConfig,
        secret: str | None,
        guest: Guest,
        clock: Clock,
        *,
        book: AlertBook,
        random: Random,
    ) -> None:
        self._webhook = webhook
        self._secret = secret
        self._guest = guest
        self._clock = clock
        self._book = book
        self._random = random
        self._host = host_entry(webhook.url)
        self._stopping = False
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"alerts-{self._host}", daemon=True)

    def start(self) -> None:
        self._news.set()
        self._thread.start()

    def look(self) -> None:
        self._news.set()

    def stop(self) -> None:
        self._stopping = True
        self._news.set()

    def join(self, wait_s: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(wait_s)

    def _run(self) -> None:
        failures = 0
        while True:
            self._news.clear()
            ending = self._stopping  # before it looks: what waits when it is told to end is tried once more
            try:
                while self._delivered():
                    failures = 0
            except (FetchFailed, StoreError) as error:
                log.warning("alerts to %s: %s", self._host, error.message)
                if not ending:
                    self._pause(failures, getattr(error, "retry_after_s", None))
                    failures += 1
                    continue
            if ending:
                return
            self._news.wait()

    def _delivered(self) -> bool:
        """Post what has waited longest; False where nothing waits. Raises `FetchFailed`, `StoreError`."""
        batch = self._book.waiting(self._webhook.key, MOST_AT_ONCE)
        if not batch.alerts:
            return False
        body = body_of(batch.alerts, batch.untold, self._webhook.format)
        headers = {"Content-Type": "application/json"}
        if self._secret is not None:
            timestamp = str(int(self._clock.now().timestamp()))
            headers["X-Busyness-Timestamp"] = timestamp
            headers["X-Busyness-Signature"] = signature(self._secret, timestamp, body)
        self._guest.post(self._webhook.url, body, headers=headers)
        self._book.sent(self._webhook.key, batch)
        return True

    def _pause(self, failures: int, asked_s: float | None) -> None:
        """Exponential backoff with full jitter, no shorter than the receiver asks; shorter where it is time to stop."""
        backed_off_s = backoff_s(failures, self._random, base_s=FIRST_PAUSE_S, cap_s=LONGEST_PAUSE_S)
        left_s = max(backed_off_s, min(asked_s or 0.0, LONGEST_PAUSE_S))
        while left_s > 0 and not self._stopping:
            self._clock.sleep(min(left_s, _TICK_S))
            left_s -= _TICK_S
