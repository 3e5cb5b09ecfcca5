"""What is decided on each clip of a camera, as it would live, and what a person saw in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from core.clock import SystemClock
from core.figures import CLASSES
from core.records import Camera, ClipReady, Status
from detect.counter import ClipCounter
from detect.model import Density
from detect.result import FRAMES_PER_CLIP
from detect.scene import Scene
from detect.view_book import ViewBook
from detect.view_field import decoded
from detect.view_match import place
from ingest.clip import ClipOpener, SampledClip
from ingest.decode import open_media
from ingest.decode_limits import DecodeLimits
from ingest.frame import Frame
from ingest.source import Source

STREET, CARD = "street", "placeholder"


@dataclass(frozen=True)
class Period:
    """What a person saw from one clip to another, both included."""

    camera: str
    begin: datetime
    end: datetime
    view: str


@dataclass(frozen=True)
class Decided:
    """What was decided on a clip; `known` is its similarity to the view that is counted, None where it has no sight."""

    clip: ClipReady
    status: Status
    known: float | None
    shift_px: float
    scene: Scene


class Blank:
    """A counting model that sees nothing, at no cost: what is measured is the view."""

    name = "blank"

    def density(self, frames: Sequence[Frame]) -> Density:
        return np.zeros((len(frames), len(CLASSES), 1, 1), dtype=np.float32)


class Recorded:
    """Opens clips of a folder."""

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        return open_media(Path(clip.location), frames, DecodeLimits())


def period_of(line: dict[str, str]) -> Period:
    begin, end = (datetime.fromisoformat(line[key]) for key in ("from", "to"))
    return Period(line["camera"], begin, end, line["view"])


def decisions(source: Source, opener: ClipOpener, book: ViewBook) -> Iterator[tuple[str, list[Decided]]]:
    """Every camera with what was decided on each of its clips, in the order of their times."""
    clips = list(source.clips())
    for camera in source.cameras:
        yield camera.id, list(decided(camera, [clip for clip in clips if clip.camera == camera.id], opener, book))


def decided(camera: Camera, clips: Sequence[ClipReady], opener: ClipOpener, book: ViewBook) -> Iterator[Decided]:
    """What is decided on each clip of a camera, one after the other."""
    counter = ClipCounter(Blank(), opener, FRAMES_PER_CLIP, SystemClock())
    for clip in clips:
        scene = book.scene_of(camera.id)
        report = counter.report(camera, clip, scene)
        book.learn(camera.id, clip, report.sight)
        sight = report.sight
        known = place(scene, decoded(sight.signature)).known if sight and scene.views else None
        status = report.observations[0].status
        shift_px = 352 * sight.shift.right if sight and status is Status.OK else float("nan")
        yield Decided(clip, status, known, shift_px, scene)


def seen_by_a_person(camera: str, those: Sequence[Decided], periods: Sequence[Period]) -> list[str]:
    """The view that a person saw in each clip."""
    own = [period for period in periods if period.camera == camera]
    return [next(p.view for p in own if p.begin <= one.clip.event_time <= p.end) for one in those]
