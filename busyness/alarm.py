"""Looks once a minute how cameras are, and tells the webhooks what was lost and what is back.

store: states of now --> Losses --> AlertBook: said, and waiting, in one put --> AlertSender --> webhooks
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from busyness.alert_book import AlertBook, WebhookState
from busyness.alert_sender import AlertSender, webhook_guest_config
from busyness.alerts import Alert, AlertsConfig, Losses, Said
from core.clock import Clock
from core.errors import BusynessError
from core.health import HealthEvent
from core.shelf import Shelf
from ingest.fetch.guest import Guest, GuestConfig, host_entry

log = logging.getLogger(__name__)

TICK = timedelta(minutes=1)
LOOK_S = 0.5


@dataclass(frozen=True)
class Watched:
    """The source of every camera that is watched. While not all lists have come, it is not `complete`."""

    sources: Mapping[str, str]
    complete: bool = True


class Alarm:
    """One thread that speaks at ticks. What was said and what waits is on the shelf, for whoever comes after it.

    `health` tells how cameras are by now: it is asked at every tick, so that nothing that it ever tells is missed.
    """

    def __init__(
        self,
        config: AlertsConfig,
        guest: Callable[[str, GuestConfig], Guest],
        clock: Clock,
        *,
        watched: Callable[[], Watched],
        health: Callable[[], Iterable[HealthEvent]],
        shelf: Shelf,
    ) -> None:
        """Raises `ConfigError` where a webhook's secret is not in the environment."""
        self._clock = clock
        self._watched = watched
        self._health = health
        self._losses = Losses(config, {})
        self._hosts = {webhook.key: host_entry(webhook.url) for webhook in config.webhooks}
        self._book = AlertBook(shelf, self._hosts)
        self._guest = guest("alerts", webhook_guest_config(config))
        self._sender = AlertSender(config, self._guest, clock, self._book)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        """Speak from now on, and send what still waits."""
        self._sender.start()
        self._thread.start()

    def tell(self, alerts: Sequence[Alert]) -> None:
        """Send these too. Raises `StoreError` where they cannot be kept: then nobody is told."""
        self._book.say(lambda said: (said, alerts))
        self._sender.look()

    @property
    def states(self) -> Sequence[tuple[str, WebhookState]]:
        """The host of every webhook, for the rest of its address may be a secret, and what became of its alerts."""
        return [(host, self._book.state(key)) for key, host in self._hosts.items()]

    def stop(self) -> None:
        """Send what waits, for a little while, and end."""
        self._stopping.set()
        self._thread.join(LOOK_S * 4)
        self._sender.stop()
        self._guest.close()

    def _run(self) -> None:
        due = self._clock.now() + TICK
        while not self._stopping.wait(LOOK_S):
            if self._clock.now() >= due:
                due = self._tick()

    def _tick(self) -> datetime:
        now = self._clock.now()
        try:
            watched = self._watched()
            self._losses.watch(watched.sources, complete=watched.complete)
            for event in self._health():
                self._losses.note(event)
            for alert in self._book.say(lambda said: self._judged(said, now)):
                log.warning("%s", alert.text)
            self._sender.look()
        except BusynessError as error:
            log.error("alerts: %s", error)
        except Exception:  # a mistake of ours must not end the only one who tells of losses
            log.exception("alerts: this minute's could not be told")
        return now + TICK

    def _judged(self, said: Said, now: datetime) -> tuple[Said, Sequence[Alert]]:
        self._losses.said = said
        alerts = self._losses.tick(now)
        return self._losses.said, alerts
