"""Nobody can be followed in what is kept of a camera's views.

A walker crosses a street that is counted, and one that is not (the camera was moved there). With the fingerprint of the
clip one can tell where the walker was in every frame; so every file of the folder of views is searched for it, and held
against the files of the same streets with nobody in them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.records import ClipReady, Status
from core.shelf_folder import FolderShelf
from detect.scene import FINGERPRINT_COLUMNS, FINGERPRINT_FRAMES, FINGERPRINT_ROWS, SIGNATURE_LENGTH
from detect.sixbit import numbers_of
from detect.view_book import Counted, ViewBook
from detect.view_field import decoded
from detect.views import watch
from ingest.clip import SampledClip
from ingest.frame import Frame, Pixels
from ingest.rendering import RenderedStreet
from ingest.synthetic import SceneFault, SyntheticConfig

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
CAMERA = "synthetic-01"
COUNTED_CLIPS, MOVED_CLIPS = 4, 4
WALKER_PX = (15, 40)
STEP_PX = 36
BLOCK_PX = (352 / FINGERPRINT_COLUMNS, (0.92 - 0.17) * 288 / FINGERPRINT_ROWS)
SIGNATURE = re.compile(rf'"([0-9A-Za-z+/]{{{SIGNATURE_LENGTH}}})"')


@cache
def street(number: int, moved: bool) -> tuple[Pixels, ...]:
    """Frames of one of the clips of a synthetic camera, of its own view or of another."""
    config = SyntheticConfig(cameras=1, start=NOON, days=0.05, cadence_s=600)
    if moved:
        fault = {"camera": CAMERA, "kind": "moved_view", "from": NOON, "to": NOON + timedelta(hours=2)}
        config = config.model_copy(update={"faults": (SceneFault.model_validate(fault),)})
    source = RenderedStreet(config)
    clip = list(source.clips())[number]
    return tuple(np.array(frame.pixels, subok=False) for frame in source.open(clip, FINGERPRINT_FRAMES).frames)


def with_walker(pictures: tuple[Pixels, ...]) -> tuple[Pixels, ...]:
    """A figure in dark clothes, 1.7 m tall where that is 40 px, who crosses the picture."""
    shown = [picture.copy() for picture in pictures]
    for index, picture in enumerate(shown):
        left, top = walker_at(index)
        picture[top : top + WALKER_PX[1], left : left + WALKER_PX[0]] = (30, 25, 40)
    return tuple(shown)


def walker_at(index: int) -> tuple[int, int]:
    return 40 + STEP_PX * index, 150


def sampled(pictures: tuple[Pixels, ...]) -> SampledClip:
    frames = tuple(Frame(picture, 1.25 * index) for index, picture in enumerate(pictures))
    return SampledClip(frames=frames, duration_s=10.0, decoded_frames=250)


def learn(folder: Path, *, walks: bool) -> tuple[ViewBook, list[str]]:
    """Keep the views of a street and then of another; returns the fingerprints that crossed from the worker, too."""
    book, crossed = ViewBook(FolderShelf(folder)), []
    for number in range(COUNTED_CLIPS + MOVED_CLIPS):
        moved = number >= COUNTED_CLIPS
        pictures = street(number, moved)
        clip = ClipReady(camera=CAMERA, event_time=NOON + timedelta(minutes=20 * number), location="clip.mp4")
        scene = book.scene_of(CAMERA)
        watched = watch(sampled(with_walker(pictures) if walks else pictures), scene)
        assert watched.verdict.status is (Status.MOVED_VIEW if moved else Status.OK)
        assert watched.sight is not None
        crossed += [watched.sight.fingerprint] if watched.sight.fingerprint else []
        book.learn(CAMERA, clip, watched.sight, Counted("dots@1", scene))
    return book, crossed


def blocks(fingerprint: str) -> NDArray[np.float64]:
    """Luminance in levels, [frame, row, column]."""
    high, low = numbers_of(fingerprint).reshape(-1, 2).T
    return (high * 64.0 + low).reshape(-1, FINGERPRINT_ROWS, FINGERPRINT_COLUMNS) / 16


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return tmp_path_factory.mktemp("walked"), tmp_path_factory.mktemp("empty")


@pytest.fixture(scope="module")
def crossed(folders: tuple[Path, Path]) -> tuple[list[str], list[str]]:
    """The fingerprints of the street with the walker, and of the same without."""
    walked, empty = folders
    return learn(walked, walks=True)[1], learn(empty, walks=False)[1]


def test_a_fingerprint_tells_where_somebody_walked(crossed: tuple[list[str], list[str]]) -> None:
    """Why it must not be kept: the block that changed most is the one where the walker is, in every frame."""
    walked, empty = (blocks(one[-1]) for one in crossed)
    for index, frame in enumerate(np.abs(walked - empty)):
        row, column = np.unravel_index(np.argmax(frame), frame.shape)
        left, top = walker_at(index)
        assert abs((column + 0.5) * BLOCK_PX[0] - (left + WALKER_PX[0] / 2)) <= BLOCK_PX[0]
        assert abs(0.17 * 288 + (row + 0.5) * BLOCK_PX[1] - (top + WALKER_PX[1] / 2)) <= 1.5 * BLOCK_PX[1]


def test_none_is_told_of_a_view_that_is_not_counted(crossed: tuple[list[str], list[str]]) -> None:
    assert [len(one) for one in crossed] == [COUNTED_CLIPS, COUNTED_CLIPS]


def test_no_file_of_the_views_holds_a_fingerprint(
    folders: tuple[Path, Path], crossed: tuple[list[str], list[str]]
) -> None:
    """Nor one frame of one, nor anything else of its length that is no signature."""
    frame = 2 * FINGERPRINT_ROWS * FINGERPRINT_COLUMNS
    kept = files(folders[0])
    assert {name: text for name, text in kept.items() if text}.keys() == {f"{CAMERA}.json"}, "and an empty lock"
    for text in kept.values():
        for fingerprint in (*crossed[0], *crossed[1]):
            parts = [fingerprint[at : at + frame] for at in range(0, len(fingerprint), frame)]
            assert not any(part in text for part in parts)
        assert "fingerprint" not in text
        assert not re.search(r"[0-9A-Za-z+/]{40,}", SIGNATURE.sub('""', text))


def test_nobody_is_followed_by_a_file_of_the_views(
    folders: tuple[Path, Path], crossed: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    """Each file against that of the same street without the walker, which nobody has but this test.

    Eight times the same walk on the same path, and one clip alone, in each of the views: where traffic covers a place
    for half of the clip, who passes there tips the median, so that a few directions differ; the walk is not in them.
    """
    pairs = [folders]
    for number in range(COUNTED_CLIPS + MOVED_CLIPS):
        pairs.append((tmp_path / f"{number}-walked", tmp_path / f"{number}-empty"))
        for folder in pairs[-1]:
            walks = folder.name.endswith("walked")
            pictures = street(number, number >= COUNTED_CLIPS)
            sight = watch(sampled(with_walker(pictures) if walks else pictures), ViewBook().scene_of(CAMERA)).sight
            clip = ClipReady(camera=CAMERA, event_time=NOON, location="clip.mp4")
            ViewBook(FolderShelf(folder)).learn(CAMERA, clip, sight)
    compared = 0
    assert crossed
    for walked, empty in (map(files, pair) for pair in pairs):
        assert walked.keys() == empty.keys()
        for name, text in walked.items():
            for one, other in zip(SIGNATURE.findall(text), SIGNATURE.findall(empty[name]), strict=True):
                compared += 1
                changes = np.abs(decoded(one) - decoded(other))
                assert np.count_nonzero(changes > 0.1) <= 80, "of 1,164"
                assert sum(located(changes)) <= 5, "of eight frames"
            assert SIGNATURE.sub("", text).count(",") == SIGNATURE.sub("", empty[name]).count(","), "the same fields"
    assert compared >= 2 + COUNTED_CLIPS + MOVED_CLIPS


def located(changes: NDArray[np.float32]) -> list[bool]:
    """Whether a direction has clearly changed in one of the cells that the walker touches, frame by frame."""
    found = []
    for index in range(FINGERPRINT_FRAMES):
        left, top = walker_at(index)
        rows = slice(top // 8, (top + WALKER_PX[1]) // 8 + 1)
        columns = slice(left // 8, (left + WALKER_PX[0]) // 8 + 1)
        found.append(bool((changes[rows, columns] > 0.35).any()))
    return found


def test_a_book_that_goes_on_still_knows_its_last_clip_in_memory(tmp_path: Path) -> None:
    """What a frozen feed is told by; it is of the last counted clip, and gone with the process."""
    book, crossed = learn(tmp_path, walks=True)
    last = book.scene_of(CAMERA).last
    assert last is not None
    assert (last.fingerprint, last.event_time) == (crossed[-1], NOON + timedelta(minutes=20 * (COUNTED_CLIPS - 1)))
    assert ViewBook(FolderShelf(tmp_path)).scene_of(CAMERA).last is None
