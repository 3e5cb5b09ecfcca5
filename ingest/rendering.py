"""The clips of the synthetic street, drawn: pixels, and who can be seen in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from core.records import ClipReady, Status
from ingest.clip import SampledClip
from ingest.frame import Frame, Pixels
from ingest.source import UnusableClip
from ingest.street.backdrop import Setting, setting
from ingest.street.faults import FaultKind
from ingest.street.layout import Street, street
from ingest.street.light import light
from ingest.street.picture import (
    blurred,
    compressed,
    darkened,
    offline_card,
    optics,
    placeholder_card,
    sensor,
    smeared,
    stamped,
)
from ingest.street.places import camera_number
from ingest.street.scene import SceneTruth, Stage, Standing, draw, set_stage, standing, truth
from ingest.street.traffic import crowd
from ingest.synthetic import SyntheticConfig, SyntheticStreet, clip_location

FRAMES_PER_S = 25
CITY = (51.51, -0.11)
"""Latitude and longitude of the one sun that all cameras share."""

LIGHT_STEP_S = 1200
"""The light is that of the beginning of each 20 minutes, so that its backdrop can be kept."""


class RenderedStreet(SyntheticStreet):
    """The synthetic street as a `ClipOpener` too, with the truth of every clip."""

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        """Render `frames` frames, evenly spaced. Raises `UnusableClip` for a location that is not of this street."""
        index, event_time = self._locate(clip)
        fault = self._fault(clip.camera, event_time)
        return SampledClip(
            frames=tuple(
                Frame(pixels, offset_s)
                for pixels, offset_s in self._render(index, event_time, self._offsets(frames), fault)
            ),
            duration_s=self._config.clip_s,
            decoded_frames=max(1, round(self._config.clip_s * FRAMES_PER_S)),
        )

    def truth(self, clip: ClipReady, frames: int) -> tuple[SceneTruth, ...]:
        """Who can be seen in each of the frames that `open` gives. A faulty clip shows nobody who could be counted."""
        index, event_time = self._locate(clip)
        offsets = self._offsets(frames)
        if self._fault(clip.camera, event_time) is not None:
            return tuple(SceneTruth(offset_s, ()) for offset_s in offsets)
        stage = self._stage(index, event_time, view=0)
        return tuple(truth(stage, offset_s, self._config.clip_s) for offset_s in offsets)

    def standing(self, clip: ClipReady, frames: int) -> tuple[Standing, ...]:
        """Where everyone is in each of the frames that `open` gives, on the ground of the camera's `plane`.

        Those whom a house or a bus hides are there too, and so they are while the camera's feed is at fault.
        """
        index, event_time = self._locate(clip)
        stage = self._stage(index, event_time, view=0)
        return tuple(standing(stage, offset_s) for offset_s in self._offsets(frames))

    def _offsets(self, frames: int) -> tuple[float, ...]:
        if frames < 1:
            raise ValueError(f"frames must be at least 1, got {frames}")
        return tuple(self._config.clip_s * (2 * number + 1) / (2 * frames) for number in range(frames))

    def _locate(self, clip: ClipReady) -> tuple[int, datetime]:
        parsed = re.fullmatch(r"synthetic:([^/]+)/(.+)", clip.location)
        index = self._index.get(parsed[1]) if parsed else None
        if parsed is None or index is None:
            raise UnusableClip(
                Status.UNREACHABLE,
                f"{clip.location!r} is not a clip of this synthetic street",
                remedy=f"an address is synthetic:CAMERA/ISO-TIME, CAMERA one of the {len(self._index)} configured",
            )
        try:
            moment = datetime.fromisoformat(parsed[2])
        except ValueError as error:
            raise UnusableClip(
                Status.UNREACHABLE,
                f"{clip.location!r} has no time that can be read",
                remedy="write it as 2026-03-12T08:00:00Z",
            ) from error
        return index, moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)

    def _fault(self, camera: str, event_time: datetime) -> FaultKind | None:
        for fault in self._config.faults:
            if fault.camera == camera and fault.start <= event_time < fault.end:
                return fault.kind
        return None

    def _stage(self, index: int, event_time: datetime, view: int) -> Stage:
        camera = self._cameras[index]
        place = self._streets[index] if view == 0 else street(self._config.seed, index, view)
        slot = _light_slot(event_time)
        local = event_time.astimezone(ZoneInfo(camera.timezone))
        people = crowd(place, local, (self._config.seed, index, *time_words(event_time)))
        return set_stage(_setting(place, slot, self._config.seed), people)

    def _render(
        self, index: int, event_time: datetime, offsets: Sequence[float], fault: FaultKind | None
    ) -> Iterator[tuple[Pixels, float]]:
        camera, number = self._cameras[index], camera_number(index)
        local = event_time.astimezone(ZoneInfo(camera.timezone))
        stage = self._stage(index, event_time, view=1 if fault is FaultKind.MOVED_VIEW else 0)
        look = optics(stage.setting.place.look_seed)
        still: Pixels | None = None
        for position, offset_s in enumerate(offsets):
            random = np.random.default_rng((self._config.seed, index, *time_words(event_time), position, 31))
            stamp = (local + timedelta(seconds=offset_s)).strftime("%a %d %b %H:%M")
            if fault is FaultKind.FROZEN and still is not None:
                yield still, offset_s
                continue
            if fault is FaultKind.OFFLINE:
                picture = offline_card()
            elif fault is FaultKind.PLACEHOLDER:
                picture = stamped(placeholder_card(f"00099.{number}"), stamp, camera.name)
            else:
                picture = draw(stage, offset_s)
                if fault is FaultKind.DARK:
                    picture = darkened(picture)
                picture = sensor(picture, look, stage.setting.light.noise, random)
                if fault is FaultKind.BLURRED:  # after the noise: an encoder has little left of it in a flat picture
                    picture = blurred(picture)
                picture = stamped(picture, stamp, camera.name, number)
            picture = compressed(picture, look.quality)
            if fault is FaultKind.SMEARED:
                picture = smeared(
                    picture, np.random.default_rng((self._config.seed, index, *time_words(event_time), 37))
                )
            still = picture
            yield picture, offset_s


def time_words(event_time: datetime) -> tuple[int, int]:
    """The time as two integers, to seed with."""
    since = event_time - datetime(1970, 1, 1, tzinfo=UTC)
    return abs(since.days), since.seconds * 1_000_000 + since.microseconds


def _light_slot(event_time: datetime) -> datetime:
    return event_time - timedelta(
        seconds=(event_time.hour * 3600 + event_time.minute * 60 + event_time.second) % LIGHT_STEP_S,
        microseconds=event_time.microsecond,
    )


@lru_cache(maxsize=64)
def _setting(place: Street, slot: datetime, seed: int) -> Setting:
    return setting(place, light(slot, *CITY, seed), place.facing_deg)


@dataclass(frozen=True, eq=False, repr=False)
class Sample:
    """One frame to learn from: a plain array, for a rendered scene has nobody in it to protect."""

    camera: str
    event_time: datetime
    pixels: Pixels
    truth: SceneTruth


def samples(seed: int, *, frames_per_camera: int = 24) -> Iterator[Sample]:
    """Endless frames with their truth: random places at random hours, `frames_per_camera` of each before the next."""
    random = np.random.default_rng((seed, 43))
    while True:
        config = SyntheticConfig(cameras=8, seed=int(random.integers(1 << 32)))
        source = RenderedStreet(config)
        camera = source.cameras[int(random.integers(len(source.cameras)))]
        for _ in range(frames_per_camera):
            at = config.start + timedelta(days=int(random.integers(365)), seconds=int(random.integers(86_400)))
            clip = ClipReady(camera=camera.id, event_time=at, location=clip_location(camera.id, at))
            sampled, known = source.open(clip, 1), source.truth(clip, 1)
            yield Sample(camera.id, at, np.array(sampled.frames[0].pixels, subok=False), known[0])
