"""The program of the calibration desk's children: it fits, or it makes backgrounds, and does nothing else.

    python -m busyness.calibration_worker      started by `busyness/calibration_child.py`, which speaks to it on pipes

A site goes in and figures come out; or clips go in and the picture of a street with nobody in it comes out, which is
the one thing with pixels that leaves any child (`EmptyStreet`, `detect/background.py`). A child that opens clips fits
nothing, and is ended when its background is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import accumulate, pairwise

from busyness.calibration_jobs import (
    JOB,
    BackgroundJob,
    BackgroundSetup,
    ChildSetup,
    EmptyStreet,
    Judged,
    JudgeJob,
    Refused,
    TooFew,
    Waiting,
)
from core.errors import BackgroundRefused, BusynessError, PixelLeak
from core.ground import LocalFrame
from core.records import ClipReady, Status
from core.site import KnownHeight, KnownLength, KnownSizes, MapPoint, ParallelLines, Site
from detect.background import FRAMES_LOOKED_AT, Background
from detect.background_limits import LEAST_CLIPS
from detect.fingerprint import repeated
from detect.ground.judging import LastFit, judged
from detect.quality import judge
from detect.reduction import Gate
from detect.registry import open_model
from detect.resolution import TooNear
from detect.scene import Scene, Signature
from detect.view_majority import majority_scene
from detect.views import signature_of, watch
from ingest.clip import SampledClip
from ingest.decode import open_bytes
from ingest.jail.inside import Cell
from ingest.rendering import RenderedStreet
from ingest.source import UnusableClip
from ingest.synthetic import SyntheticConfig

NOWHEN = datetime(2000, 1, 1, tzinfo=UTC)


class BackgroundWorker:
    """Makes a background of clips, of one camera at a time."""

    def __init__(self, setup: BackgroundSetup) -> None:
        """Raises `ModelError`, `MissingExtra`."""
        self._model = open_model(setup.model)
        self._setup = setup
        self._street = RenderedStreet(setup.street) if setup.street is not None else None

    def answer(self, job: BackgroundJob, media: bytes) -> EmptyStreet | TooFew:
        """The background of those clips that can be used. Raises `BackgroundRefused`."""
        background, why = Background(), []
        gate = Gate(self._setup.resolution, job.plane)
        ends = list(accumulate(job.lengths, initial=0))
        clips = [(clip, media[start:end]) for clip, (start, end) in zip(job.clips, pairwise(ends), strict=True)]
        shown: list[str] = []
        scene = job.scene.model_copy(update={"last": None})  # the last clip may be one of these
        if not scene.views:
            scene = majority_scene([seen for clip in clips if (seen := self._seen(*clip, gate)) is not None])
        for clip, content in clips:
            fault = self._add(background, clip, content, scene, gate, shown=shown)
            if fault is not None:
                why.append(fault)
        if background.clips < LEAST_CLIPS:
            return TooFew(used=background.clips, why=_counted(why))
        used = background.clips
        background.empty(self._model)
        return EmptyStreet(png=background.encoded(), clips=used, hidden=background.hidden)

    def warm_up(self) -> None:
        """Do once all that a job can ask for, with a street that nobody walks in."""
        street = RenderedStreet(SyntheticConfig(cameras=1))
        rendered = street.open(next(street.clips()), FRAMES_LOOKED_AT)
        judge(rendered)
        watch(rendered, majority_scene([(NOWHEN, signature_of(rendered.frames))]))
        background = Background()
        for _ in range(LEAST_CLIPS):
            background.add(rendered)
        with suppress(BackgroundRefused):
            background.empty(self._model)
            background.encoded()
        if self._street is not None:
            self._street.open(next(self._street.clips()), 1)

    def _seen(self, clip: ClipReady, media: bytes, gate: Gate) -> tuple[datetime, Signature] | None:
        """When and what a clip shows; None where it shows no street."""
        try:
            sampled = gate.passed(self._open(clip, media))
        except (UnusableClip, TooNear):
            return None
        return (clip.event_time, signature_of(sampled.frames)) if judge(sampled).status is Status.OK else None

    def _add(
        self, background: Background, clip: ClipReady, media: bytes, scene: Scene, gate: Gate, *, shown: list[str]
    ) -> str | None:
        """Add a clip, or say why it cannot be used; `shown` are the fingerprints of those that were.

        A clip that comes again shows nothing new, whatever its time: the median of twelve times one clip would be that
        clip, with everybody who stands in it.
        """
        try:
            sampled = gate.passed(self._open(clip, media))
            verdict = judge(sampled)
            if verdict.status is not Status.OK:
                return verdict.reason
            watched = watch(sampled, scene)
            if watched.verdict.status is not Status.OK:
                return watched.verdict.reason
            if watched.epoch != 0:
                return f"it shows view {watched.epoch}, and zones are drawn in view 0"
            fingerprint = watched.sight.fingerprint if watched.sight is not None else None
            if fingerprint is None or any(repeated(other, fingerprint) for other in shown):
                return "the same clip again"
            background.add(sampled, watched.shift)
            shown.append(fingerprint)
        except (UnusableClip, BackgroundRefused, TooNear) as error:
            return error.message
        return None

    def _open(self, clip: ClipReady, media: bytes) -> SampledClip:
        if self._street is not None and not media:
            return self._street.open(clip, FRAMES_LOOKED_AT)
        return open_bytes(media, "the clip", FRAMES_LOOKED_AT, self._setup.limits)


class CalibrationWorker:
    """Answers jobs with JSON."""

    def __init__(self, setup: ChildSetup) -> None:
        """Raises `ModelError`, `MissingExtra`."""
        self._fitting = LastFit()
        self._background = BackgroundWorker(setup.background) if setup.background is not None else None

    def answer(self, said: bytes, media: bytes) -> bytes:
        """The JSON of the answer to the job of JSON `said` and the clips' bytes."""
        return self._answered(JOB.validate_json(said), media).model_dump_json().encode()

    def warm_up(self) -> None:
        """Do once all that a job can ask for: what libraries load or start at first use is there after it."""
        if self._background is not None:
            self._background.warm_up()
            return
        for site in _examples():
            judged(site)

    def _answered(self, job: JudgeJob | BackgroundJob, media: bytes) -> Judged | EmptyStreet | TooFew | Refused:
        try:
            if isinstance(job, JudgeJob):
                return Judged(judgement=judged(job.site, self._fitting))
            if self._background is None:
                raise BusynessError("this child opens no clips")
            return self._background.answer(job, media)
        except (PixelLeak, MemoryError):
            raise
        except BusynessError as error:
            return Refused.of(error)
        except Exception as error:  # our own mistake, and nobody would hear of it: nothing is logged from in here
            return Refused(error=type(error).__name__, message=f"the child failed: {error}", remedy="")


def _counted(reasons: Sequence[str]) -> tuple[str, ...]:
    """How often each reason was given, without the figures of the single clip."""
    kinds = Counter(reason.partition(" (")[0].partition(":")[0] for reason in reasons)
    return tuple(f"{kind} ({times})" for kind, times in kinds.most_common())


def _examples() -> tuple[Site, Site]:
    """A street 8 m below a camera that looks 20 degrees down, tied to the map, and known by its sizes."""
    frame = LocalFrame(51.5, -0.1)

    def seen(east_m: float, north_m: float, up_m: float = 0.0) -> tuple[float, float]:
        below_m = 8.0 - up_m
        depth_m = 0.94 * north_m + 0.342 * below_m
        return 176 + 400 * east_m / depth_m, 144 + 400 * (0.94 * below_m - 0.342 * north_m) / depth_m

    def point(east_m: float, north_m: float) -> MapPoint:
        lat, lon = frame.degrees(east_m, north_m)
        return MapPoint(px=seen(east_m, north_m), lat=lat, lon=lon)

    matched = tuple(point(east, north) for east in (-4.0, 4.0) for north in (14.0, 22.0, 32.0))
    kerbs = tuple((seen(east, 14), seen(east, 32)) for east in (-4.0, 0.0, 4.0))
    sizes = KnownSizes(
        lengths=(
            KnownLength(from_px=seen(-4, 14), to_px=seen(4, 14), length_m=8, what="width"),
            KnownLength(from_px=seen(0, 14), to_px=seen(0, 22), length_m=8, what="marking"),
        ),
        heights=(KnownHeight(foot_px=seen(4, 22), top_px=seen(4, 22, 3), height_m=3, what="post"),),
        parallels=(ParallelLines(lines=kerbs, what="kerbs"),),
    )
    street = Site(camera="example", lat=frame.lat, lon=frame.lon)
    return street.model_copy(update={"map_points": matched}), street.model_copy(update={"sizes": sizes})


def main() -> None:
    """Serve until standard input ends."""
    cell = Cell()
    asked = cell.receive()
    if asked is None:
        return
    setup = ChildSetup.model_validate_json(asked[0])
    try:
        worker = CalibrationWorker(setup)
        worker.warm_up()
        cell.lock(setup.jail)
    except BusynessError as error:
        cell.send(Refused.of(error).model_dump_json().encode())
        return
    cell.send(Waiting().model_dump_json().encode())
    cell.serve(worker.answer, setup.jail)


if __name__ == "__main__":
    main()
