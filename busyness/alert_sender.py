"""Posts alerts to webhooks: one thread for each, so that one that does not answer holds up no other.

A post is JSON. `json`: {"alerts": [...], "dropped": n} with the fields of `Alert` and its text; `slack`: {"text": ...}.
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
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from busyness.alerts import Alert, AlertsConfig, WebhookConfig
from core.clock import Clock
from core.errors import ConfigError
from ingest.feed import FetchFailed
from ingest.fetch.guest import Guest, GuestConfig, host_entry

MOST_WAITING = 1000
"""Alerts that wait for one webhook; beyond it the oldest are dropped, which the next post says."""

MOST_AT_ONCE = 200
SHOWN = 20
"""Lines of a text; of the others it is said how many."""

ATTEMPTS = 8
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 300.0
_TICK_S = 1.0

log = logging.getLogger(__name__)


def webhook_guest_config(config: AlertsConfig) -> GuestConfig:
    """What the webhooks' guest may do: post to their hosts. Raises `FetchFailed` for a URL that is none."""
    hosts = tuple(sorted({host_entry(webhook.url) for webhook in config.webhooks}))
    return GuestConfig(hosts=hosts, private_networks=config.private_networks)


@dataclass(frozen=True)
class SenderState:
    """What became of the alerts for one webhook. `webhook` is its host: the rest of its address may be a secret."""

    webhook: str
    sent: int = 0
    dropped: int = 0
    waiting: int = 0


class AlertSender:
    """Sends to every webhook of the configuration. Raises `ConfigError` where a secret is not in the environment."""

    def __init__(
        self,
        config: AlertsConfig,
        guest: Guest,
        clock: Clock,
        *,
        environment: Mapping[str, str] = os.environ,
        random: Random | None = None,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        jitter = random or Random()  # noqa: S311 - not a secret
        self._outboxes = [
            _Outbox(webhook, _secret(webhook, environment), guest, clock, random=jitter, most_waiting=most_waiting)
            for webhook in config.webhooks
        ]

    def start(self) -> None:
        """Start the threads."""
        for outbox in self._outboxes:
            outbox.start()

    def send(self, alerts: Sequence[Alert]) -> None:
        """Put alerts in every webhook's queue; never waits."""
        for outbox in self._outboxes:
            outbox.put(alerts)

    @property
    def states(self) -> Sequence[SenderState]:
        return [outbox.state for outbox in self._outboxes]

    def stop(self, *, wait_s: float = 5.0) -> None:
        """Post what waits, once more and no longer than `wait_s`, and end."""
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
    said = [alert.model_dump(mode="json") | {"text": alert.text} for alert in alerts]
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
    """The alerts that wait for one webhook, and the thread that posts them."""

    def __init__(
        self,
        webhook: WebhookConfig,
        secret: str | None,
        guest: Guest,
        clock: Clock,
        *,
        random: Random,
        most_waiting: int,
    ) -> None:
        self._webhook = webhook
        self._secret = secret
        self._guest = guest
        self._clock = clock
        self._random = random
        self._host = host_entry(webhook.url)
        self._waiting: deque[Alert] = deque()
        self._most_waiting = most_waiting
        self._unsaid = 0  # alerts dropped since the last post that arrived
        self._sent = self._dropped = 0
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"alerts-{self._host}", daemon=True)

    @property
    def state(self) -> SenderState:
        with self._changed:
            return SenderState(self._host, self._sent, self._dropped, len(self._waiting))

    def start(self) -> None:
        self._thread.start()

    def put(self, alerts: Sequence[Alert]) -> None:
        with self._changed:
            self._waiting.extend(alerts)
            over = len(self._waiting) - self._most_waiting
            for _ in range(over):
                self._waiting.popleft()
            if over > 0:
                self._drop(over, "too many wait")
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def join(self, wait_s: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(wait_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting) or self._stopping)
                batch = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
            if not batch:
                return
            self._deliver(batch)

    def _deliver(self, batch: Sequence[Alert]) -> None:
        """Post until it arrives, and give up after a while; `dropped` is told by the next post that arrives."""
        for attempt in range(ATTEMPTS):
            with self._changed:
                unsaid = self._unsaid
            try:
                self._post(batch, unsaid)
            except FetchFailed as error:
                log.warning("alerts to %s: %s", self._host, error.message)
                if self._stopping or not self._pause(attempt, error.retry_after_s):
                    break
                continue
            with self._changed:
                self._sent += len(batch)
                self._unsaid -= unsaid
            return
        with self._changed:
            self._drop(len(batch), "the webhook does not take them")

    def _post(self, batch: Sequence[Alert], unsaid: int) -> None:
        body = body_of(batch, unsaid, self._webhook.format)
        headers = {"Content-Type": "application/json"}
        if self._secret is not None:
            timestamp = str(int(self._clock.now().timestamp()))
            headers["X-Busyness-Timestamp"] = timestamp
            headers["X-Busyness-Signature"] = signature(self._secret, timestamp, body)
        self._guest.post(self._webhook.url, body, headers=headers)

    def _pause(self, attempt: int, asked_s: float | None) -> bool:
        """Exponential backoff with full jitter, no shorter than the receiver asks; False where it is time to stop."""
        backoff_s = self._random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**attempt))
        left_s = max(backoff_s, min(asked_s or 0.0, LONGEST_PAUSE_S))
        while left_s > 0 and not self._stopping:
            self._clock.sleep(min(left_s, _TICK_S))
            left_s -= _TICK_S
        return not self._stopping

    def _drop(self, alerts: int, why: str) -> None:
        """Hold the lock."""
        self._dropped += alerts
        self._unsaid += alerts
        log.warning("alerts to %s: %d dropped: %s", self._host, alerts, why)
