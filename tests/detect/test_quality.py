"""Picture faults are caught, and nothing else is taken for one: rendered scenes, real stills, and three real days."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.records import ClipReady, Status
from detect.quality import Verdict, judge, judge_reference
from ingest.clip import SampledClip
from ingest.decode import open_media
from ingest.decode_limits import DecodeLimits
from ingest.frame import Frame, Pixels
from ingest.rendering import RenderedStreet
from ingest.synthetic import SceneFault, SyntheticConfig

LIMITS = DecodeLimits()
FAULTS = Path(__file__).parent / "real_days_faults.txt"
MIDNIGHT = datetime(2026, 3, 12, tzinfo=UTC)
JUDGED_AS_THEMSELVES = ("placeholder", "offline", "smeared", "frozen", "dark", "blurred")


@cache
def scene(hour: int, fault: str | None = None, camera: int = 0) -> tuple[Pixels, ...]:
    """Eight frames of the synthetic street, over ten seconds."""
    start = MIDNIGHT + timedelta(hours=hour)
    street = RenderedStreet(SyntheticConfig(cameras=4, cadence_s=3600), None)
    if fault is not None:
        broken = {"camera": street.cameras[camera].id, "kind": fault, "from": start, "to": start + timedelta(hours=1)}
        config = SyntheticConfig(cameras=4, cadence_s=3600, faults=(SceneFault.model_validate(broken),))
        street = RenderedStreet(config, None)
    wanted = street.cameras[camera].id
    clip = next(clip for clip in street.clips() if clip.camera == wanted and clip.event_time >= start)
    return tuple(np.array(frame.pixels, subok=False) for frame in street.open(clip, 8).frames)


def clip_of(pictures: tuple[Pixels, ...] | list[Pixels], step_s: float = 1.25) -> SampledClip:
    frames = tuple(Frame(picture, step_s * index) for index, picture in enumerate(pictures))
    return SampledClip(frames=frames, duration_s=step_s * len(frames), decoded_frames=25 * len(frames))


def resized(pictures: tuple[Pixels, ...], width_px: int, height_px: int) -> list[Pixels]:
    method = cv2.INTER_AREA if width_px < pictures[0].shape[1] else cv2.INTER_LINEAR
    return [np.asarray(cv2.resize(picture, (width_px, height_px), interpolation=method)) for picture in pictures]


@pytest.mark.parametrize("hour", [3, 8, 13, 19])
@pytest.mark.parametrize("camera", [0, 1])
def test_a_street_is_ok_by_day_and_by_night(hour: int, camera: int) -> None:
    assert judge(clip_of(scene(hour, camera=camera))) == Verdict(Status.OK)


@pytest.mark.parametrize("hour", [3, 13])
@pytest.mark.parametrize("fault", JUDGED_AS_THEMSELVES)
def test_each_fault_is_judged_as_itself_with_a_reason(fault: str, hour: int) -> None:
    verdict = judge(clip_of(scene(hour, fault)))
    assert verdict.status == Status(fault)
    assert verdict.reason is not None
    assert len(verdict.reason) > 20


@pytest.mark.parametrize("size", [(176, 144), (704, 576), (1280, 720)])
@pytest.mark.parametrize("fault", [None, "placeholder", "smeared", "dark"])
def test_the_verdict_is_the_same_for_other_picture_sizes(size: tuple[int, int], fault: str | None) -> None:
    expected = Status.OK if fault is None else Status(fault)
    assert judge(clip_of(resized(scene(13, fault)[::4], *size), step_s=5.0)).status is expected


@pytest.mark.parametrize(("fault", "status"), [("placeholder", Status.PLACEHOLDER), ("smeared", Status.SMEARED)])
def test_one_bad_frame_condemns_the_clip_and_is_told(fault: str, status: Status) -> None:
    pictures = [*scene(13)[:7], scene(13, fault)[0]]
    verdict = judge(clip_of(pictures))
    assert verdict.status is status
    assert "in 1 of 8 sampled frames" in str(verdict.reason)


@pytest.mark.parametrize(("fault", "status"), [("dark", Status.DARK), ("blurred", Status.BLURRED)])
def test_darkness_and_blur_take_most_of_the_frames(fault: str, status: Status) -> None:
    good, bad = scene(13), scene(13, fault)
    assert judge(clip_of([*good[:6], *bad[:2]])).status is Status.OK
    assert judge(clip_of([*good[:2], *bad[:6]])).status is status


def test_a_frozen_picture_is_frozen_though_its_stamp_goes_on() -> None:
    pictures = []
    for index in range(8):
        stamped = scene(13)[0].copy()
        cv2.putText(stamped, f"12:00:{index:02}", (4, 14), cv2.FONT_HERSHEY_PLAIN, 1.0, (255, 255, 255))
        pictures.append(stamped)
    assert judge(clip_of(pictures)).status is Status.FROZEN


def test_an_empty_street_is_not_frozen_for_its_noise() -> None:
    """The darkest of the real days' empty streets changes in 2.4 % of its pixels from sample to sample."""
    random = np.random.default_rng(7)
    still = scene(3)[0].astype(np.int16)
    noisy = random.random((8, *still.shape[:2], 1)) < 0.03
    pictures = [np.clip(still + 8 * changed, 0, 255).astype(np.uint8) for changed in noisy]
    assert judge(clip_of(pictures)).status is Status.OK


def test_what_is_too_short_cannot_be_frozen() -> None:
    picture = scene(13)[0]
    assert judge(clip_of([picture])).status is Status.OK, "a still stands still"
    assert judge(clip_of([picture] * 8, step_s=0.1)).status is Status.OK
    assert judge(clip_of([picture] * 8)).status is Status.FROZEN


def test_a_black_picture_is_dark_and_not_a_card() -> None:
    assert judge(clip_of([np.zeros((288, 352, 3), np.uint8)] * 4)).status is Status.DARK


def test_a_lost_key_frame_is_smeared_and_not_a_card() -> None:
    """Without a key frame the decoder starts from mid-grey, and only what moves appears in it, in ever more blocks."""
    random = np.random.default_rng(3).random((18, 22)) * 4
    pictures = []
    for index in range(8):
        shown = np.kron(random < index / 8, np.ones((16, 16), bool))[..., None]
        pictures.append(np.where(shown, scene(13)[index], np.uint8(130)))
    verdict = judge(clip_of(pictures))
    assert verdict.status is Status.SMEARED
    assert "lost its key frame" in str(verdict.reason)


def test_a_clip_without_frames_is_undecodable() -> None:
    assert judge(SampledClip(frames=(), duration_s=0.0, decoded_frames=0)).status is Status.UNDECODABLE


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 60), st.integers(1, 400)), min_size=1, max_size=3),
    level=st.integers(0, 255),
    noise=st.integers(0, 255),
    seed=st.integers(0, 99),
)
def test_any_picture_gets_a_verdict(sizes: list[tuple[int, int]], level: int, noise: int, seed: int) -> None:
    """Whatever its size and content; and a reason exactly where it is not ok."""
    random = np.random.default_rng(seed)
    pictures = [random.integers(level, min(255, level + noise) + 1, (*size, 3), np.uint8) for size in sizes]
    verdict = judge(clip_of(pictures))
    assert (verdict.reason is None) == (verdict.status is Status.OK)


def test_a_repeated_clip_is_a_frozen_feed() -> None:
    fresh = ClipReady(camera="06710", event_time=MIDNIGHT, location="a.mp4")
    assert judge_reference(fresh) == Verdict(Status.OK)
    verdict = judge_reference(fresh.model_copy(update={"repeats": MIDNIGHT - timedelta(minutes=15)}))
    assert verdict.status is Status.FROZEN
    assert "2026-03-11 23:45:00 UTC" in str(verdict.reason)


def real(path: Path) -> Status:
    return judge(open_media(path, 8, LIMITS)).status


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("TfL-images_20200501_0520_00001.06592.jpg", Status.PLACEHOLDER),
        ("NETravelData-images_20200508_1800_NT_A193H1.jpg", Status.OFFLINE),
        ("TfL-images_20200504_0240_00001.08859.jpg", Status.SMEARED),
    ],
)
def test_the_real_stills_with_known_faults(shared_data: Path, name: str, status: Status) -> None:
    assert real(shared_data / "jamcam" / "stills" / name) is status


def test_good_real_pictures_raise_no_alarm(shared_data: Path) -> None:
    """The labelled frames, the other stills and clips, and the motorways; of these one shows nothing but thick fog."""
    stills = sorted((shared_data / "jamcam" / "stills").iterdir())
    labelled = sorted((shared_data / "labels").glob("*.png"))
    motorways = sorted((shared_data / "jamcam" / "highways").iterdir())
    clips = sorted((shared_data / "jamcam" / "clips").iterdir())[::4]
    assert Counter(real(path) for path in stills)[Status.OK] == len(stills) - 3
    alarms = {path.name[:9]: status for path in (*labelled, *clips, *motorways) if (status := real(path)) != "ok"}
    assert alarms == {"TL-405732": Status.BLURRED}


def without_the_end_of_its_key_frame(clip: bytes, kept: float) -> bytes:
    """What packet loss does: in an MP4 with one key frame (its second NAL unit), zeroes from a share of it on."""
    at = clip.index(b"mdat") + 4
    at += 4 + int.from_bytes(clip[at : at + 4])  # over the encoder's message
    length = int.from_bytes(clip[at : at + 4])
    first = at + 4 + int(length * kept)
    return clip[:first] + bytes(at + 4 + length - first) + clip[at + 4 + length :]


@pytest.mark.parametrize("name", ["06710/13_1489064537267.mp4", "09800/20_1489090342294.mp4"])
@pytest.mark.parametrize("kept", [0.02, 0.7])
def test_a_real_clip_that_lost_part_of_its_key_frame_is_smeared(
    shared_data: Path, tmp_path: Path, name: str, kept: float
) -> None:
    damaged = tmp_path / "clip.mp4"
    damaged.write_bytes(without_the_end_of_its_key_frame((shared_data / "jamcam" / "days" / name).read_bytes(), kept))
    assert real(damaged) is Status.SMEARED


def faults_seen_by_eye() -> dict[str, str]:
    lines = (line.split() for line in FAULTS.read_text().splitlines() if not line.startswith("#"))
    return dict(lines)


@pytest.mark.parametrize(
    "name",
    [
        "06710/07_1489042933173.mp4",  # the first placeholder
        "06710/06_1489042632967.mp4",  # the clip before it
        "06710/03_1489030030922.mp4",  # the emptiest night
        "06710/12_1489061536555.mp4",  # a house across the street, exposure jumping
        "04254/01_1489023729687.mp4",  # blue lights over the whole picture
        "04254/07_1489044733357.mp4",  # a white hoarding close by
        "09800/08_1489046533969.mp4",  # glare of the low sun
    ],
)
def test_telling_clips_of_the_real_days(shared_data: Path, name: str) -> None:
    assert real(shared_data / "jamcam" / "days" / name) == faults_seen_by_eye().get(name, "ok")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_576_clips_of_the_real_days_are_judged_as_by_eye(shared_data: Path) -> None:
    """Every placeholder, and no false alarm: at night, in glare, on an empty street, with the view turned away."""
    days = shared_data / "jamcam" / "days"
    paths = sorted(days.glob("*/*.mp4"))
    judged = {f"{path.parent.name}/{path.name}": real(path) for path in paths}
    assert len(judged) == 576
    assert {name: str(status) for name, status in judged.items() if status is not Status.OK} == faults_seen_by_eye()
