"""What one aggregate worker at a time does for the whole installation, beside the records that fall to it.

    what is usual    built every night                                  busyness/nightly_baselines.py
    alarms           losses of cameras, and drifts against their loops   busyness/alarm.py, busyness/loop_watch.py

Whose turn it is the database tells. When that worker dies, another takes over: what is due is built, and alerts go on
where they were, since what was said and what waits is in the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Protocol

from prometheus_client import CollectorRegistry

from aggregate.answers import Answers
from aggregate.postgres_config import PostgresConfig
from aggregate.store import Store
from busyness.alarm import Alarm, Watched
from busyness.alert_book import WebhookState
from busyness.alerts import Alert
from busyness.city import OpenFeeds
from busyness.cluster.source_names import SourceNames
from busyness.cluster.worker import Worker
from busyness.config import Config
from busyness.feed_metrics import AlertMeters
from busyness.keeping import open_shelf
from busyness.loop_watch import LoopWatch
from busyness.nightly_baselines import NightlyBaselines
from busyness.wiring import builder_of, usual_of
from core.clock import Clock, SystemClock

LOOK_S = 5.0


class Turn(Protocol):
    """Says whose turn it is, of all workers."""

    def mine(self) -> bool:
        """Whether it is ours now; taken where nobody has it."""
        ...

    def close(self) -> None:
        """Give it up."""
        ...


class Nightly:
    """A loop for `Worker.loop`: lets what is usual be built while the worker runs, by whoever's turn it is."""

    def __init__(self, worker: Worker, turn: Turn, nightly: NightlyBaselines) -> None:
        self._worker = worker
        self._turn = turn
        self._nightly = nightly

    def __call__(self) -> None:
        self._nightly.start()
        self._worker.stopping.wait()
        self._nightly.stop()
        self._turn.close()


class Alarms:
    """A loop for `Worker.loop`: while it is this worker's turn, losses are told, and cameras held against their loops.

    `open_alarm` begins what tells of losses; None where nobody is to be told. `watch` is to be set where there are
    loops, and to `tell` of its drifts.
    """

    def __init__(self, worker: Worker, turn: Turn, open_alarm: Callable[[], Alarm] | None) -> None:
        self.watch: LoopWatch | None = None
        self._worker = worker
        self._turn = turn
        self._open_alarm = open_alarm
        self._alarm: Alarm | None = None

    def __call__(self) -> None:
        with closing(self._turn):
            while True:
                if self._turn.mine():
                    with self._telling():
                        self._while_mine()
                self._worker.pause(LOOK_S)

    def tell(self, alerts: Sequence[Alert]) -> None:
        """Send these too."""
        if self._alarm is not None:
            self._alarm.tell(alerts)

    @property
    def states(self) -> Sequence[tuple[str, WebhookState]]:
        """What became of the alerts for each webhook; of none where it is another's turn."""
        alarm = self._alarm
        return () if alarm is None else alarm.states

    @contextmanager
    def _telling(self) -> Iterator[None]:
        if self._open_alarm is None:
            yield
            return
        self._alarm = self._open_alarm()
        self._alarm.start()
        try:
            yield
        finally:
            self._alarm.stop()
            self._alarm = None

    def _while_mine(self) -> None:
        while self._turn.mine():
            if self.watch is not None:
                self.watch.look_when_due()
            self._worker.pause(LOOK_S)


def add_duties(worker: Worker, config: Config, store: Store, clock: Clock, registry: CollectorRegistry) -> None:
    """Let a worker take its turns. Raises `ConfigError`."""
    live = isinstance(clock, SystemClock) and config.folder is None
    usual = usual_of(config, store)
    answers = Answers(store, clock, live=live, usual=usual, beside=config.beside)
    turn = open_turn(config, "nightly")
    nightly = NightlyBaselines(builder_of(store, usual), answers.present, clock, ours=turn.mine)
    worker.loop("nightly", Nightly(worker, turn, nightly))
    if not (config.alerts.webhooks or config.loops):
        return
    names, shelf = SourceNames(open_shelf(config, "ingest")), open_shelf(config, "alerts")
    guests = OpenFeeds(clock)

    def watched() -> Watched:
        sources = names.by_camera()
        return Watched(sources, complete=bool(sources))

    def open_alarm() -> Alarm:
        return Alarm(config.alerts, guests.guest, clock, watched=watched, health=store.health_now, shelf=shelf)

    alarms = Alarms(worker, open_turn(config, "alarms"), open_alarm if config.alerts.webhooks else None)
    registry.register(AlertMeters(lambda: alarms.states))
    if config.loops:
        alarms.watch = LoopWatch(
            answers.beside.checks, answers.present, registry, source_of=names.of, tell=alarms.tell, shelf=shelf
        )
    worker.loop("alarms", alarms)


def open_turn(config: Config, name: str) -> Turn:
    """The turn of this name among all workers of an installation."""
    if not isinstance(config.store, PostgresConfig):
        return _Alone()
    from aggregate.postgres_turn import PostgresTurn  # noqa: PLC0415 - the embedded store needs no client

    return PostgresTurn(config.store, name)


class _Alone:
    """The turn of the only one there is."""

    def mine(self) -> bool:
        return True

    def close(self) -> None:
        """There is nobody to give it to."""
