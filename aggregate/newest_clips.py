"""What is newest of each camera, as every store keeps it beside the observations: nobody has to search for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.records import CountObservation, Status


@dataclass(frozen=True)
class NewestClip:
    """The newest clip, count and content of a camera.

    Of the zones and models that share the newest clip the newest count speaks; ties go to the larger id. `last_counted`
    is the event time of the newest clip with status ok, `content` that of the newest clip whose content is known.
    """

    camera: str
    event_time: datetime | None = None
    counted_at: datetime | None = None
    id: str | None = None
    status: str | None = None
    reason: str | None = None
    last_counted: datetime | None = None
    content: str | None = None
    content_time: datetime | None = None
    content_counted_at: datetime | None = None


def perhaps_stored(observations: Iterable[CountObservation], kept: Mapping[str, NewestClip]) -> list[CountObservation]:
    """Those of which a count may be stored already: nothing is that is newer than the newest clip of its camera."""
    times = {camera: newest.event_time for camera, newest in kept.items()}
    return [one for one in observations if (newest := times.get(one.camera)) is not None and one.event_time <= newest]


def among(perhaps: Sequence[CountObservation], changed: Sequence[CountObservation]) -> list[CountObservation]:
    """Those of `perhaps_stored` that have changed: recounts, and what is new though its camera has a newer clip."""
    ids = {one.id for one in changed}
    return [one for one in perhaps if one.id in ids] if perhaps else []


@dataclass(frozen=True)
class Advanced:
    """The cameras' newest clips once observations are stored; of those in `taken_back` the last count may be gone."""

    newest: Mapping[str, NewestClip]
    taken_back: frozenset[str]


def advanced(kept: Mapping[str, NewestClip], observations: Sequence[CountObservation], *, recount: bool) -> Advanced:
    """What becomes of `kept`, by camera, with observations that have just been stored, in any order.

    `recount`: some of them have replaced others; then a count may have been taken back, which only a look at what is
    stored can tell.
    """
    last = _newest(observations, _order)
    counted = _newest([one for one in observations if one.status is Status.OK], _order)
    known = _newest([one for one in observations if one.content is not None], _order_of_content)
    newest = {
        camera: _advanced(kept.get(camera) or NewestClip(camera), one, counted.get(camera), known.get(camera))
        for camera, one in last.items()
    }
    taken_back = (
        one.camera
        for one in observations
        if recount and one.status is not Status.OK and one.event_time == newest[one.camera].last_counted
    )
    return Advanced(newest, frozenset(taken_back))


def _newest(
    observations: Sequence[CountObservation], order: Callable[[CountObservation], tuple[Any, ...]]
) -> dict[str, CountObservation]:
    """The newest of each camera, in the order of the first; ties go to the greater in `order`."""
    newest: dict[str, CountObservation] = {}
    for one in observations:
        rival = newest.get(one.camera)
        # Of nearly all no more than one look at the time is needed.
        if (
            rival is None
            or one.event_time > rival.event_time
            or (one.event_time == rival.event_time and order(one) > order(rival))
        ):
            newest[one.camera] = one
    return newest


def _advanced(
    kept: NewestClip, last: CountObservation, counted: CountObservation | None, known: CountObservation | None
) -> NewestClip:
    newer = kept.id is None or _order(last) >= (kept.event_time, kept.counted_at, kept.id)
    last_counted = kept.last_counted
    if counted is not None and (last_counted is None or last_counted < counted.event_time):
        last_counted = counted.event_time
    content: tuple[Any, ...] = (kept.content_time, kept.content_counted_at, kept.content)
    if known is not None and (kept.content is None or _order_of_content(known) > content):
        content = _order_of_content(known)
    return NewestClip(
        camera=kept.camera,
        event_time=last.event_time if newer else kept.event_time,
        counted_at=last.counted_at if newer else kept.counted_at,
        id=last.id if newer else kept.id,
        status=last.status.value if newer else kept.status,
        reason=last.reason if newer else kept.reason,
        last_counted=last_counted,
        content=content[2],
        content_time=content[0],
        content_counted_at=content[1],
    )


def _order(one: CountObservation) -> tuple[datetime, datetime, str]:
    return one.event_time, one.counted_at, one.id


def _order_of_content(one: CountObservation) -> tuple[datetime, datetime, str | None]:
    return one.event_time, one.counted_at, one.content
