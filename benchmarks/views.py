"""Is a camera that shows another view noticed, and one that does not left in peace? `make bench-views`.

The recorded days go through the counter, with a counting model that costs nothing, and a `ViewBook`, clip by clip as
they would live. What it decides is held against what a person saw (`benchmarks/views/seen.jsonl`). Beside them: real
clips turned and zoomed by computer, one by one and for an hour at a time, pictures of other cameras, and the synthetic
street over a day, with and without moved views.

    false_alarms              runs of clips of the known street that are not counted for their view, and with `_clips`
                              how many clips those are: a camera that is suspended all day has one run
    street_clips_not_counted  clips of the known street that are not counted, for whatever reason
    moved_clips_found         clips that show something else than the known street and are no card, and are not
                              counted; of them `_as_moved_view` for their view, `_otherwise` for another reason, as a
                              picture that was served before
    moved_clips_missed        those that are counted
    excursions                times that a camera showed another view: at which clip of it that was noticed, how many
                              clips were counted of it, how often it became a numbered view that an operator may
                              confirm (one that lasts half an hour), and at which clip of the known view that was
                              counted again: on the real days, and on those with an hour turned by computer

Drawn into OUT (default var/views): a strip for each camera, the periods decided on against those seen, and the curve of
the similarity to the known view as evidence.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from statistics import median

import cv2
from watched_days.deciding import CARD, STREET, Decided, Period, Recorded, decisions, period_of, seen_by_a_person
from watched_days.drawing import draw
from watched_days.turned import MOVES, Excursion, excursion, excursions, moved

from core.records import Camera, Status
from detect.quality import judge
from detect.result import FRAMES_PER_CLIP
from detect.view_book import ViewBook
from detect.view_field import decoded
from detect.view_match import place
from detect.views import signature_of, watch
from ingest.decode import open_media
from ingest.decode_limits import DecodeLimits
from ingest.folder import FolderConfig, FolderSource
from ingest.frame import Frame
from ingest.rendering import RenderedStreet
from ingest.source import UnusableClip
from ingest.synthetic import SceneFault, SyntheticConfig

ROOT = Path(__file__).resolve().parent.parent
JAMCAM = ROOT.parent / "shared" / "data" / "jamcam"
SEEN = ROOT / "benchmarks" / "views" / "seen.jsonl"
NEEDS = "the real clips in ../shared/data/jamcam"
SYNTHETIC_SEEDS = (0, 5)
SYNTHETIC = SyntheticConfig(cameras=4, cadence_s=1200)


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
    not_counted = street_clips_not_counted(days, periods)
    away = moved_clips(days, periods)
    by_computer = [one for camera in cameras for one in turned_for_an_hour(camera, days[camera.id], periods)]
    figures = {
        "false_alarms_per_camera_day": round(sum(alarms.values()) / len(alarms), 3),
        "false_alarms": alarms,
        "false_alarm_clips": {camera: told.get(Status.MOVED_VIEW, 0) for camera, told in not_counted.items()},
        "street_clips_not_counted": not_counted,
        "moved_clips_found": away.total() - away[Status.OK],
        "moved_clips_found_as_moved_view": away[Status.MOVED_VIEW],
        "moved_clips_found_otherwise": {
            status: clips for status, clips in away.items() if status not in (Status.OK, Status.MOVED_VIEW)
        },
        "moved_clips_missed": away[Status.OK],
        "excursions": told_of(real_excursions(days, periods)),
        "excursions_by_computer": told_of(by_computer),
        "moves_noticed": against_moves(days),
        **against_strangers(book, list(days)),
        **synthetic(),
        "watch_ms": watch_ms(days, book),
    }
    print(json.dumps({"name": "views", "figures": figures}))


def false_alarms(days: dict[str, list[Decided]], periods: list[Period]) -> dict[str, int]:
    """By camera, the runs of clips that show the known street and are not counted for their view."""
    alarms = {}
    for camera, decided in days.items():
        views = seen_by_a_person(camera, decided, periods)
        false = [one.status is Status.MOVED_VIEW and view == STREET for one, view in zip(decided, views, strict=True)]
        alarms[camera] = sum(lasting for lasting, _ in groupby(false))
    return alarms


def street_clips_not_counted(days: dict[str, list[Decided]], periods: list[Period]) -> dict[str, dict[str, int]]:
    """By camera and status, the clips that show the known street and are not counted."""
    return {
        camera: dict(Counter(one.status.value for one, view in told if view == STREET and one.status is not Status.OK))
        for camera, told in beside_what_was_seen(days, periods)
    }


def moved_clips(days: dict[str, list[Decided]], periods: list[Period]) -> Counter[str]:
    """What was decided on the clips that show something else than the known street, and are no card."""
    told = beside_what_was_seen(days, periods)
    return Counter(one.status.value for _, pairs in told for one, view in pairs if view not in (STREET, CARD))


def beside_what_was_seen(
    days: dict[str, list[Decided]], periods: list[Period]
) -> list[tuple[str, list[tuple[Decided, str]]]]:
    """Every camera with what was decided on each of its clips and the view that a person saw in it."""
    return [
        (camera, list(zip(decided, seen_by_a_person(camera, decided, periods), strict=True)))
        for camera, decided in days.items()
    ]


def real_excursions(days: dict[str, list[Decided]], periods: list[Period]) -> list[Excursion]:
    """The times that a camera showed something else than the known street; cards in between are as if they were not."""
    found = []
    for _, told in beside_what_was_seen(days, periods):
        shown = groupby((pair for pair in told if pair[1] != CARD), key=itemgetter(1))
        runs = [(view, [one for one, _ in pairs]) for view, pairs in shown]
        found += [excursion(run, back) for (view, run), (_, back) in pairwise(runs) if view != STREET]
    return found


def turned_for_an_hour(camera: Camera, decided: list[Decided], periods: list[Period]) -> Iterator[Excursion]:
    """Excursions of every kind, made by computer of the clips in which a person saw the known street."""
    views = seen_by_a_person(camera.id, decided, periods)
    clips = [one.clip for one, view in zip(decided, views, strict=True) if view == STREET]
    for name, move in MOVES.items():
        for one in excursions(camera, clips, move):
            if one.noticed is None:
                print(f"{camera.id} {name} for an hour: never noticed", file=sys.stderr)
            yield one


def told_of(those: Sequence[Excursion]) -> dict[str, object]:
    """How many excursions there were, and how many of them were noticed, lasted and ended at which clip."""
    return {
        "times": len(those),
        "noticed_at_clip": by_clip(one.noticed for one in those),
        "clips_counted": sum(one.counted for one in those),
        "became_a_view": sum(one.became_a_view for one in those),
        "resumed_at_clip": by_clip(one.resumed for one in those),
    }


def by_clip(numbers: Iterable[int | None]) -> dict[str, int]:
    """How often each number is there, as JSON has it; `never` for None."""
    found = Counter(numbers)
    return {
        "never" if number is None else str(number): found[number] for number in sorted(found, key=lambda n: n or 99)
    }


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


def other_pictures() -> Iterator[tuple[str, Path]]:
    """Pictures of the data folder and the folder each is in, which for a day is its camera."""
    for folder in ("clips", "stills", "highways"):
        media = sorted(path for path in (JAMCAM / folder).iterdir() if path.suffix in (".mp4", ".jpg", ".png"))
        yield from ((folder, path) for path in media)
    for day in sorted((JAMCAM / "days").iterdir()):
        yield from ((day.name, path) for path in sorted(day.iterdir())[::24])


def synthetic() -> dict[str, object]:
    """Days of fixed synthetic cameras, each of which shows another view for an hour at three times of the day."""
    away: Counter[str] = Counter()
    alarms: list[int] = []
    alarm_clips = 0
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
            own = [fault for fault in faults if fault.camera == camera]
            turned = [any(fault.start <= one.clip.event_time < fault.end for fault in own) for one in decided]
            away.update(one.status.value for one, away_now in zip(decided, turned, strict=True) if away_now)
            false = [
                one.status in (Status.MOVED_VIEW, Status.FROZEN) and not away_now
                for one, away_now in zip(decided, turned, strict=True)
            ]
            alarms.append(sum(lasting for lasting, _ in groupby(false)))
            alarm_clips += sum(false)
    return {
        "synthetic_camera_days": len(alarms),
        "synthetic_false_alarms": sum(alarms),
        "synthetic_false_alarm_clips": alarm_clips,
        "synthetic_moved_clips_found": away.total() - away[Status.OK],
        "synthetic_moved_clips_found_as_moved_view": away[Status.MOVED_VIEW],
        "synthetic_moved_clips_missed": away[Status.OK],
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


if __name__ == "__main__":
    main()
