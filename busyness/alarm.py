"""Watches how cameras are, and tells the webhooks once a minute what was lost and what is back."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from busyness.alert_sender import AlertSender, webhook_guest_config
from busyness.alerts import Alert, AlertsConfig, Losses
from core.clock import Clock
from core.errors import BusynessError
from core.health import HealthEvent
from ingest.fetch.guest import Guest, GuestConfig

log = logging.getLogger(__name__)

TICK = timedelta(minutes=1)
LOOK_S = 0.5

Sources = Callable[[], Mapping[str, str]]


class Alarm:
    """One thread that takes health events and speaks at ticks. `sources` gives the source of every camera of now.

    `known` is how cameras were before a restart: what is still lost is said once more.
    """

    def __init__(
        self,
        config: AlertsConfig,
        guest: Callable[[str, GuestConfig], Guest],
        clock: Clock,
        *,
        sources: Sources,
        known: Iterable[HealthEvent] = (),
    ) -> None:
        """Raises `ConfigError` where a webhook's secret is not in the environment."""
        self._clock = clock
        self._sources = sources
        self._events: queue.SimpleQueue[HealthEvent] = queue.SimpleQueue()
        self._losses = Losses(config, sources())
        self._guest = guest("alerts", webhook_guest_config(config))
        self._sender = AlertSender(config, self._guest, clock)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        for event in known:
            self._events.put(event)

    def start(self) -> None:
        """Speak from now on."""
        self._sender.start()
        self._thread.start()

    def note(self, event: HealthEvent) -> None:
        """A camera's state has changed. Never waits."""
        self._events.put(event)

    def tell(self, alerts: Sequence[Alert]) -> None:
        """Send these too. Never waits."""
        self._sender.send(alerts)

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
            self._losses.watch(self._sources())
            while not self._events.empty():
                self._losses.note(self._events.get())
            alerts = self._losses.tick(now)
            for alert in alerts:
                log.warning("%s", alert.text)
            self._sender.send(alerts)
        except BusynessError as error:
            log.error("alerts: %s", error)
        except Exception:  # a mistake of ours must not end the only one who tells of losses
            log.exception("alerts: this minute's could not be told")
        return now + TICK
