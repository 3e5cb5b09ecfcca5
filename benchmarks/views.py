"""Is a camera that shows another view noticed, and one that does not left in peace? `make bench-views`.

The recorded days go through the counter, with a counting model that costs nothing, and a `ViewBook`, clip by clip as
they would live. What it decides is held against what a person saw (`benchmarks/views/seen.jsonl`): a false alarm is a
run of clips of the known street that are not counted for their view; a moved clip is one that shows something else than
that street and is no card. Beside them: real clips turned and zoomed by computer, pictures of other cameras, and the
synthetic street over a day, with and without moved views. Drawn into OUT (default var/views): a strip for each camera,
the periods decided on against those seen, and the curve of the similarity to the known view as evidence.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure
from numpy.typing import NDArray

from core.clock import SystemClock
from core.figures import CLASSES
from core.records import Camera, ClipReady, Status
from detect.counter import ClipCounter
from detect.model import Density
from detect.quality import judge
from detect.result import FRAMES_PER_CLIP
from detect.scene import Scene
from detect.view_book import ViewBook
from detect.view_field import decoded
from detect.view_match import KNOWN, place
from detect.views import signature_of, watch
from ingest.clip import ClipOpener, SampledClip
from ingest.decode import open_media
from ingest.decode_limits import DecodeLimits
from ingest.folder import FolderConfig, FolderSource
from ingest.frame import Frame
from ingest.rendering import RenderedStreet
from ingest.source import Source, UnusableClip
from ingest.synthetic import SceneFault, SyntheticConfig

ROOT = Path(__file__).resolve().parent.parent
JAMCAM = ROOT.parent / "shared" / "data" / "jamcam"
SEEN = ROOT / "benchmarks" / "views" / "seen.jsonl"
NEEDS = "the real clips in ../shared/data/jamcam"
STREET, CARD = "street", "placeholder"
MOVES = {
    "turned by 60 px": (1.0, 0.0, 60.0, 0.0),
    "turned by 100 px": (1.0, 0.0, -100.0, 0.0),
    "tilted by 50 px": (1.0, 0.0, 0.0, 50.0),
    "zoomed in by 1.15": (1.15, 0.0, 0.0, 0.0),
    "zoomed in by 1.3": (1.3, 0.0, 0.0, 0.0),
    "zoomed out by 0.85": (0.85, 0.0, 0.0, 0.0),
    "rolled by 6 degrees": (1.0, 6.0, 0.0, 0.0),
}
"""Scale, degrees, px right, px down; of a picture of 352x288."""
SYNTHETIC_SEEDS = (0, 5)
SYNTHETIC = SyntheticConfig(cameras=4, cadence_s=1200)
COLOURS = {STREET: "#0072b2", "house": "#d55e00", "close-up": "#cc79a7", CARD: "#98a2b3"}
DECIDED = {Status.OK: "#0072b2", Status.MOVED_VIEW: "#d55e00", Status.FROZEN: "#f0c419", Status.PLACEHOLDER: "#98a2b3"}


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


def main() -> None:
    if not JAMCAM.is_dir():
        print(f"bench-views needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "views", "figures": {}, "needs": NEEDS}))
        return
    cv2.setNumThreads(1)
    out = Path(os.environ.get("OUT") or ROOT / "var" / "views")
    out.mkdir(parents=True, exist_ok=True)
    periods = [period_of(json.loads(line)) for line in SEEN.read_text(encoding="utf-8").splitlines()]
    cameras = [Camera(id=name, name=name, lat=51.5, lon=-0.1) for name in sorted({period.camera for period in periods})]
    source = FolderSource(FolderConfig(path=JAMCAM / "days"), cameras)
    book = ViewBook()
    days = dict(decisions(source, Recorded(), book))
    draw(days, periods, out / "views.png")
    alarms = false_alarms(days, periods)
    turned = moved_clips(days, periods)
    figures = {
        "false_alarms_per_camera_day": round(sum(alarms.values()) / len(alarms), 3),
        "false_alarms": alarms,
        "moved_clips_found": sum(status is not Status.OK for status in turned),
        "moved_clips_missed": sum(status is Status.OK for status in turned),
        "moves_noticed": against_moves(days),
        **against_strangers(book, list(days)),
        **synthetic(),
        "watch_ms": watch_ms(days, book),
    }
    print(json.dumps({"name": "views", "figures": figures}))


def period_of(line: dict[str, str]) -> Period:
    begin, end = (datetime.fromisoformat(line[key]) for key in ("from", "to"))
    return Period(line["camera"], begin, end, line["view"])


def decisions(source: Source, opener: ClipOpener, book: ViewBook) -> Iterator[tuple[str, list[Decided]]]:
    """Every camera with what was decided on each of its clips, in the order of their times."""
    counter = ClipCounter(Blank(), opener, FRAMES_PER_CLIP, SystemClock())
    clips = list(source.clips())
    for camera in source.cameras:
        decided = []
        for clip in (clip for clip in clips if clip.camera == camera.id):
            scene = book.scene_of(camera.id)
            report = counter.report(camera, clip, scene)
            book.learn(camera.id, clip, report.sight)
            sight = report.sight
            known = place(scene, decoded(sight.signature)).known if sight and scene.views else None
            status = report.observations[0].status
            shift_px = 352 * sight.shift.right if sight and status is Status.OK else float("nan")
            decided.append(Decided(clip, status, known, shift_px, scene))
        yield camera.id, decided


def seen_by_a_person(camera: str, decided: list[Decided], periods: list[Period]) -> list[str]:
    """The view that a person saw in each clip."""
    own = [period for period in periods if period.camera == camera]
    return [next(p.view for p in own if p.begin <= one.clip.event_time <= p.end) for one in decided]


def false_alarms(days: dict[str, list[Decided]], periods: list[Period]) -> dict[str, int]:
    """By camera, the runs of clips that show the known street and are not counted for their view."""
    alarms = {}
    for camera, decided in days.items():
        views = seen_by_a_person(camera, decided, periods)
        false = [one.status is Status.MOVED_VIEW and view == STREET for one, view in zip(decided, views, strict=True)]
        alarms[camera] = sum(lasting for lasting, _ in groupby(false))
    return alarms


def moved_clips(days: dict[str, list[Decided]], periods: list[Period]) -> list[Status]:
    """What was decided on the clips that show something else than the known street, and are no card."""
    return [
        one.status
        for camera, decided in days.items()
        for one, view in zip(decided, seen_by_a_person(camera, decided, periods), strict=True)
        if view not in (STREET, CARD)
    ]


def against_moves(days: dict[str, list[Decided]]) -> dict[str, float]:
    """The share of real clips, turned by computer, that is noticed, by the way in which they were turned."""
    noticed: dict[str, list[bool]] = {name: [] for name in MOVES}
    for decided in days.values():
        counted = [one for one in decided if one.status is Status.OK and one.scene.views]
        for one in counted[:: max(1, len(counted) // 12)]:
            frames = open_media(Path(one.clip.location), FRAMES_PER_CLIP, DecodeLimits()).frames
            for name, move in MOVES.items():
                signature = signature_of([Frame(moved(frame, *move), frame.offset_s) for frame in frames])
                noticed[name].append(not place(one.scene, decoded(signature)).counted)
    return {name: round(sum(those) / len(those), 3) for name, those in noticed.items()}


def against_strangers(book: ViewBook, cameras: Sequence[str]) -> dict[str, int]:
    """How many pictures of other cameras there are, and how many of them are taken for a camera's known view."""
    tried = known = 0
    for folder, path in other_pictures():
        try:
            clip = open_media(path, FRAMES_PER_CLIP, DecodeLimits())
        except UnusableClip:
            continue
        if judge(clip).status is not Status.OK:
            continue
        seen = decoded(signature_of(clip.frames))
        others = [camera for camera in cameras if camera != folder]
        tried += len(others)
        known += sum(place(book.scene_of(camera), seen).counted for camera in others)
    return {"strangers": tried, "strangers_taken_for_known": known}


def moved(frame: Frame, scale: float, degrees: float, right: float, down: float) -> NDArray[np.uint8]:
    """The frame as the camera would show it once turned; what comes into view mirrors what was there."""
    height, width = frame.height_px, frame.width_px
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale)
    matrix[:, 2] += (right, down)
    turned = cv2.warpAffine(np.asarray(frame.pixels), matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, dtype=np.uint8)


def other_pictures() -> Iterator[tuple[str, Path]]:
    """Pictures of the data folder and the folder each is in, which for a day is its camera."""
    for folder in ("clips", "stills", "highways"):
        media = sorted(path for path in (JAMCAM / folder).iterdir() if path.suffix in (".mp4", ".jpg", ".png"))
        yield from ((folder, path) for path in media)
    for day in sorted((JAMCAM / "days").iterdir()):
        yield from ((day.name, path) for path in sorted(day.iterdir())[::24])


def synthetic() -> dict[str, object]:
    """Days of fixed synthetic cameras, each of which shows another view for an hour at three times of the day."""
    found = missed = 0
    alarms: list[int] = []
    for seed in SYNTHETIC_SEEDS:
        begin = SYNTHETIC.start
        faults = tuple(
            SceneFault.model_validate(
                {
                    "camera": f"synthetic-{number + 1:02}",
                    "kind": "moved_view",
                    "from": begin + timedelta(hours=hour),
                    "to": begin + timedelta(hours=hour + 1),
                }
            )
            for number in range(SYNTHETIC.cameras)
            for hour in (3 + number, 11 + number, 18)
        )
        street = RenderedStreet(SYNTHETIC.model_copy(update={"seed": seed, "faults": faults}))
        for camera, decided in decisions(street, street, ViewBook()):
            turned = [
                any(f.camera == camera and f.start <= one.clip.event_time < f.end for f in faults) for one in decided
            ]
            pairs = list(zip(decided, turned, strict=True))
            false = [one.status in (Status.MOVED_VIEW, Status.FROZEN) and not away for one, away in pairs]
            alarms.append(sum(lasting for lasting, _ in groupby(false)))
            found += sum(one.status is not Status.OK for one, away in pairs if away)
            missed += sum(one.status is Status.OK for one, away in pairs if away)
    return {
        "synthetic_camera_days": len(alarms),
        "synthetic_false_alarms": sum(alarms),
        "synthetic_moved_clips_found": found,
        "synthetic_moved_clips_missed": missed,
    }


def watch_ms(days: dict[str, list[Decided]], book: ViewBook) -> float:
    """Milliseconds of one core for a look at a clip of the camera with the most looks; the median of 40."""
    camera = max(days, key=lambda name: sum(len(view.looks) for view in book.scene_of(name).views))
    spent = []
    for one in [one for one in days[camera] if one.status is Status.OK][:40]:
        clip = open_media(Path(one.clip.location), FRAMES_PER_CLIP, DecodeLimits())
        began = time.process_time()
        watch(clip, book.scene_of(camera))
        spent.append((time.process_time() - began) * 1000)
    return round(median(spent), 2)


def draw(days: dict[str, list[Decided]], periods: list[Period], path: Path) -> None:
    figure = Figure(figsize=(13, 2.6 * len(days) + 0.6), layout="constrained")
    panels = figure.subplots(len(days), 1, squeeze=False)[:, 0]
    for axes, (camera, decided) in zip(panels, days.items(), strict=True):
        panel(axes, camera, decided, [period for period in periods if period.camera == camera])
    figure.suptitle("Similarity to the known view; strips: decided (above) and seen by a person (below)", fontsize=10)
    figure.savefig(path, dpi=110)


def panel(axes: Axes, camera: str, decided: list[Decided], periods: list[Period]) -> None:
    times = [one.clip.event_time for one in decided]
    ends = [*times[1:], times[-1] + (times[-1] - times[-2])]
    for one, begin, end in zip(decided, times, ends, strict=True):
        axes.axvspan(begin, end, 0.12, 0.2, color=DECIDED.get(one.status, "black"), linewidth=0)
    for period in periods:
        after = next((time for time in times if time > period.end), ends[-1])
        axes.axvspan(period.begin, after, 0.02, 0.1, color=COLOURS[period.view], linewidth=0)
        if period.view not in (STREET, CARD):
            axes.text(period.begin, -0.31, period.view, fontsize=7)
    curve = [np.nan if one.known is None else one.known for one in decided]
    axes.plot(times, curve, ".-", color="#344054", markersize=3, linewidth=0.8, label="similarity")
    axes.plot(
        times, [abs(one.shift_px) / 100 for one in decided], ":", color="#009e73", label="shifted sideways, in 100 px"
    )
    axes.axhline(KNOWN, color="#d55e00", linewidth=0.8, label="least that is known")
    axes.set_ylim(-0.4, 1.05)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_xlim(times[0], ends[-1])
    axes.xaxis.set_major_formatter(DateFormatter("%H"))
    axes.set_title(camera, loc="left", fontweight="bold", fontsize=10)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=7, frameon=False, ncols=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


if __name__ == "__main__":
    main()
