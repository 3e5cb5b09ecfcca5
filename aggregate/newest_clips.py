"""What is newest of each camera, as every store keeps it beside the observations: nobody has to search for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    of_camera: dict[str, list[CountObservation]] = {}
    for observation in observations:
        of_camera.setdefault(observation.camera, []).append(observation)
    newest = {}
    taken_back = set()
    for camera, clips in of_camera.items():
        now = _advanced(kept.get(camera) or NewestClip(camera), clips)
        newest[camera] = now
        if recount and any(one.status is not Status.OK and one.event_time == now.last_counted for one in clips):
            taken_back.add(camera)
    return Advanced(newest, frozenset(taken_back))


def _advanced(kept: NewestClip, clips: Sequence[CountObservation]) -> NewestClip:
    last = max(clips, key=_order) if len(clips) > 1 else clips[0]
    newer = kept.id is None or _order(last) >= (kept.event_time, kept.counted_at, kept.id)
    counted = max((one.event_time for one in clips if one.status is Status.OK), default=None)
    if counted is None or (kept.last_counted is not None and kept.last_counted > counted):
        counted = kept.last_counted
    content: tuple[Any, ...] = (kept.content_time, kept.content_counted_at, kept.content)
    known = [(one.event_time, one.counted_at, one.content) for one in clips if one.content is not None]
    if known and (kept.content is None or max(known) > content):
        content = max(known)
    return NewestClip(
        camera=kept.camera,
        event_time=last.event_time if newer else kept.event_time,
        counted_at=last.counted_at if newer else kept.counted_at,
        id=last.id if newer else kept.id,
        status=last.status.value if newer else kept.status,
        reason=last.reason if newer else kept.reason,
        last_counted=counted,
        content=content[2],
        content_time=content[0],
        content_counted_at=content[1],
    )


def _order(one: CountObservation) -> tuple[datetime, datetime, str]:
    return one.event_time, one.counted_at, one.id
