"""One record of each topic, and what a broker would hand on of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from core.bus import CLIPS, DEAD_LETTERS, HEALTH, LOOPS, OBSERVATIONS, REVISIONS, Topic
from core.figures import SERIES, Figures, Gains, Shares
from core.health import CameraState, HealthEvent
from core.kafka.envelope import headers_of
from core.letters import DeadLetter
from core.loops import LoopReading
from core.records import ClipFault, ClipReady, CountObservation, Reading, Status, TrustState, Window, observation_id
from core.revisions import ReadingRevision

NOON = datetime(2026, 3, 12, 12, 0, 0, 123456, tzinfo=UTC)


def clip(number: int = 0, camera: str = "00001.06710") -> ClipReady:
    return ClipReady(camera=camera, event_time=NOON + timedelta(minutes=number), location=f"clip-{number}.mp4")


def observation(number: int = 0, camera: str = "00001.06710", zone: str = "pavement") -> CountObservation:
    at = NOON + timedelta(minutes=number)
    figures = Figures.of([0.1 + number + index / 7 for index in range(len(SERIES))])
    return CountObservation(
        id=observation_id(camera, zone, at, "street@0123"),
        camera=camera,
        zone=zone,
        event_time=at,
        duration_s=9.8,
        status=Status.OK,
        frames=6,
        present=figures,
        peak=figures,
        spread=figures,
        low=figures,
        high=figures,
        gain=Gains(people=1.1),
        shared=Shares(),
        content="0123456789abcdef" * 2,
        model="street@0123",
        counted_at=at,
    )


def revision(number: int = 1) -> ReadingRevision:
    return ReadingRevision.of(
        tuple(
            Reading(
                zone="pavement", camera="00001.06710", series=series, window=Window.QUARTER,
                start=NOON.replace(microsecond=0), end=NOON.replace(microsecond=0) + timedelta(minutes=15),
                mean=1.5, low=1.0, high=2.0, peak=4.0, stationary_share=0.25,
                coverage=1.0, clips_counted=3, clips_expected=3, state=TrustState.OBSERVED, reason=None,
                revision=number, derived_at=NOON,
            )
            for series in SERIES
        )
    )  # fmt: skip


EXAMPLES: dict[Topic[Any], Any] = {
    CLIPS: clip().model_copy(update={"fault": ClipFault(status=Status.UNREACHABLE, reason="no answer")}),
    OBSERVATIONS: observation(),
    HEALTH: HealthEvent(camera="00001.06710", since=NOON, state=CameraState.STALE, reason="nothing new"),
    LOOPS: LoopReading(counter="loop-1", series="vehicles", start=NOON, end=NOON + timedelta(minutes=5), flow=17.0),
    REVISIONS: revision(),
    DEAD_LETTERS: DeadLetter(topic="clips", partition=1, offset=2, payload="{}", reason="why", worker="w", at=NOON),
}


@dataclass(frozen=True)
class FromTheBroker:
    """What kafka-python's `ConsumerRecord` tells us."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    partition: int = 3
    offset: int = 42


def as_it_came(topic: Topic[Any], record: Any, **changes: Any) -> FromTheBroker:
    """The record as the bus publishes it, but for `changes`."""
    (headers,) = headers_of(topic, [topic.identity(record)], "ingest-1")
    told = {"key": topic.key(record).encode(), "value": topic.payload_of(record), "headers": headers} | changes
    return FromTheBroker(**told)
