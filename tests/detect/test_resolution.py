"""Nobody is shown so large that they could be recognised: decided from figures, done right after decoding."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from math import cos, radians, sin

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.clock import SystemClock
from core.errors import ConfigError
from core.figures import CLASSES
from core.ground import GroundMethod, GroundPlane
from core.records import Camera, ClipReady, Status, Zone
from detect.counter import ClipCounter, count_source
from detect.model import Density
from detect.quality import Verdict
from detect.reduction import Gate, reduced
from detect.resolution import (
    DEFAULT,
    SMALLEST_PX,
    ResolutionLimit,
    TooNear,
    allowed_size,
    check_resolution,
    people_px_per_m,
    too_near,
)
from detect.scene import Scene
from detect.views import Watched
from ingest.clip import SampledClip
from ingest.frame import Frame
from ingest.synthetic import SyntheticConfig, SyntheticStreet

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
UHD = (3840, 2160)


def plane(
    size_px: tuple[int, int], focal_px: float, height_m: float, pitch_deg: float, told: bool = True
) -> GroundPlane:
    """A camera that looks north, `pitch_deg` down."""
    (x, y), down, along = (size_px[0] / 2, size_px[1] / 2), sin(radians(pitch_deg)), cos(radians(pitch_deg))
    matrix = np.array([
        [height_m / focal_px, 0, -height_m * x / focal_px],
        [0, -height_m * down / focal_px, height_m * (along + y * down / focal_px)],
        [0, along / focal_px, down - y * along / focal_px],
    ])  # fmt: skip
    return GroundPlane(
        name="camera/00000000", method=GroundMethod.POINTS, lat=51.5, lon=0,
        image_to_ground=tuple((matrix / np.linalg.norm(matrix)).ravel().tolist()),
        height_m=height_m if told else None, focal_px=focal_px if told else None,
    )  # fmt: skip


def camera(size_px: tuple[int, int], ground: GroundPlane | None = None, zones: tuple[Zone, ...] = ()) -> Camera:
    return Camera(
        id="camera", name="camera", lat=51.5, lon=0, width=size_px[0], height=size_px[1], plane=ground, zones=zones
    )


class Seen:
    """A model that notes the size of what it is shown."""

    name = "seen@000000000000"

    def __init__(self) -> None:
        self.sizes: set[tuple[int, int]] = set()

    def density(self, frames: Sequence[Frame]) -> Density:
        self.sizes |= {(frame.width_px, frame.height_px) for frame in frames}
        return np.zeros((len(frames), len(CLASSES), 2, 2), dtype=np.float32)


class Opened:
    """Opens every clip as two pictures of noise."""

    def __init__(self, size_px: tuple[int, int]) -> None:
        self._size_px = size_px

    def open(self, clip: ClipReady | None, frames: int) -> SampledClip:
        noise = np.random.default_rng(0).integers(0, 256, (self._size_px[1], self._size_px[0], 3), dtype=np.uint8)
        return SampledClip((Frame(noise, 0.0), Frame(noise, 5.0)), duration_s=10, decoded_frames=2)


def counted(of: Camera, model: Seen, shown_px: tuple[int, int], limit: ResolutionLimit = DEFAULT) -> tuple[Status, str]:
    """Counts a clip of `shown_px`; the quality it is judged by says the size at which that was done."""
    judged: list[tuple[int, int]] = []

    def judge(clip: SampledClip) -> Verdict:
        judged.append((clip.frames[0].width_px, clip.frames[0].height_px))
        return Verdict(Status.OK)

    counter = ClipCounter(model, Opened(shown_px), 2, SystemClock(), resolution=limit, judge=judge)
    clip = ClipReady(camera=of.id, event_time=NOON, location="clip.mp4")
    (first, *_) = counter.report(of, clip, None).observations
    assert set(judged) == model.sizes, "the same picture is judged and counted"
    return first.status, first.reason or ""


def test_a_4k_frame_reaches_the_model_reduced() -> None:
    """Of an uncalibrated camera the nearest row shows 4 m: 500 px across would be 125 px a metre."""
    model = Seen()
    assert counted(camera(UHD), model, UHD) == (Status.OK, "")
    assert model.sizes == {(499, 281)}


def test_a_source_without_a_camera_is_held_to_the_limit_too() -> None:
    model = Seen()
    opened = Opened(UHD)
    result = count_source("clip", lambda n: opened.open(None, n), model, judge=lambda _: Verdict(Status.OK))
    assert (result.status, model.sizes) == (Status.OK, {(499, 281)})


def test_a_jamcam_is_as_it_was() -> None:
    assert allowed_size((352, 288), None, DEFAULT) == (352, 288)
    for one in SyntheticStreet(SyntheticConfig(cameras=16)).cameras:
        assert one.plane is not None
        assert allowed_size((352, 288), one.plane, DEFAULT) == (352, 288)


def test_a_head_is_nearer_than_the_feet() -> None:
    """8 m up and 45 degrees down, 1000 px of focal length: the ground 20 px below the axis is 11.3 m away."""
    ground = plane((40, 40), 1000, 8, 45)
    depth_m = 8 / (sin(radians(45)) + 20 / 1000 * cos(radians(45)))
    assert people_px_per_m((40, 40), ground, DEFAULT) == pytest.approx(1000 / depth_m * 8 / (8 - 1.7), rel=1e-9)


def test_where_the_height_is_not_known_the_camera_hangs_low() -> None:
    known, not_known = plane((352, 288), 360, 8, 20), plane((352, 288), 360, 8, 20, told=False)
    nearer = people_px_per_m((352, 288), not_known, DEFAULT) / people_px_per_m((352, 288), known, DEFAULT)
    assert nearer == pytest.approx(4 / 2.3 / (8 / 6.3))


def test_a_calibrated_camera_is_reduced_by_what_its_ground_says() -> None:
    """High above a square, 4K shows less than 125 px a metre; near a pavement, 720p shows more."""
    square, pavement = plane(UHD, 3000, 60, 35), plane((1280, 720), 1200, 4.5, 30)
    assert allowed_size(UHD, square, DEFAULT) == UHD
    small = allowed_size((1280, 720), pavement, DEFAULT)
    before = people_px_per_m((1280, 720), pavement, DEFAULT)
    assert before > 125
    assert 120 < before * small[0] / 1280 < 125


def test_another_view_than_the_one_whose_ground_is_known_is_held_to_the_size_of_its_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An operator has confirmed the new view: the old one's ground says nothing of it."""
    other = Watched(Verdict(Status.OK), None, epoch=1)
    monkeypatch.setattr("detect.counter.watch", lambda *_: other)
    model = Seen()
    of = camera(UHD, plane(UHD, 3000, 60, 35))
    counter = ClipCounter(model, Opened(UHD), 2, SystemClock(), judge=lambda _: Verdict(Status.OK))
    (one,) = counter.report(of, ClipReady(camera=of.id, event_time=NOON, location="clip.mp4"), Scene()).observations
    assert (one.status, one.ground, model.sizes) == (Status.OK, None, {(499, 281)})


def test_the_size_of_a_clip_is_judged_before_it_is_reduced() -> None:
    zones = (Zone(id="zone", name="zone", polygon=((0, 0), (100, 0), (100, 100))),)
    model = Seen()
    status, reason = counted(camera((352, 288), zones=zones), model, UHD)
    assert (status, model.sizes) == (Status.WRONG_SIZE, set())
    assert "the clip is 3840x2160" in reason
    calibrated = camera((352, 288), plane((352, 288), 360, 8, 20))
    assert counted(calibrated, model, (704, 576))[0] is Status.WRONG_SIZE, "its ground is that of another picture"
    assert counted(camera(UHD, zones=zones), model, UHD) == (Status.OK, ""), "zones need no change"


@given(
    st.integers(160, 4000), st.integers(120, 4000), st.floats(10, 250), st.floats(1, 10),
)  # fmt: skip
def test_what_passes_is_below_the_limit_and_large_enough_to_count_in(
    width: int, height: int, most: float, across_m: float
) -> None:
    limit = ResolutionLimit(most_px_per_m=most, assumed_width_m=across_m)
    try:
        found = allowed_size((width, height), None, limit)
    except TooNear:
        return
    assert max(found) / across_m < most
    assert found <= (width, height)
    if found != (width, height):
        assert (max(found) >= SMALLEST_PX[0], min(found) >= SMALLEST_PX[1]) == (True, True)
        assert (max(found) + 1) / across_m >= most * 0.98, "no smaller than it has to be"


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (camera((640, 480), plane((640, 480), 900, 2.2, 20)), "up to 1067 px a metre"),
        (camera((640, 480), plane((640, 480), 900, 1.6, 20)), "at the height of their faces"),
        (camera((7680, 500)), "up to 1920 px a metre"),
    ],
    ids=["a doorbell", "lower than a face", "a strip"],
)
def test_a_camera_of_which_too_little_would_be_left_is_not_counted(of: Camera, says: str) -> None:
    near = too_near(of, DEFAULT)
    assert near is not None
    with pytest.raises(ConfigError, match=f"camera camera may not be counted: it shows people {says}"):
        check_resolution([of], DEFAULT)
    model = Seen()
    status, reason = counted(of, model, (of.width, of.height))
    assert (status, reason) == (Status.OVERSIZE, str(near))
    assert not model.sizes


def test_the_gate_has_no_switch() -> None:
    for written in ({"most_px_per_m": None}, {"most_px_per_m": 0}, {"most_px_per_m": 1000}, {"assumed_width_m": 500}):
        with pytest.raises(ValidationError):
            ResolutionLimit.model_validate(written)
    assert ResolutionLimit.model_validate({}) == DEFAULT


def test_a_plane_that_shows_no_ground_says_nothing() -> None:
    """It looks at the sky: held to the size of its frames, as without one."""
    assert people_px_per_m((352, 288), plane((352, 288), 360, 8, -60), DEFAULT) == 352 / 4


def test_what_is_reduced_is_averaged_and_keeps_its_time() -> None:
    grey = np.zeros((4, 8, 3), dtype=np.uint8)
    grey[:, ::2] = 200
    clip = SampledClip((Frame(grey, 1.5),), duration_s=3, decoded_frames=9, decode_errors=1)
    small = reduced(clip, (4, 2))
    assert (small.frames[0].pixels == 100).all()
    assert (small.frames[0].offset_s, small.duration_s, small.decoded_frames, small.decode_errors) == (1.5, 3, 9, 1)
    assert Gate(DEFAULT).passed(clip) is clip, "one that need not be is left alone"


def test_who_decides_loads_no_decoder() -> None:
    """The process that fetches and stores asks too whether a camera may be counted."""
    asked = "import sys, detect.resolution; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
