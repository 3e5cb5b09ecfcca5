"""A street becomes a picture with nobody in it: by the median of clips, and by hiding whom the model still sees."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import BackgroundRefused, PixelLeak
from core.figures import CLASSES
from core.records import ClipReady
from detect.background import MOST_PX, Background
from detect.background_limits import LEAST_CLIPS
from detect.model import Density
from detect.registry import open_model
from detect.scene import Shift
from ingest import rendering
from ingest.clip import SampledClip
from ingest.frame import Frame, Pixels
from ingest.rendering import RenderedStreet
from ingest.street.crowd import Crowd
from ingest.street.scene import SceneTruth
from ingest.synthetic import SyntheticConfig, clip_location

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
CAMERA = "synthetic-03"
CLIPS, FRAMES = 13, 2
GREY = np.full((288, 352, 3), 128, np.uint8)
COAT = (200, 20, 160)


class SeesCoats:
    """A counting model that sees a person in every cell that has the colour of a certain coat in it."""

    name = "coats@000000000000"

    def density(self, frames: Sequence[Frame]) -> Density:
        seen = np.stack([(np.array(frame.pixels, subok=False) == COAT).all(axis=2) for frame in frames])
        cells = seen.reshape(len(frames), 36, seen.shape[1] // 36, 44, seen.shape[2] // 44).any(axis=(2, 4))
        density = np.zeros((len(frames), len(CLASSES), 36, 44), dtype=np.float32)
        density[:, 0] = cells
        return density


class SeesSomebody:
    """A counting model that sees somebody wherever it looks."""

    name = "everywhere@000000000000"

    def __init__(self, cells: int) -> None:
        self.cells = cells

    def density(self, frames: Sequence[Frame]) -> Density:
        density = np.zeros((len(frames), len(CLASSES), 36, 44), dtype=np.float32)
        density[:, 0, 20, : self.cells] = 1.0
        return density


def clip_of(*pictures: Pixels) -> SampledClip:
    frames = tuple(Frame(picture.copy(), float(offset)) for offset, picture in enumerate(pictures))
    return SampledClip(frames=frames, duration_s=10.0, decoded_frames=250)


def with_coat(picture: Pixels = GREY, left: int = 100, top: int = 150) -> Pixels:
    worn = picture.copy()
    worn[top : top + 40, left : left + 14] = COAT
    return worn


def of_clips(*clips: SampledClip) -> Background:
    background = Background()
    for clip in clips:
        background.add(clip)
    return background


def decoded(png: bytes) -> Pixels:
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)


@cache
def street(*, empty: bool) -> tuple[tuple[SampledClip, ...], tuple[SceneTruth, ...]]:
    """Clips of a busy noon, a minute apart, and who is in them; or the same with everybody taken away."""
    everybody: Callable[..., Crowd] = rendering.crowd
    source = RenderedStreet(SyntheticConfig(cameras=4, seed=7))
    clips: list[SampledClip] = []
    truths: list[SceneTruth] = []
    try:
        if empty:
            rendering.crowd = lambda *told: nobody(everybody(*told))  # type: ignore[attr-defined]
        for minute in range(CLIPS):
            at = NOON + timedelta(minutes=minute)
            clip = ClipReady(camera=CAMERA, event_time=at, location=clip_location(CAMERA, at))
            clips.append(source.open(clip, FRAMES))
            truths += source.truth(clip, FRAMES)
    finally:
        rendering.crowd = everybody  # type: ignore[attr-defined]
    return tuple(clips), tuple(truths)


def nobody(crowd: Crowd) -> Crowd:
    """The same crowd, ten kilometres away."""
    return replace(crowd, at_m=crowd.at_m + 10_000)


def passed(truths: Sequence[SceneTruth], least: float, most: float) -> NDArray[np.bool_]:
    """[y, x] where bodies were in more than `least` and fewer than `most` of the frames."""
    covered = np.zeros((288, 352))
    for truth in truths:
        here = np.zeros_like(covered, dtype=np.bool_)
        for body in truth.objects:
            left, top = max(0, int(body.x - body.w / 2)), max(0, int(body.y - body.h / 2))
            here[top : int(body.y + body.h / 2) + 1, left : int(body.x + body.w / 2) + 1] = True
        covered += here
    share = covered / len(truths)
    return np.asarray((share > least) & (share < most))


def test_a_busy_street_becomes_the_empty_one() -> None:
    """Where people and vehicles passed the picture is that of the same street without them, within its noise."""
    (walked, truths), (empty, _) = street(empty=False), street(empty=True)
    assert sum(len(truth.objects) for truth in truths) > 5 * len(truths), "the street is busy"
    busy, still = of_clips(*walked), of_clips(*empty)
    model = open_model("lowres-2")
    busy.empty(model), still.empty(model)
    assert busy.hidden < 0.1
    picture, truth = (decoded(one.encoded()).astype(int) for one in (busy, still))
    places = passed(truths, 0.0, 0.35)
    places[:50] = False  # where the captions and the far end of the street are, which is hidden
    assert places.sum() > 3000
    off = np.abs(picture - truth).max(axis=2)[places]
    assert off.mean() < 2
    assert np.mean(off > 24) < 0.01
    left = model.density([Frame(picture.astype(np.uint8), 0.0)])[0]
    assert left[:2].sum() < 0.5, "the counting model sees nobody in it"


def test_who_stands_in_fewer_than_half_of_the_clips_is_not_in_it() -> None:
    clips = [clip_of(with_coat() if number % 5 < 2 else GREY) for number in range(LEAST_CLIPS + 3)]
    background = of_clips(*clips)
    background.empty(SeesSomebody(0))
    assert (decoded(background.encoded()) == GREY).all()
    assert background.hidden == 0.0


def test_who_stands_there_all_the_time_is_hidden() -> None:
    """Not a pixel of the coat is left, nor of what is right around and above it."""
    background = of_clips(*(clip_of(with_coat()) for _ in range(LEAST_CLIPS)))
    background.empty(SeesCoats())
    picture = decoded(background.encoded())
    assert 0.01 < background.hidden < 0.1
    assert not (picture == COAT).all(axis=2).any()
    person = picture[150:190, 100:114].astype(int)
    assert np.ptp(person.reshape(-1, 3), axis=0).max() < 60, "no outline of it is left"
    assert (picture[:100] == 128).all(), "elsewhere nothing is touched"
    assert (picture[220:] == 128).all()


def test_where_too_much_would_be_hidden_there_is_no_picture() -> None:
    coats = GREY.copy()
    coats[::8, ::8] = COAT
    background = of_clips(*(clip_of(coats) for _ in range(LEAST_CLIPS)))
    with pytest.raises(BackgroundRefused, match=r"would be hidden\. ask again at a quieter hour"):
        background.empty(SeesCoats())
    with pytest.raises(PixelLeak):
        background.encoded()


def test_somebody_seen_in_what_is_hidden_already_is_nobody() -> None:
    background = of_clips(*(clip_of(GREY) for _ in range(LEAST_CLIPS)))
    background.empty(SeesSomebody(3))
    assert 0 < background.hidden < 0.1


def test_it_is_not_encoded_before_it_is_emptied_and_once_after() -> None:
    background = of_clips(*(clip_of(GREY) for _ in range(LEAST_CLIPS)))
    with pytest.raises(PixelLeak, match="until nobody is in it"):
        background.encoded()
    background.empty(SeesSomebody(0))
    background.encoded()
    with pytest.raises(PixelLeak):
        background.encoded()


def test_too_few_clips_make_none_however_many_frames_they_have() -> None:
    background = of_clips(*(clip_of(*[GREY] * 20) for _ in range(LEAST_CLIPS - 1)))
    with pytest.raises(BackgroundRefused, match="11 clips are too few"):
        background.empty(SeesSomebody(0))


@pytest.mark.parametrize(
    "way",
    [pickle.dumps, copy.copy, copy.deepcopy, repr, str, bytes, list, np.asarray, "{}".format,
     lambda one: pickle.Pickler(io.BytesIO()).dump(one)],
)  # fmt: skip
def test_it_goes_nowhere_by_accident(way: Callable[[Background], object]) -> None:
    with pytest.raises(PixelLeak):
        way(of_clips(clip_of(GREY)))


def test_clips_of_another_size_are_refused() -> None:
    background = of_clips(clip_of(GREY))
    with pytest.raises(BackgroundRefused, match="a clip of 640x480 among clips of another size"):
        background.add(clip_of(np.zeros((480, 640, 3), np.uint8)))
    assert background.clips == 1


def test_a_view_that_moved_a_little_is_moved_back() -> None:
    random = np.random.default_rng(5)
    still = cv2.resize(random.integers(0, 255, (12, 15, 3), np.uint8), (352, 288), interpolation=cv2.INTER_NEAREST)
    askew = np.roll(still, (3, -7), axis=(0, 1))
    background = Background()
    for number in range(LEAST_CLIPS):
        if number % 4:
            background.add(clip_of(askew), Shift(right=-7 / 352, down=3 / 288))
        else:
            background.add(clip_of(still))
    background.empty(SeesSomebody(0))
    assert (decoded(background.encoded())[10:-10, 10:-10] == still[10:-10, 10:-10]).all()


def test_large_pictures_are_made_smaller() -> None:
    large = np.zeros((1080, 1920, 3), np.uint8)
    background = of_clips(*(clip_of(large) for _ in range(LEAST_CLIPS)))
    background.empty(SeesSomebody(0))
    height_px, width_px, _ = decoded(background.encoded()).shape
    assert MOST_PX * 0.99 < height_px * width_px <= MOST_PX * 1.01
    assert width_px / height_px == pytest.approx(16 / 9, abs=0.01)
