"""What an aggregate worker does with what comes over the bus.

    observations --> store: observations, readings, health, in one transaction --> revisions of readings
    health       --> held against what is stored of the camera --> store
    loops        --> store

All of it may come again, and changes nothing then. Readings are announced after they are stored: those that changed,
and those of observations that were stored already, for the worker before may have been stopped in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from aggregate.aggregator import Aggregator
from aggregate.revisions import revisions_of
from aggregate.store import Store
from busyness.cluster.consuming import Refused
from busyness.metrics import StoringMeters
from core.bus import REVISIONS, Bus
from core.clock import Clock
from core.health import HealthEvent
from core.loops import LoopReading
from core.records import CountObservation
from ingest.city.health import HealthLog

_EVER = datetime(9999, 12, 31, tzinfo=UTC)


class Aggregating:
    """Handles observations for `Consuming`."""

    def __init__(self, bus: Bus, store: Store, aggregator: Aggregator, clock: Clock, meters: StoringMeters) -> None:
        self._bus = bus
        self._store = store
        self._aggregator = aggregator
        self._clock = clock
        self._meters = meters

    def __call__(self, observations: Sequence[CountObservation]) -> Sequence[Refused[CountObservation]]:
        with self._store.transaction():
            taken = self._aggregator.take(observations)
            events = _events(self._store, taken.newest, self._clock)
            self._store.save_health(events)
        told = (one for readings in (taken.known, taken.changed) for one in revisions_of(readings))
        revisions = {one.identity: one for one in told}  # a window may have had both news and what came again
        self._bus.publish_written(REVISIONS, list(revisions.values()))
        self._meters.stored(taken.stored, len(taken.changed))
        return [Refused(one, reason) for one, reason in taken.refused]


class KeepingHealth:
    """Handles what feeds say of their cameras: what is news, by what is stored of the camera, is stored."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def __call__(self, notes: Sequence[HealthEvent]) -> Sequence[Refused[HealthEvent]]:
        with self._store.transaction():
            events = _noted(self._store, notes, self._clock)
            self._store.save_health(events)
        return ()


class KeepingLoops:
    """Handles readings of loops and counters: they are stored as they are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, readings: Sequence[LoopReading]) -> Sequence[Refused[LoopReading]]:
        self._store.save_loops(readings)
        return ()


def _events(store: Store, newest: Sequence[CountObservation], clock: Clock) -> list[HealthEvent]:
    """What observations that are newer than all before them say of their cameras."""
    events: list[HealthEvent] = []
    if newest:
        known = store.health(_EVER, _EVER, sorted({one.camera for one in newest}))
        HealthLog(events.append, known, clock.now()).counted(newest)
    return events


def _noted(store: Store, notes: Sequence[HealthEvent], clock: Clock) -> list[HealthEvent]:
    """What is news of the notes. One that was stored already comes again, and what came after it stands."""
    known = store.health(min(note.since for note in notes), _EVER, sorted({note.camera for note in notes}))
    events: list[HealthEvent] = []
    log = HealthLog(events.append, {event.camera: event for event in known}.values(), clock.now())
    for note in notes:
        if note not in known:
            log.note(note.camera, note.state, note.since, note.reason)
    return events
