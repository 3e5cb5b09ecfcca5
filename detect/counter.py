r"""A clip becomes counts: opened, checked, judged, counted, integrated over zones, and gone.

    open --> size --> reduced --> quality --> known view --> density [frame, class, row, column] --> zones --> figures
      \________\_________\__________\___________\_____________\__ a reason, and null figures for every zone

No picture is judged, looked at or counted in which a person could be recognised (`detect/resolution.py`).

Where the counter's error in this light is known (`detect/error_model.py`), figures are corrected by its gain and the
number present has an interval.

Whatever is wrong with a clip, each zone of its camera gets its observation: nothing is lost and nothing becomes zero.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from core.clock import Clock
from core.errors import ModelError, PixelLeak
from core.figures import CLASSES, MOST_PRESENT, Figures
from core.records import REASON_LENGTH, Camera, ClipReady, CountObservation, Lighting, Status, Zone, observation_id
from detect.contact import SeenGround, contact_of
from detect.error_model import Calibration, errors_of, known_errors
from detect.figures import ZoneFigures, figures_of
from detect.lighting import lighting_of
from detect.model import CountingModel, Density
from detect.quality import Verdict, judge, judge_reference
from detect.reduction import Gate
from detect.resolution import DEFAULT, ResolutionLimit, SizePx, TooNear
from detect.result import FRAMES_PER_CLIP, CountResult
from detect.scene import ClipReport, Scene
from detect.view_zones import followed, left_behind, moved_px
from detect.views import UNWATCHED, Watched, watch
from ingest.clip import ClipOpener, SampledClip
from ingest.decode import open_media
from ingest.decode_limits import DecodeLimits
from ingest.filename import printable
from ingest.source import UnusableClip

_LOG = logging.getLogger(__name__)

Judge = Callable[[SampledClip], Verdict]
Watch = Callable[[SampledClip], Watched]


@dataclass(frozen=True, repr=False)
class _Examined:
    """What is known of a clip once its pixels are gone: density where it was counted, the reason where it was not."""

    verdict: Verdict
    frames: int = 0
    duration_s: float = 0.0
    span_s: float = 0.0
    lighting: Lighting | None = None
    density: Density | None = None
    watched: Watched = UNWATCHED


class ClipCounter:
    """Counts clips of cameras with one model, for all zones of the camera at once.

    `calibrations` has the calibration of this model for those cameras that have one, by camera; what it does not speak
    of, and another view of the camera than the one it was made in, is corrected as the model's own error model says.
    """

    def __init__(
        self,
        model: CountingModel,
        opener: ClipOpener,
        frames_per_clip: int,
        clock: Clock,
        *,
        calibrations: Mapping[str, Calibration] | None = None,
        resolution: ResolutionLimit = DEFAULT,
        judge: Judge = judge,
    ) -> None:
        self._model = model
        self._errors = errors_of(model)
        self._contact = contact_of(model)
        self._calibrations = {} if calibrations is None else calibrations  # a mapping that may change
        self._resolution = resolution
        self._opener = opener
        self._frames_per_clip = frames_per_clip
        self._clock = clock
        self._judge = judge

    def observe(self, camera: Camera, clip: ClipReady) -> list[CountObservation]:
        """What `report` observes of a camera whose view is not watched."""
        return list(self.report(camera, clip, None).observations)

    def report(self, camera: Camera, clip: ClipReady, scene: Scene | None) -> ClipReport:
        """One observation for each of `camera.counted_zones`, in their order; `ok` for all of them, or for none.

        A clip that does not show a view of `scene` that is counted, or shows its last picture again, is not counted;
        with None the view is not looked at. Where only a part of the clip could be decoded, `reason` says so although
        they are `ok`. Raises nothing for a bad clip or a failing model (`model_error`). Raises `ConfigError` for a zone
        that encloses no area: `detect.zones.check_zones` finds it before the first clip.
        """
        if clip.camera != camera.id:
            raise ValueError(f"the clip is of camera {clip.camera}, the zones are of {camera.id}")

        def judge_both(sampled: SampledClip) -> Verdict:
            """The picture first: a placeholder that is served again is still a placeholder."""
            seen = self._judge(sampled)
            return seen if seen.status is not Status.OK else judge_reference(clip)

        size_px = (camera.width, camera.height)
        examined = _examine(
            lambda: self._opener.open(clip, self._frames_per_clip),
            self._model,
            judge_both,
            camera.id,
            gate=Gate(self._resolution, camera.plane),
            size_px=size_px if camera.plane or any(zone.polygon for zone in camera.counted_zones) else None,
            watch=None if scene is None else lambda sampled: watch(sampled, scene),
        )
        zones = followed(camera.counted_zones, examined.watched.shift, size_px)
        if zones != camera.counted_zones:
            examined = _unless_left_behind(examined, zones, size_px)
        counted_at = self._clock.now()
        counted: Sequence[ZoneFigures | None] = [None] * len(zones)
        if examined.density is not None and examined.lighting is not None:
            first_view = examined.watched.epoch == 0
            calibration = self._calibrations.get(camera.id) if first_view else None
            light, errors = examined.lighting, self._errors
            corrections = [known_errors(light, errors, calibration, zone.id) for zone in zones]
            ground = None
            if first_view and camera.plane is not None:
                moved = moved_px(examined.watched.shift, size_px)
                ground = SeenGround(camera.plane, size_px, moved, self._contact)
            counted = figures_of(examined.density, examined.span_s, zones, size_px, corrections, ground=ground)
        return ClipReport(
            observations=tuple(
                self._observation(zone, clip, examined, figures, counted_at)
                for zone, figures in zip(zones, counted, strict=True)
            ),
            sight=examined.watched.sight,
        )

    def _observation(
        self, zone: Zone, clip: ClipReady, examined: _Examined, figures: ZoneFigures | None, counted_at: datetime
    ) -> CountObservation:
        return CountObservation(
            id=observation_id(clip.camera, zone.id, clip.event_time, self._model.name),
            camera=clip.camera,
            zone=zone.id,
            event_time=clip.event_time,
            duration_s=examined.duration_s,
            status=examined.verdict.status,
            reason=examined.verdict.reason,
            frames=examined.frames,
            present=figures and figures.present,
            peak=figures and figures.peak,
            spread=figures and figures.spread,
            stationary=figures and figures.stationary,
            low=figures and figures.low,
            high=figures and figures.high,
            lighting=examined.lighting,
            gain=figures and figures.gain,
            shared=figures and figures.shared,
            calibration=figures and figures.calibration,
            ground=figures and figures.ground,
            view_epoch=examined.watched.epoch,
            content=clip.content,
            model=self._model.name,
            counted_at=counted_at,
        )


def count_source(
    source: str,
    open_clip: Callable[[int], SampledClip],
    model: CountingModel,
    *,
    frames: int = FRAMES_PER_CLIP,
    event_time: datetime | None = None,
    resolution: ResolutionLimit = DEFAULT,
    judge: Judge = judge,
) -> CountResult:
    """Count the whole view of one clip or still, of whatever size, with no camera known.

    `source` is what the result calls it; `open_clip` gives its sampled frames, or raises `UnusableClip`. Never raises
    for a bad source: the result has the reason.
    """
    started = time.perf_counter()
    examined = _examine(lambda: open_clip(frames), model, judge, source, gate=Gate(resolution))
    figures = None
    if examined.density is not None and examined.lighting is not None:
        correction = known_errors(examined.lighting, errors_of(model), None)
        view = Zone(id="view", name="view")
        (figures,) = figures_of(examined.density, examined.span_s, (view,), (1, 1), [correction])
    present = figures.present if figures else None
    return CountResult(
        source=source,
        status=examined.verdict.status,
        reason=examined.verdict.reason,
        event_time=event_time,
        frames=examined.frames,
        counts={name: round(present.get(name), 3) for name in CLASSES} if present else None,
        people=round(present.people, 3) if present else None,
        vehicles=round(present.vehicles, 3) if present else None,
        stationary=_rounded(figures.stationary if figures else None),
        low=_rounded(figures.low if figures else None),
        high=_rounded(figures.high if figures else None),
        lighting=examined.lighting,
        model=model.name,
        elapsed_ms=round((time.perf_counter() - started) * 1000, 1),
    )


def _rounded(figures: Figures | None) -> dict[str, float] | None:
    return {name: round(value, 3) for name, value in figures.model_dump().items()} if figures else None


def count_media(
    path: Path,
    model: CountingModel,
    *,
    frames: int = FRAMES_PER_CLIP,
    event_time: datetime | None = None,
    limits: DecodeLimits | None = None,
    resolution: ResolutionLimit = DEFAULT,
) -> CountResult:
    """Count the file at `path`, clip or still; see `count_source`."""
    return count_source(
        printable(path),
        lambda wanted: open_media(path, wanted, limits or DecodeLimits()),
        model,
        frames=frames,
        event_time=event_time,
        resolution=resolution,
    )


def _examine(
    open_clip: Callable[[], SampledClip],
    model: CountingModel,
    judge: Judge,
    source: str,
    *,
    gate: Gate,
    size_px: SizePx | None = None,
    watch: Watch | None = None,
) -> _Examined:
    """Open, check, reduce, judge, watch, count; the pixels die with this call. `size_px` is the width and height that
    the clip has to have; None where whole views are counted, whose size does not matter."""
    clip = _opened(open_clip, source, gate, size_px)
    if isinstance(clip, _Examined):
        return clip
    seen = _Examined(
        _verdict(clip, judge),
        frames=len(clip.frames),
        duration_s=clip.duration_s,
        span_s=clip.frames[-1].offset_s - clip.frames[0].offset_s,
    )
    if seen.verdict.status is not Status.OK:
        return seen
    if watch is not None:
        seen = replace(seen, watched=watch(clip))
        if seen.watched.verdict.status is not Status.OK:
            return replace(seen, verdict=seen.watched.verdict)
    try:
        if seen.watched.epoch != 0:
            clip = gate.passed_elsewhere(clip)
        return replace(seen, density=_density(model, clip), lighting=lighting_of(clip.frames))
    except PixelLeak:
        raise
    except TooNear as error:
        return replace(seen, verdict=_too_near(error))
    except Exception as error:  # runtimes raise what they like; the clip is not to blame and the rest goes on
        _LOG.exception("model %s failed on a clip of %s", model.name, source)
        return replace(seen, verdict=_refusal(Status.MODEL_ERROR, f"model {model.name} failed: {_told(error)}"))


def _opened(
    open_clip: Callable[[], SampledClip], source: str, gate: Gate, size_px: SizePx | None
) -> SampledClip | _Examined:
    """The clip as it may be looked at, or why there is none."""
    try:
        clip = open_clip()
        unfit = _unfit(clip, source, size_px)
        if unfit is not None:
            return _Examined(unfit, frames=len(clip.frames), duration_s=clip.duration_s)
        return gate.passed(clip)
    except UnusableClip as error:
        return _Examined(_refusal(error.status, str(error)))
    except TooNear as error:
        return _Examined(_too_near(error))
    except PixelLeak:
        raise
    except Exception as error:  # a decoder may raise anything on bytes from outside, and the next clip must be counted
        _LOG.exception("opening a clip of %s failed", source)
        return _Examined(_refusal(Status.UNDECODABLE, f"opening failed: {_told(error)}"))


def _unless_left_behind(examined: _Examined, zones: Sequence[Zone], size_px: tuple[int, int]) -> _Examined:
    """Not counted where the view has moved so far that a zone is no longer in the picture: nothing is not none."""
    lost = None if examined.density is None else left_behind(zones, size_px)
    if lost is None:
        return examined
    reason = f"the view has moved, and zone {lost.id!r} has left the picture. Draw it anew, or turn the camera back"
    return replace(examined, verdict=_refusal(Status.MOVED_VIEW, reason), density=None)


def _unfit(clip: SampledClip, source: str, size_px: SizePx | None) -> Verdict | None:
    """Why a clip cannot be of this camera, or shows nothing; None where it may be looked at."""
    if not clip.frames:
        return _refusal(Status.UNDECODABLE, "the clip has no frame")
    for frame in clip.frames:
        if size_px is not None and (frame.width_px, frame.height_px) != size_px:
            return _refusal(
                Status.WRONG_SIZE,
                f"the clip is {frame.width_px}x{frame.height_px}, camera {source} is {size_px[0]}x{size_px[1]}. "
                "Set the camera's width and height to those of its clips, and draw its zones in them",
            )
    return None


def _verdict(clip: SampledClip, judge: Judge) -> Verdict:
    seen = judge(clip)
    if seen.status is Status.OK and clip.decode_errors:
        announced = clip.decoded_frames + clip.decode_errors
        part = f"counted from {clip.decoded_frames} of {announced} frames: the clip breaks off or is damaged"
        return replace(seen, reason=part)
    return seen


def _density(model: CountingModel, clip: SampledClip) -> Density:
    density = model.density(clip.frames)
    if density.shape[:2] != (len(clip.frames), len(CLASSES)) or not np.isfinite(density).all():
        raise ModelError(
            f"density of shape {list(density.shape)} for {len(clip.frames)} frames, or not finite",
            remedy="the model is broken: use another",
        )
    most = density.sum(axis=(1, 2, 3), dtype=np.float64).max()
    if most > MOST_PRESENT:
        raise ModelError(f"{most:.0f} present in a frame, which no camera sees", remedy="use another model")
    return density


def _too_near(error: TooNear) -> Verdict:
    return _refusal(Status.OVERSIZE, str(error))


def _refusal(status: Status, reason: str) -> Verdict:
    return Verdict(status=status, reason=reason[:REASON_LENGTH])


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
