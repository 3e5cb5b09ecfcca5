"""The synthetic street: a source of rendered camera clips with known truth, for the demo, for tests and for training.

Every clip follows from (seed, camera, event time) alone: rendered twice, in any process, it has the same pixels and
the same truth. Here it says which cameras and clips there are; `ingest.rendering` draws them.
A clip's location is `synthetic:CAMERA/ISO-TIME`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Literal, Self

from pydantic import Field, model_validator

from core.clock import Clock
from core.config import Closed
from core.records import Camera, ClipReady, CountObservation, Identifier, UtcTime
from ingest.known import Known
from ingest.street.faults import FaultKind
from ingest.street.layout import street
from ingest.street.past import Spell, past_days
from ingest.street.places import synthetic_camera


class SceneFault(Closed):
    """A fault of one camera's feed in the half-open interval [from, to) of event time."""

    camera: Identifier
    kind: FaultKind
    start: UtcTime = Field(alias="from", description="first event time that fails")
    end: UtcTime = Field(alias="to", description="first event time that is sound again")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if not self.start < self.end:
            raise ValueError(f"a fault needs from < to, got from {self.start.isoformat()} to {self.end.isoformat()}")
        return self


class SyntheticConfig(Closed):
    """The synthetic street. `cameras` places, of clips of `clip_s` every `cadence_s`, over `days` from `start`."""

    kind: Literal["synthetic"] = "synthetic"
    cameras: int = Field(default=8, ge=1, le=64, description="how many; they are synthetic-01, synthetic-02, ...")
    seed: int = Field(default=0, ge=0, lt=1 << 32, description="another seed is another city")
    start: UtcTime = Field(
        default=datetime(2026, 3, 12, 0, 0, tzinfo=UTC), description="event time of the first clip; a Thursday"
    )
    days: float | None = Field(default=1.0, gt=0, le=3660, description="how long; null goes on for ever")
    cadence_s: float = Field(default=600.0, ge=1, le=86_400, description="from one clip of a camera to its next")
    past_weeks: int = Field(
        default=0,
        ge=0,
        le=104,
        description="weeks before start with counts made up, without pictures",
    )
    clip_s: float = Field(default=10.0, gt=0, le=600, description="how long a clip lasts, at most cadence_s")
    faults: tuple[SceneFault, ...] = Field(
        default=(), max_length=10_000, description="camera, kind, from, to: when which camera's feed fails, and how"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.clip_s > self.cadence_s:
            raise ValueError(f"clip_s ({self.clip_s:g}) must not exceed cadence_s ({self.cadence_s:g})")
        known = {synthetic_camera_id(index) for index in range(self.cameras)}
        for position, fault in enumerate(self.faults):
            if fault.camera not in known:
                raise ValueError(
                    f"faults.{position}.camera: {fault.camera!r} is not one of the {self.cameras} cameras; "
                    f"they are synthetic-01 to {synthetic_camera_id(self.cameras - 1)}"
                )
        return self


def synthetic_camera_id(index: int) -> str:
    """The id of the camera at a place in the list: synthetic-01 is the first."""
    return f"synthetic-{index + 1:02d}"


class SyntheticStreet:
    """A `Source` and `MediaReader` of clips that are rendered where they are counted."""

    def __init__(self, config: SyntheticConfig, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock
        self._streets = tuple(street(config.seed, index) for index in range(config.cameras))
        self._cameras = tuple(
            synthetic_camera(synthetic_camera_id(index), index, place, cadence_s=config.cadence_s)
            for index, place in enumerate(self._streets)
        )
        self._index = {camera.id: index for index, camera in enumerate(self._cameras)}
        self._stopped = False

    @property
    def cameras(self) -> Sequence[Camera]:
        return self._cameras

    def clips(self) -> Iterator[ClipReady]:
        """Clips of all cameras in order of event time; with a clock, each once its clip has ended by that clock.

        Cameras take turns within a cadence, as a city's do.
        """
        config = self._config
        step = timedelta(seconds=config.cadence_s)
        stagger = timedelta(seconds=config.cadence_s // config.cameras)
        end = None if config.days is None else config.start + timedelta(days=config.days)
        begin = config.start
        while end is None or begin < end:
            for index, camera in enumerate(self._cameras):
                event_time = begin + index * stagger
                if end is not None and event_time >= end:
                    return
                self._wait_until(event_time + timedelta(seconds=config.clip_s))
                if self._stopped:
                    return
                yield ClipReady(camera=camera.id, event_time=event_time, location=clip_location(camera.id, event_time))
            begin += step

    def clips_after(self, known: Mapping[str, Known], wanted: Callable[[str], bool]) -> Iterator[ClipReady]:
        """Those of `clips` that are later than what is known of their cameras, of the cameras that are `wanted`."""
        for clip in self.clips():
            before = known.get(clip.camera)
            past = before is not None and before.event_time is not None and clip.event_time <= before.event_time
            if wanted(clip.camera) and not past:
                yield clip

    def past(self) -> Iterator[list[CountObservation]]:
        """What was counted in the `past_weeks` before the first clip, all cameras, a day at a time."""
        config = self._config
        first = config.start - timedelta(weeks=config.past_weeks)
        stagger = timedelta(seconds=config.cadence_s // config.cameras)
        days = [
            past_days(
                camera, place, (config.seed, index), first=first + index * stagger, end=config.start,
                clip_s=config.clip_s, faults=self._spells(camera.id),
            )
            for index, (camera, place) in enumerate(zip(self._cameras, self._streets, strict=True))
        ]  # fmt: skip
        for of_day in zip_longest(*days, fillvalue=()):
            yield [one for of_camera in of_day for one in of_camera]

    def _spells(self, camera: str) -> tuple[Spell, ...]:
        faults = self._config.faults
        return tuple(Spell(fault.kind, fault.start, fault.end) for fault in faults if fault.camera == camera)

    def read(self, clip: ClipReady) -> None:
        """There are no bytes: the worker that counts a clip renders it."""

    def stop(self) -> None:
        """Give no more clips."""
        self._stopped = True

    def _wait_until(self, moment: datetime) -> None:
        if self._clock is None:
            return
        while not self._stopped and (remaining_s := (moment - self._clock.now()).total_seconds()) > 0:
            self._clock.sleep(max(remaining_s, 0.05))


def clip_location(camera: str, event_time: datetime) -> str:
    """The address of a clip."""
    return f"synthetic:{camera}/{event_time.isoformat().replace('+00:00', 'Z')}"
