"""A clip becomes one observation a zone: figures where it was counted, null and a reason where it was not."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import SystemClock
from core.errors import ConfigError, PixelLeak
from core.figures import CLASSES, PEOPLE, SERIES, VEHICLES, Gains
from core.records import Camera, ClipReady, Lighting, Status, Zone, ZoneKind
from detect.contact import Contact
from detect.counter import ClipCounter, count_media, count_source
from detect.error_model import Calibration, ErrorModel, GroupError, LightErrors, interval
from detect.ground.plane import Plane
from detect.ground.sited import grounded
from detect.model import Density
from detect.quality import Verdict
from detect.registry import open_model
from detect.result import CountResult
from detect.scene import Scene, Shift
from detect.views import Watched
from ingest.clip import SampledClip
from ingest.decode import open_media
from ingest.decode_limits import DecodeLimits
from ingest.frame import Frame
from ingest.source import UnusableClip
from ingest.synthetic import SyntheticConfig, SyntheticStreet

NOON = datetime(2017, 3, 9, 12, tzinfo=UTC)
WIDTH_PX, HEIGHT_PX = 32, 16
LEFT = Zone(id="left", name="left", polygon=((0, 0), (16, 0), (16, 16), (0, 16)))
RIGHT = Zone(id="right", name="right", polygon=((16, 0), (32, 0), (32, 16), (16, 16)))
CAMERA = Camera(id="06710", name="A street", lat=51.5, lon=0, width=WIDTH_PX, height=HEIGHT_PX, zones=(LEFT, RIGHT))
CLIP = ClipReady(camera="06710", event_time=NOON, location="clip.mp4")


class FixedClock(SystemClock):
    def now(self) -> datetime:
        return NOON + timedelta(minutes=5)


class Files:
    """Opens what lies on the disk."""

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        return open_media(Path(clip.location), frames, DecodeLimits())


class Opened:
    """Opens every reference as the same clip: `frames` empty pictures over ten seconds."""

    def __init__(
        self,
        frames: int,
        width_px: int = WIDTH_PX,
        height_px: int = HEIGHT_PX,
        span_s: float = 10.0,
        decode_errors: int = 0,
    ) -> None:
        self._clip = SampledClip(
            frames=tuple(
                Frame(np.zeros((height_px, width_px, 3), dtype=np.uint8), offset_s=index * span_s / max(1, frames - 1))
                for index in range(frames)
            ),
            duration_s=span_s,
            decoded_frames=frames,
            decode_errors=decode_errors,
        )

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        return self._clip


class Failing:
    """Raises what it was given, as an opener and as a model."""

    name = "failing@000000000000"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        raise self._error

    def density(self, frames: Sequence[Frame]) -> Density:
        raise self._error


class Told:
    """Answers with the density it was given, [frame, class, row, column]."""

    name = "told@000000000000"

    def __init__(self, density: Density) -> None:
        self._density = density

    def density(self, frames: Sequence[Frame]) -> Density:
        return self._density


def counts(frames: int, **by_class: Sequence[float]) -> Density:
    """A 2x4 grid with each frame's number of a class in the upper left cell."""
    density = np.zeros((frames, len(CLASSES), 2, 4), dtype=np.float32)
    for name, numbers in by_class.items():
        density[:, CLASSES.index(name), 0, 0] = numbers
    return density


def counter(model: object, opener: object, judge: Callable[[SampledClip], Verdict] | None = None) -> ClipCounter:
    usual = judge or (lambda _: Verdict(Status.OK))
    return ClipCounter(model, opener, frames_per_clip=4, clock=FixedClock(), judge=usual)  # type: ignore[arg-type]


def test_figures_are_known_answers_per_zone() -> None:
    """Pedestrians 1, 2, 3, 2 and cars 0, 4, 0, 0 in the left zone, nobody in the right one."""
    density = counts(4, pedestrian=[1, 2, 3, 2], cyclist=[1, 0, 0, 1], car=[0, 4, 0, 0])
    left, right = counter(Told(density), Opened(4)).observe(CAMERA, CLIP)

    assert (left.zone, right.zone, left.status, left.frames) == ("left", "right", Status.OK, 4)
    assert (left.event_time, left.counted_at, left.duration_s) == (NOON, NOON + timedelta(minutes=5), 10)
    assert left.present is not None
    assert left.peak is not None
    assert left.spread is not None
    assert left.stationary is not None
    assert (left.present.pedestrian, left.present.people, left.present.car) == (2, 2.5, 1)
    assert left.peak.people == 3, "of the sum in each frame, not the sum of each class's peak"
    assert left.spread.people == pytest.approx(0.5)
    assert left.stationary.car == 0
    assert left.stationary.people == pytest.approx(2.5 * 2 / 2.5), "two of them were there in every frame"
    assert right.present is not None
    assert set(right.present.model_dump().values()) == {0}


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_sums_are_sums_and_no_part_exceeds_its_whole(seed: int, frames: int) -> None:
    """For any density: people and vehicles are sums of classes; stationary <= present <= peak; zones add up."""
    density = np.random.default_rng(seed).exponential(0.2, (frames, len(CLASSES), 5, 7)).astype(np.float32)
    observed = counter(Told(density), Opened(frames)).observe(CAMERA, CLIP)

    total = 0.0
    for found in observed:
        assert found.present is not None
        assert found.peak is not None
        assert (found.stationary is None) == (frames == 1)
        for figures in filter(None, (found.present, found.stationary)):
            assert figures.people == pytest.approx(sum(figures.get(name) for name in PEOPLE))
            assert figures.vehicles == pytest.approx(sum(figures.get(name) for name in VEHICLES))
        for series in SERIES:
            assert found.present.get(series) <= found.peak.get(series) + 1e-9
            if found.stationary is not None:
                assert found.stationary.get(series) <= found.present.get(series)
        total += found.present.people + found.present.vehicles
    assert total == pytest.approx(float(density.sum()) / frames, rel=1e-5)


def test_a_camera_without_zones_is_counted_whole() -> None:
    camera = CAMERA.model_copy(update={"zones": ()})
    (whole,) = counter(Told(counts(4, bus=[1, 1, 1, 1])), Opened(4)).observe(camera, CLIP)

    assert whole.zone == "06710:view"
    assert whole.stationary is not None
    assert whole.stationary.bus == 1


@pytest.mark.parametrize("opened", [Opened(1), Opened(4, span_s=0.5)], ids=["a still", "half a second"])
def test_standing_still_is_unknown_in_a_moment(opened: Opened) -> None:
    frames = len(opened.open(CLIP, 4).frames)
    left, _ = counter(Told(counts(frames, car=[1] * frames)), opened).observe(CAMERA, CLIP)

    assert left.status is Status.OK
    assert left.stationary is None


@pytest.mark.parametrize("status", [Status.UNDECODABLE, Status.OVERSIZE, Status.UNREACHABLE])
def test_a_clip_that_cannot_be_opened_is_a_reason_for_every_zone(status: Status) -> None:
    error = UnusableClip(status, "clip.mp4 is broken", remedy="send another")
    observed = counter(Told(counts(4)), Failing(error)).observe(CAMERA, CLIP)

    assert [(found.zone, found.status) for found in observed] == [("left", status), ("right", status)]
    assert {found.reason for found in observed} == {"clip.mp4 is broken. send another"}
    assert {found.present for found in observed} == {None}


def test_a_clip_of_another_size_is_not_counted() -> None:
    """Its zones would lie elsewhere in the street."""
    left, _ = counter(Told(counts(4)), Opened(4, width_px=64, height_px=48)).observe(CAMERA, CLIP)

    assert left.status is Status.WRONG_SIZE
    assert left.reason == (
        "the clip is 64x48, camera 06710 is 32x16. Set the camera's width and height to those of its clips, "
        "and draw its zones in them"
    )
    assert left.present is None


def test_a_whole_view_is_counted_whatever_its_size() -> None:
    """Publishers do not say how large their pictures are, and a whole view has no zone that could lie elsewhere."""
    whole = CAMERA.model_copy(update={"zones": ()})
    (found,) = counter(Told(counts(4)), Opened(4, width_px=64, height_px=48)).observe(whole, CLIP)
    assert found.status is Status.OK


def test_a_bad_picture_is_not_counted() -> None:
    observed = counter(
        Failing(AssertionError("the model was asked")), Opened(4), lambda _: Verdict(Status.SMEARED, "40 % of rows")
    ).observe(CAMERA, CLIP)

    assert {(found.status, found.reason, found.frames) for found in observed} == {(Status.SMEARED, "40 % of rows", 4)}


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (Failing(MemoryError("allocation of 8 GB failed")), "MemoryError: allocation of 8 GB failed"),
        (Told(counts(3)), r"density of shape \[3, 7, 2, 4\] for 4 frames"),
        (Told(counts(4, car=[1, 1, float("nan"), 1])), "not finite"),
        (Told(counts(4, car=[1, 1, 20_000, 1])), "20000 present in a frame"),
    ],
    ids=["raises", "another shape", "NaN", "more than there can be"],
)
def test_a_failing_model_loses_no_clip(model: Failing | Told, told: str) -> None:
    """The clip is not to blame, and says so: it may be counted again under the same id."""
    observed = counter(model, Opened(4)).observe(CAMERA, CLIP)

    assert [found.status for found in observed] == [Status.MODEL_ERROR] * 2
    assert told.replace("\\", "") in (observed[0].reason or "")


def test_an_opener_that_breaks_is_a_reason_too() -> None:
    (found, _) = counter(Told(counts(4)), Failing(OSError("disk gone"))).observe(CAMERA, CLIP)
    assert (found.status, found.reason) == (Status.UNDECODABLE, "opening failed: OSError: disk gone")


def test_a_clip_without_frames() -> None:
    (found, _) = counter(Told(counts(0)), Opened(0)).observe(CAMERA, CLIP)
    assert (found.status, found.reason) == (Status.UNDECODABLE, "the clip has no frame")


def test_a_long_reason_fits_the_record() -> None:
    (found, _) = counter(Failing(RuntimeError("x" * 5000)), Opened(4)).observe(CAMERA, CLIP)
    assert len(found.reason or "") == 500


def test_a_leak_of_pixels_is_never_swallowed() -> None:
    """A bug of ours, not a bad clip: it must not become an observation."""
    with pytest.raises(PixelLeak):
        counter(Failing(PixelLeak("a frame was pickled")), Opened(4)).observe(CAMERA, CLIP)


def test_a_broken_zone_is_an_error_of_configuration() -> None:
    bow = Zone(id="bow", name="bow", polygon=((0, 0), (32, 16), (32, 0), (0, 16)))
    with pytest.raises(ConfigError, match="'bow'"):
        counter(Told(counts(4)), Opened(4)).observe(CAMERA.model_copy(update={"zones": (bow,)}), CLIP)


def test_the_same_clip_twice_has_the_same_id() -> None:
    once, again = (counter(Told(counts(4)), Opened(4)).observe(CAMERA, CLIP) for _ in range(2))
    assert [found.id for found in once] == [found.id for found in again]


def test_a_clip_of_another_camera_is_refused() -> None:
    with pytest.raises(ValueError, match="of camera 09800"):
        counter(Told(counts(4)), Opened(4)).observe(CAMERA, CLIP.model_copy(update={"camera": "09800"}))


GROUP = {"frames": 40, "sites": 5}
KNOWN = LightErrors(
    people=GroupError(gain=1.5, sqrt_error=0.5, **GROUP), vehicles=GroupError(gain=0.5, sqrt_error=0.3, **GROUP)
)


class Measured(Told):
    """As `Told`, and its errors by day are known."""

    errors = ErrorModel(sha256="0" * 64, day=KNOWN)


def test_figures_are_corrected_and_the_number_present_has_an_interval() -> None:
    """Every figure by the gain of its group, the interval about the corrected number; peak and stillness follow."""
    density = counts(4, pedestrian=[1, 2, 3, 2], car=[4, 4, 4, 4])
    (plain, _), (found, empty) = (
        counter(model(density), Opened(4)).observe(CAMERA, CLIP) for model in (Told, Measured)
    )
    assert plain.present is not None
    assert found.present is not None
    assert found.peak is not None
    assert found.spread is not None
    assert found.stationary is not None
    assert found.low is not None
    assert found.high is not None
    assert (plain.low, plain.high, plain.gain, plain.calibration) == (None, None, None, None)
    assert (found.gain, found.calibration, found.lighting) == (Gains(people=1.5, vehicles=0.5), None, Lighting.DAY)
    assert (found.present.people, found.present.car, found.peak.people) == (3, 2, 4.5)
    assert found.stationary.car == pytest.approx(2)
    assert plain.spread is not None
    assert found.spread.people == pytest.approx(plain.spread.people * 1.5)
    low, high = interval(np.array(3.0), 0.5)
    assert (found.low.people, found.high.people) == pytest.approx((float(low), float(high)))
    assert empty.high is not None
    assert empty.high.people > 0, "nobody counted is not a certain nobody"


def test_a_light_of_which_no_error_is_known_has_no_interval() -> None:
    """The errors are known by day; this clip is of the night, lit by lamps."""
    lamps = np.full((HEIGHT_PX, WIDTH_PX, 3), (220, 170, 110), dtype=np.uint8)
    clip = SampledClip(tuple(Frame(lamps, float(at)) for at in range(4)), 3.0, 4)
    night = Opened(4)
    night._clip = clip
    (found, _) = counter(Measured(counts(4, car=[4] * 4)), night).observe(CAMERA, CLIP)
    assert (found.lighting, found.low, found.gain) == (Lighting.NIGHT, None, None)
    assert found.present is not None
    assert found.present.car == 4


def test_a_calibration_of_the_camera_is_used_and_named() -> None:
    own = Calibration(
        camera="06710", version=2, made_at=NOON, model=Measured.name, rows=12,
        day=LightErrors(people=GroupError(gain=2, sqrt_error=0.2, **GROUP)),
    )  # fmt: skip
    model = Measured(counts(4, pedestrian=[2] * 4, car=[4] * 4))
    kept = ClipCounter(
        model, Opened(4), 4, FixedClock(), calibrations={"06710": own}, judge=lambda _: Verdict(Status.OK)
    )
    (found, _) = kept.observe(CAMERA, CLIP)
    assert found.calibration == "06710/2"
    assert found.gain == Gains(people=2, vehicles=0.5)
    assert found.present is not None
    assert (found.present.people, found.present.vehicles) == (4, 2)


def test_a_clip_that_was_not_counted_has_no_error() -> None:
    (found, _) = counter(Measured(counts(4)), Opened(4), lambda _: Verdict(Status.DARK, "dark")).observe(CAMERA, CLIP)
    assert (found.low, found.high, found.gain, found.calibration, found.lighting) == (None, None, None, None, None)


def test_count_of_a_source_has_the_interval_of_the_model() -> None:
    result = count_source(
        "clip.mp4",
        lambda frames: Opened(frames).open(CLIP, frames),
        Measured(counts(4, pedestrian=[2] * 4)),
        frames=4,
        judge=lambda _: Verdict(Status.OK),
    )
    assert result.low is not None
    assert result.high is not None
    assert result.people == 3
    assert result.low["people"] < 3 < result.high["people"]
    assert result.lighting is Lighting.DAY


def test_count_of_a_source_is_the_contract_of_the_command() -> None:
    result = count_source(
        "clip.mp4",
        lambda frames: Opened(frames).open(CLIP, frames),
        Told(counts(4, pedestrian=[1, 2, 1, 2], van=[1, 1, 1, 1])),
        frames=4,
        event_time=NOON,
        judge=lambda _: Verdict(Status.OK),
    )

    assert list(CountResult.model_fields) == [
        "source", "status", "reason", "event_time", "frames", "counts", "people", "vehicles", "stationary", "low",
        "high", "lighting", "model", "elapsed_ms",
    ]  # fmt: skip
    assert result.counts == dict.fromkeys(CLASSES, 0.0) | {"pedestrian": 1.5, "van": 1.0}
    assert (result.people, result.vehicles, result.event_time) == (1.5, 1, NOON)
    assert result.stationary is not None
    assert result.stationary["vehicles"] == 1
    assert CountResult.model_validate_json(result.model_dump_json()) == result


def test_counting_a_text_file_called_mp4(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("not a clip")
    result = count_media(path, Told(counts(8)))

    assert (result.source, result.status) == (str(path), Status.UNDECODABLE)
    assert result.reason
    assert (result.counts, result.people, result.vehicles, result.stationary) == (None, None, None, None)


def test_a_count_of_a_part_of_a_clip_says_so() -> None:
    """The figures are those of the whole clip's; the reason is the trace of what was lost."""
    density = counts(4, pedestrian=[1, 2, 3, 2])
    whole = counter(Told(density), Opened(4)).observe(CAMERA, CLIP)
    part = counter(Told(density), Opened(4, decode_errors=2)).observe(CAMERA, CLIP)

    assert [found.reason for found in whole] == [None, None]
    assert {(found.status, found.reason) for found in part} == {
        (Status.OK, "counted from 4 of 6 frames: the clip breaks off or is damaged")
    }
    assert [found.model_copy(update={"reason": None}) for found in part] == whole


@pytest.mark.parametrize(
    ("model", "verdict", "status", "reason"),
    [
        (Told(counts(4)), Verdict(Status.SMEARED, "40 % of rows"), Status.SMEARED, "40 % of rows"),
        (Failing(OSError("x")), Verdict(Status.OK), Status.MODEL_ERROR, f"model {Failing.name} failed: OSError: x"),
    ],
)
def test_why_a_clip_was_not_counted_comes_before_what_it_lost(
    model: Told | Failing, verdict: Verdict, status: Status, reason: str
) -> None:
    (found, _) = counter(model, Opened(4, decode_errors=2), lambda _: verdict).observe(CAMERA, CLIP)
    assert (found.status, found.reason) == (status, reason)


def write_street(path: Path, frames: int = 50) -> None:
    """A clip of noise that a live camera might give, at 25 frames/s: sharp, bright and changing."""
    noise = np.random.default_rng(7)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for _ in range(frames):
        writer.write(noise.integers(0, 256, (48, 64, 3), dtype=np.uint8))
    writer.release()


def test_a_clip_cut_short_is_counted_and_says_from_how_much(tmp_path: Path) -> None:
    """The whole way: a file that lost its last quarter, the decoder, the count."""
    path = tmp_path / "cut.avi"
    write_street(path)
    whole = count_media(path, Told(counts(6, car=[1] * 6)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    cut = count_media(path, Told(counts(6, car=[1] * 6)))

    assert (whole.status, whole.reason) == (Status.OK, None)
    assert cut.status is Status.OK
    assert cut.counts == whole.counts
    told = re.fullmatch(r"counted from (\d+) of 50 frames: the clip breaks off or is damaged", cut.reason or "")
    assert told is not None
    assert 30 <= int(told[1]) < 50


def test_a_source_whose_name_is_not_utf8_is_counted_and_can_be_printed(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.avi")
    try:
        path.touch()
    except OSError:
        pytest.skip("needs a file system that takes any bytes as a name")
    empty = count_media(path, Told(counts(6)))
    write_street(tmp_path / "street.avi")
    (tmp_path / "street.avi").rename(path)
    street = count_media(path, Told(counts(6)))

    assert (empty.status, street.status) == (Status.UNDECODABLE, Status.OK)
    for result in (empty, street):
        assert result.source == str(tmp_path / r"\xff.avi")
        assert CountResult.model_validate_json(result.model_dump_json()) == result


def test_limits_reach_the_decoder(shared_data: Path) -> None:
    clip = min((shared_data / "jamcam" / "days" / "06710").glob("*.mp4"))
    result = count_media(clip, Told(counts(8)), limits=DecodeLimits(max_bytes=1000))

    assert result.status is Status.OVERSIZE


def test_a_real_clip_is_counted_by_the_network(shared_data: Path) -> None:
    """Midday at camera 06710, a busy junction: someone is there, but no crowd."""
    path = min((shared_data / "jamcam" / "days" / "06710").glob("12_*.mp4"))
    camera = Camera(id="06710", name="A406", lat=51.5, lon=0)
    clip = ClipReady(camera="06710", event_time=NOON, location=str(path))
    (found,) = ClipCounter(open_model("lowres-2"), Files(), 4, FixedClock()).observe(camera, clip)

    assert found.status is Status.OK
    assert found.frames == 4
    assert found.present is not None
    assert found.stationary is not None
    assert 0.5 < found.present.people + found.present.vehicles < 80
    assert found.stationary.vehicles <= found.present.vehicles


def test_a_clip_that_is_served_again_is_frozen_and_a_placeholder_stays_one() -> None:
    """A stuck feed gives a flawless picture of the past: its figures would stand at the wrong hour."""
    again = CLIP.model_copy(update={"repeats": NOON - timedelta(minutes=10)})
    density = counts(4, pedestrian=[1, 2, 3, 2])
    left, right = counter(Told(density), Opened(4)).observe(CAMERA, again)
    assert left.status is right.status is Status.FROZEN
    assert left.present is None
    assert left.reason == "frozen feed: the clip is the one of 2017-03-09 11:50:00 UTC again, byte for byte"

    card = counter(Told(density), Opened(4), lambda _: Verdict(Status.PLACEHOLDER, "a card")).observe(CAMERA, again)
    assert {observation.status for observation in card} == {Status.PLACEHOLDER}


CALIBRATED = grounded(SyntheticStreet(SyntheticConfig(cameras=1)).cameras[0])
OF_CALIBRATED = ClipReady(camera=CALIBRATED.id, event_time=NOON, location="clip.mp4")


class Standing(Told):
    """Sees two people a metre apart on the first pavement, in each of four frames, as many pixels to the right."""

    def __init__(self, right_px: int = 0) -> None:
        density = np.zeros((4, len(CLASSES), 288, 352), dtype=np.float32)
        assert CALIBRATED.plane is not None
        plane = Plane(CALIBRATED.plane, (352, 288))
        polygon = np.array(next(zone for zone in CALIBRATED.zones if zone.kind is ZoneKind.PAVEMENT).polygon)
        nearest_m = plane.to_ground(polygon.mean(axis=0))
        for at_m in (nearest_m, nearest_m + np.array((1.0, 0.0))):
            column, row = np.floor(plane.to_picture(at_m)).astype(int)
            density[:, CLASSES.index("pedestrian"), row, column + right_px] += 1
        super().__init__(density)


def test_a_calibrated_zone_says_its_square_metres_and_where_it_is_crowded() -> None:
    observed = counter(Standing(), Opened(4, 352, 288)).observe(CALIBRATED, OF_CALIBRATED)
    assert len(observed) == len(CALIBRATED.zones) > 2
    for zone, one in zip(CALIBRATED.zones, observed, strict=True):
        assert zone.ground is not None
        assert one.ground is not None
        assert (one.ground.plane, one.ground.area_m2, one.ground.area_error) == (
            zone.ground.plane, zone.ground.area_m2, zone.ground.area_error,
        )  # fmt: skip
        walked = zone.kind in (ZoneKind.PAVEMENT, ZoneKind.CROSSING, ZoneKind.BUS_STOP)
        assert walked or one.ground.crowded_share is None
    pavement = next(one for one in observed if one.present and one.present.pedestrian == 2)
    assert pavement.ground is not None
    assert pavement.ground.crowded_share is not None
    assert 0 < pavement.ground.crowded_share < 16 / pavement.ground.area_m2, "of a quarter of it at least"


def test_what_is_not_calibrated_or_not_counted_has_no_ground() -> None:
    def grounds(camera: Camera, judge: Callable[[SampledClip], Verdict] | None = None) -> list[object]:
        return [one.ground for one in counter(Standing(), Opened(4, 352, 288), judge).observe(camera, OF_CALIBRATED)]

    bare = CALIBRATED.model_copy(
        update={"plane": None, "zones": tuple(z.model_copy(update={"ground": None}) for z in CALIBRATED.zones)}
    )
    assert set(grounds(bare)) == {None}
    whole = CALIBRATED.model_copy(update={"zones": ()})
    assert grounds(whole) == [None], "the whole view is no piece of ground"
    assert set(grounds(CALIBRATED, lambda _: Verdict(Status.DARK, "too dark"))) == {None}


@pytest.mark.parametrize(("epoch", "shift_px"), [(0, 8), (1, 0)])
def test_the_ground_is_that_of_the_first_view_wherever_that_has_moved(
    monkeypatch: pytest.MonkeyPatch, epoch: int, shift_px: int
) -> None:
    """Moved by 8 px it is the same street with the same people; of another view nothing is known."""
    watched = Watched(Verdict(Status.OK), None, epoch=epoch, shift=Shift(right=shift_px / 352))
    monkeypatch.setattr("detect.counter.watch", lambda *_: watched)
    in_place = counter(Standing(), Opened(4, 352, 288)).observe(CALIBRATED, OF_CALIBRATED)
    moved = counter(Standing(shift_px), Opened(4, 352, 288)).report(CALIBRATED, OF_CALIBRATED, Scene()).observations
    if epoch != 0:
        assert {one.ground for one in moved} == {None}
        return
    for zone, before, after in zip(CALIBRATED.zones, in_place, moved, strict=True):
        assert after.present == before.present
        assert before.ground is not None
        assert after.ground is not None
        if all(x + shift_px <= 352 for x, _ in zone.polygon or ()):
            assert after.ground == before.ground
        else:  # its edge has left the picture
            assert 0.9 * before.ground.area_m2 < after.ground.area_m2 < before.ground.area_m2


def test_where_its_density_stands_is_the_models_to_say() -> None:
    """Seen half a metre above their feet, those who stand just behind a zone's near edge are shown well within it."""
    assert CALIBRATED.plane is not None
    low, high = Standing(), Standing()
    high.contact = Contact(people=0.5)  # type: ignore[attr-defined]
    raised = np.roll(high.density(()), -round(0.5 * 12), axis=2)  # 12 px a metre there
    moved = Told(raised)
    moved.contact = high.contact  # type: ignore[attr-defined]
    standing, shown = (counter(model, Opened(4, 352, 288)).observe(CALIBRATED, OF_CALIBRATED) for model in (low, moved))
    assert [one.present and one.present.people for one in standing] == [
        one.present and one.present.people for one in shown
    ]
