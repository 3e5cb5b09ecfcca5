"""A clip of another view is not counted in any light; a clip encoded anew is the old one; nobody is in either."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.figures import CLASSES
from core.records import Camera, ClipReady, Status, Zone
from detect.counter import ClipCounter
from detect.fingerprint import fingerprint_of, repeated
from detect.model import Density
from detect.scene import FINGERPRINT_COLUMNS, FINGERPRINT_FRAMES, FINGERPRINT_ROWS, IN_PLACE, Scene, Shift
from detect.view_book import ViewBook
from detect.view_field import aligned, decoded
from detect.view_zones import followed, left_behind
from detect.views import grey_of, signature_of, watch
from ingest.clip import SampledClip
from ingest.decode import open_media
from ingest.decode_limits import DecodeLimits
from ingest.frame import Frame, Pixels
from ingest.rendering import RenderedStreet
from ingest.synthetic import SceneFault, SyntheticConfig

MIDNIGHT = datetime(2026, 3, 12, tzinfo=UTC)
FRAMES = 4


@cache
def street(hour: float, camera: int = 0, moved: bool = False) -> tuple[Pixels, ...]:
    """Frames of a synthetic camera at an hour, of its own view or of another."""
    start = MIDNIGHT + timedelta(hours=hour)
    config = SyntheticConfig(cameras=2, start=start, days=0.01, cadence_s=800)
    name = f"synthetic-{camera + 1:02}"
    if moved:
        fault = {"camera": name, "kind": "moved_view", "from": start, "to": start + timedelta(hours=1)}
        config = config.model_copy(update={"faults": (SceneFault.model_validate(fault),)})
    source = RenderedStreet(config)
    clip = next(clip for clip in source.clips() if clip.camera == name)
    return tuple(np.array(frame.pixels, subok=False) for frame in source.open(clip, FRAMES).frames)


def clip_of(pictures: tuple[Pixels, ...] | list[Pixels]) -> SampledClip:
    frames = tuple(Frame(np.ascontiguousarray(picture), 2.5 * index) for index, picture in enumerate(pictures))
    return SampledClip(frames=frames, duration_s=10.0, decoded_frames=250)


def shown_in(pictures: list[Pixels]) -> str:
    return fingerprint_of([grey_of(frame) for frame in clip_of(pictures).frames])


def reference(hour: float, camera: str = "synthetic-01") -> ClipReady:
    return ClipReady(camera=camera, event_time=MIDNIGHT + timedelta(hours=hour), location="clip.mp4")


@cache
def known_by_day() -> Scene:
    book = ViewBook()
    for hour in (12, 12.5, 13):
        clip = clip_of(street(hour))
        book.learn("synthetic-01", reference(hour), watch(clip, book.scene_of("synthetic-01")).sight)
    return book.scene_of("synthetic-01").model_copy(update={"last": None})


def turned(picture: Pixels, right_px: float = 0, scale: float = 1) -> Pixels:
    matrix = cv2.getRotationMatrix2D((176, 144), 0, scale)
    matrix[0, 2] += right_px
    return np.asarray(cv2.warpAffine(picture, matrix, (352, 288), borderMode=cv2.BORDER_REFLECT), dtype=np.uint8)


def similarity(one: str, other: str) -> float:
    return aligned(decoded(one), [decoded(other)])[0].similarity


@pytest.mark.parametrize("hour", [3, 6.5, 9, 15, 18.5, 22])
def test_the_known_view_is_known_by_day_and_by_night(hour: float) -> None:
    """Learnt at noon alone; hours of dusk and dawn lie between in life."""
    watched = watch(clip_of(street(hour)), known_by_day())
    assert watched.verdict.status is Status.OK
    assert watched.sight is not None
    assert watched.sight.epoch == 0
    assert watched.shift.right == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(("hour", "camera", "moved"), [(13, 0, True), (22, 0, True), (13, 1, False), (3, 1, False)])
def test_another_view_is_not_counted_and_the_reason_says_how_unlike_it_is(
    hour: float, camera: int, moved: bool
) -> None:
    since = known_by_day().model_copy(update={"away_since": MIDNIGHT + timedelta(hours=11, minutes=5)})
    watched = watch(clip_of(street(hour, camera, moved)), since)
    assert watched.verdict.status is Status.MOVED_VIEW
    assert str(watched.verdict.reason).startswith("view differs from the known one since 11:05 UTC (similarity 0.")
    assert watched.sight is not None
    assert watched.sight.epoch is None
    assert watched.sight.fingerprint is None, "nothing that follows people is told of a view that is not counted"


@pytest.mark.parametrize("right_px", [-30, 12, 21, 40])
def test_a_view_a_little_askew_is_known_and_how_far(right_px: int) -> None:
    watched = watch(clip_of([turned(picture, right_px) for picture in street(14)]), known_by_day())
    assert watched.verdict.status is Status.OK
    assert watched.shift.right * 352 == pytest.approx(right_px, abs=2.5)
    assert watched.shift.down * 288 == pytest.approx(0, abs=2.5)


@pytest.mark.parametrize(("right_px", "scale"), [(60, 1), (-90, 1), (0, 1.2), (0, 0.8), (0, 1.5)])
def test_a_pan_and_a_zoom_of_the_same_place_are_another_view(right_px: int, scale: float) -> None:
    watched = watch(clip_of([turned(picture, right_px, scale) for picture in street(14)]), known_by_day())
    assert watched.verdict.status is Status.MOVED_VIEW


@pytest.mark.parametrize("turns_after", [1, 2, 3])
def test_a_clip_in_which_the_camera_turns_is_not_counted(turns_after: int) -> None:
    before, after = street(13), street(13, moved=True)
    watched = watch(clip_of([*before[:turns_after], *after[turns_after:]]), known_by_day())
    assert watched.verdict.status is Status.MOVED_VIEW
    assert "the camera moved during the clip" in str(watched.verdict.reason)
    assert watched.sight is not None
    assert watched.sight.fingerprint is None


def test_without_a_known_view_a_clip_is_counted_and_undecided_it_is_not() -> None:
    assert watch(clip_of(street(13)), Scene()).verdict.status is Status.OK
    seen = watch(clip_of(street(13)), Scene(undecided=True))
    assert seen.sight is not None
    assert seen.sight.fingerprint is None
    refused = seen.verdict
    assert refused.status is Status.MOVED_VIEW
    assert "first clips show different views" in str(refused.reason)


def test_an_unconfirmed_view_is_named() -> None:
    (view,) = known_by_day().views
    scene = Scene(views=(view.model_copy(update={"epoch": 1, "counted": False}),))
    watched = watch(clip_of(street(13)), scene)
    assert watched.verdict.status is Status.MOVED_VIEW
    assert "view 1, which nobody has confirmed" in str(watched.verdict.reason)
    assert watched.sight is not None
    assert watched.sight.fingerprint is None
    assert watched.epoch == 1


@pytest.mark.parametrize("size", [(176, 144), (704, 576), (1280, 720), (17, 16)])
def test_a_signature_is_taken_of_every_size_of_picture(size: tuple[int, int]) -> None:
    pictures = [np.asarray(cv2.resize(picture, size), dtype=np.uint8) for picture in street(13)]
    signature = signature_of(clip_of(pictures).frames)
    if min(size) > 100:
        assert similarity(signature, signature_of(clip_of(street(13)).frames)) > 0.6


def test_a_still_has_a_view_too() -> None:
    watched = watch(clip_of(street(13.5)[:1]), known_by_day())
    assert watched.verdict.status is Status.OK
    assert watched.sight is not None
    assert watched.sight.steady is None


def test_stamp_place_and_logo_are_not_part_of_the_view() -> None:
    written = [picture.copy() for picture in street(13)]
    for picture in written:
        picture[:20] = picture[-20:] = 255
        picture[:45, 265:] = 0
        cv2.putText(picture, "6710", (38, 45), cv2.FONT_HERSHEY_PLAIN, 1.5, (255, 255, 255))
    assert similarity(signature_of(clip_of(written).frames), signature_of(clip_of(street(13)).frames)) > 0.97


def person(seed: int) -> NDArray[np.uint8]:
    """A figure of 14 x 40 px, the size of a person in the foreground, with clothes and a face of their own."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (10, 4, 3), np.uint8)
    return np.asarray(cv2.resize(small, (14, 40), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def with_person(pictures: tuple[Pixels, ...], seed: int, walks_px: int) -> list[Pixels]:
    shown = []
    for index, picture in enumerate(pictures):
        left = 150 + walks_px * index
        shown.append(picture.copy())
        shown[-1][180:220, left : left + 14] = person(seed)
    return shown


def test_who_walks_by_is_not_in_the_signature() -> None:
    empty = signature_of(clip_of(street(13)).frames)
    walked = signature_of(clip_of(with_person(street(13), 1, walks_px=25)).frames)
    assert np.count_nonzero(np.abs(decoded(walked) - decoded(empty)) > 0.1) <= 3


def test_who_stands_is_a_few_directions_and_does_not_make_another_view() -> None:
    """At most the 4 x 7 cells that the figure touches, and those that are compared with them, change."""
    empty = signature_of(clip_of(street(13)).frames)
    stood = signature_of(clip_of(with_person(street(13), 1, walks_px=0)).frames)
    assert similarity(stood, empty) > 0.95
    changed = np.argwhere(np.abs(decoded(stood) - decoded(empty)) > 0.35)
    assert len(changed) <= 28


def test_a_signature_has_no_tone_to_make_a_picture_of() -> None:
    """A picture, its negative, and one half as bright have nearly the same signature: brightness is not in it."""
    pictures = street(13)
    negative = [np.asarray(255 - picture, dtype=np.uint8) for picture in pictures]
    dim = [np.asarray(picture // 2, dtype=np.uint8) for picture in pictures]
    signature = signature_of(clip_of(pictures).frames)
    assert similarity(signature_of(clip_of(negative).frames), signature) > 0.97
    assert similarity(signature_of(clip_of(dim).frames), signature) > 0.9


def test_a_person_is_less_than_a_block_of_a_fingerprint() -> None:
    """One grey value for 32 x 24 px: at most four of the blocks of a frame hold a part of the figure."""
    fingerprints = [shown_in(pictures) for pictures in (list(street(13)), with_person(street(13), 1, 0))]
    letters = [np.array(list(text)).reshape(FRAMES, FINGERPRINT_ROWS, FINGERPRINT_COLUMNS, 2) for text in fingerprints]
    for frame in (letters[0] != letters[1]).any(axis=-1):
        assert np.count_nonzero(frame) <= 6


def written(path: Path, pictures: list[Pixels], codec: str) -> Path:
    """A clip of ten seconds, in which each picture lasts two and a half."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 2.5, (352, 288))
    try:
        for picture in pictures:
            for _ in range(6):
                writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    finally:
        writer.release()
    return path


def stamped(picture: Pixels, text: str) -> Pixels:
    picture = picture.copy()
    picture[:16, :150] = 0
    cv2.putText(picture, text, (4, 12), cv2.FONT_HERSHEY_PLAIN, 1.0, (255, 255, 255))
    return picture


@pytest.mark.parametrize("hour", [3, 13])
def test_a_clip_encoded_anew_with_a_new_stamp_is_the_old_one(tmp_path: Path, hour: float) -> None:
    first = written(tmp_path / "first.avi", [stamped(picture, "08:00") for picture in street(hour)], "mp4v")
    again = written(tmp_path / "again.avi", [stamped(picture, "08:05") for picture in street(hour)], "MJPG")
    before, now = (open_media(path, FRAMES, DecodeLimits()) for path in (first, again))
    book = ViewBook()
    seen = watch(before, book.scene_of("synthetic-01"))
    book.learn("synthetic-01", reference(8), seen.sight)
    watched = watch(now, book.scene_of("synthetic-01"))
    assert watched.verdict.status is Status.FROZEN
    assert watched.verdict.reason is not None
    assert "the picture of 2026-03-12 08:00:00 UTC again, encoded anew" in watched.verdict.reason
    assert watched.sight is None, "it teaches nothing: the next clip is held against the first one still"


def test_a_still_encoded_anew_is_the_old_one() -> None:
    picture = street(13)[0]
    coded_anew = cv2.imdecode(cv2.imencode(".jpg", stamped(picture, "08:05"), [cv2.IMWRITE_JPEG_QUALITY, 90])[1], 1)
    one, other = (shown_in([shown]) for shown in (picture, np.asarray(coded_anew, np.uint8)))
    assert repeated(one, other)


def test_an_empty_street_at_night_is_not_the_last_clip_again() -> None:
    """Nothing happens in either clip: only the grain of the sensor differs."""
    random = np.random.default_rng(3)
    empty = np.median(np.stack(street(3)), axis=0)

    def filmed() -> str:
        grain = random.normal(0, 4, (FRAMES, *empty.shape))
        return shown_in([(empty + one).clip(0, 255).astype(np.uint8) for one in grain])

    one, other = filmed(), filmed()
    assert repeated(one, one)
    assert not repeated(one, other)


def test_many_frames_make_no_longer_a_fingerprint() -> None:
    fingerprint = shown_in(list(street(13)) * 5)
    assert len(fingerprint) == 2 * FINGERPRINT_FRAMES * FINGERPRINT_ROWS * FINGERPRINT_COLUMNS
    assert not repeated(fingerprint, shown_in(list(street(13)))), "of other lengths: not told"


@pytest.mark.slow
def test_no_clip_of_the_real_days_is_the_one_before_unless_its_bytes_are(shared_data: Path) -> None:
    """576 clips, half of the night: none is taken for a repeat, and each repeat of the bytes is one of the picture."""
    faults = (Path(__file__).parent / "real_days_faults.txt").read_text(encoding="utf-8")
    for day in sorted((shared_data / "jamcam" / "days").iterdir()):
        before: tuple[bytes, str] | None = None
        for path in sorted(day.iterdir(), key=lambda clip: clip.stem.split("_")[-1]):
            if f"{day.name}/{path.name}" in faults:
                continue
            content, frames = path.read_bytes(), open_media(path, 6, DecodeLimits()).frames
            shown = fingerprint_of([grey_of(frame) for frame in frames])
            if before is not None:
                assert repeated(before[1], shown) == (before[0] == content), path
            before = (content, shown)


class Everywhere:
    """A counting model that sees one pedestrian in every cell of 8 x 8 px."""

    name = "everywhere@000000000000"

    def density(self, frames: object) -> Density:
        density = np.zeros((FRAMES, len(CLASSES), 36, 44), dtype=np.float32)
        density[:, 0] = 1
        return density


class Filmed:
    def __init__(self, pictures: list[Pixels]) -> None:
        self._clip = clip_of(pictures)

    def open(self, clip: ClipReady, frames: int) -> SampledClip:
        return self._clip


def camera(*polygon: tuple[float, float]) -> Camera:
    zone = Zone(id="pavement", name="pavement", polygon=polygon)
    return Camera(id="synthetic-01", name="A street", lat=51.5, lon=0, zones=(zone,))


SQUARE = ((80, 80), (160, 80), (160, 160), (80, 160))
AT_THE_EDGE = ((312, 80), (352, 80), (352, 160), (312, 160))


def counted(pictures: list[Pixels], zones: Camera, scene: Scene | None):  # type: ignore[no-untyped-def]
    from core.clock import SystemClock

    counter = ClipCounter(Everywhere(), Filmed(pictures), FRAMES, SystemClock())
    return counter.report(zones, reference(14), scene)


def test_zones_follow_a_view_that_is_askew() -> None:
    """The same hundred cells of the street, 24 px further right, and not counted at all beyond the picture."""
    askew = [turned(picture, 24) for picture in street(14)]
    (found,) = counted(askew, camera(*SQUARE), known_by_day()).observations
    assert found.status is Status.OK
    assert found.present.pedestrian == pytest.approx(100)
    (lost,) = counted(askew, camera(*AT_THE_EDGE), known_by_day()).observations
    assert lost.status is Status.MOVED_VIEW
    assert lost.present is None
    assert "zone 'pavement' has left the picture" in str(lost.reason)
    (still,) = counted(list(street(14)), camera(*AT_THE_EDGE), known_by_day()).observations
    assert still.status is Status.OK


def test_another_view_has_null_figures_and_its_sight_is_told() -> None:
    report = counted(list(street(13, moved=True)), camera(*SQUARE), known_by_day())
    (found,) = report.observations
    assert (found.status, found.present, found.view_epoch) == (Status.MOVED_VIEW, None, 0)
    assert report.sight is not None


def test_without_a_scene_the_view_is_not_looked_at() -> None:
    report = counted(list(street(13, moved=True)), camera(*SQUARE), None)
    assert report.observations[0].status is Status.OK
    assert report.sight is None


def test_a_confirmed_view_is_counted_under_its_own_number() -> None:
    (view,) = known_by_day().views
    scene = Scene(views=(view.model_copy(update={"epoch": 2}),))
    (found,) = counted(list(street(13)), camera(*SQUARE), scene).observations
    assert (found.status, found.view_epoch) == (Status.OK, 2)


def test_a_card_has_no_sight() -> None:
    card = np.full((288, 352, 3), 128, np.uint8)
    report = counted([card] * FRAMES, camera(*SQUARE), known_by_day())
    assert report.observations[0].status is Status.PLACEHOLDER
    assert report.sight is None


def test_a_zone_moves_by_whole_pixels_and_the_whole_view_stays() -> None:
    square = camera(*SQUARE).zones[0]
    view = Zone(id="view", name="view")
    assert followed((square, view), Shift(right=0.004, down=0.003), (352, 288)) == (square, view)
    moved, same = followed((square, view), Shift(right=20.4 / 352, down=-10 / 288), (352, 288))
    assert moved.polygon is not None
    assert moved.polygon[0] == (100, 70)
    assert same == view
    assert left_behind((moved, same), (352, 288)) is None
    assert left_behind(followed((square,), Shift(right=-0.4), (352, 288)), (352, 288)) is not None
    edge = camera(*AT_THE_EDGE).zones  # 40 px wide: of these 31 are left, and 29
    assert left_behind(followed(edge, Shift(right=9 / 352), (352, 288)), (352, 288)) is None, "3/4 of it is left"
    assert left_behind(followed(edge, Shift(right=11 / 352), (352, 288)), (352, 288)) is not None
    assert followed((square,), IN_PLACE, (352, 288)) == (square,)
