"""Recorded clips in a folder: found, ordered in event time, and every file accounted for."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.errors import SourceError
from core.records import LOCATION_LENGTH, Camera
from ingest.decode import open_media
from ingest.decode_limits import DecodeLimits
from ingest.filename import NamePattern
from ingest.folder import FolderConfig, FolderSource, discover, recorded_at
from ingest.recordings import SkippedFile
from ingest.source import UnusableClip

NOON = datetime(2017, 3, 9, 12, 0, tzinfo=UTC)
NOON_MS = 1_489_060_800_000


def cameras(*ids: str) -> list[Camera]:
    return [Camera(id=camera, name=camera, lat=51.5, lon=-0.1) for camera in ids]


def put(folder: Path, *names: str, content: bytes | None = None) -> None:
    """Files of different content, or all of the given one."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() if content is None else content)


def source(folder: Path, *ids: str, pattern: str | None = None, timezone: str = "UTC") -> FolderSource:
    return FolderSource(FolderConfig(path=folder, pattern=pattern, timezone=timezone), cameras(*ids))


@pytest.mark.parametrize(
    ("name", "camera", "event_time"),
    [
        ("06710/12_1489060800000.mp4", "06710", NOON),
        ("days/06710/1489060800250.MP4", "06710", NOON + timedelta(milliseconds=250)),
        ("06710/2017-03-09T12-00-00.mp4", "06710", NOON),
        ("2017-03-09_12-00-00.250_00001.06710.mp4", "00001.06710", NOON + timedelta(milliseconds=250)),
        ("TfL-images_20170309_1200_00001.06710.jpg", "00001.06710", NOON),
        ("NETravelData-images_20170309_1200_CM_A69A1-View_02.jpg", "CM_A69A1-View_02", NOON),
    ],
)
def test_the_known_names_tell_camera_and_time(tmp_path: Path, name: str, camera: str, event_time: datetime) -> None:
    put(tmp_path, name)
    (clip,) = source(tmp_path, camera).clips()
    assert (clip.camera, clip.event_time, clip.location) == (camera, event_time, str(tmp_path / name))
    assert clip.size_bytes == len(name)
    assert recorded_at(tmp_path / name) == event_time


@pytest.mark.parametrize("name", ["06710.mp4", "06710/clip.mp4", "06710/12_0.mp4", "2017-13-09_12-00-00_06710.mp4"])
def test_a_name_without_a_time_is_skipped_with_the_remedy(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, "06710/12_1489060800000.mp4")
    recorded = source(tmp_path, "06710")
    assert len(recorded) == 1
    (skipped,) = recorded.skipped
    assert skipped.path == tmp_path / name
    assert "names no camera and time" in skipped.reason
    assert "set `pattern`" in skipped.reason
    assert recorded_at(tmp_path / name) is None


def test_every_file_is_a_clip_or_skipped_with_a_reason(tmp_path: Path) -> None:
    put(tmp_path, "06710/12_1489060800000.mp4", "99999/12_1489060800000.mp4", "06710/notes.txt", "06710/x.mp4")
    put(tmp_path, "06710/again/06710/11_1489060800000.mp4", ".hidden")
    recorded = source(tmp_path, "06710")
    reasons = {skipped.path.relative_to(tmp_path).as_posix(): skipped.reason for skipped in recorded.skipped}
    assert len(recorded) == len(list(recorded.clips())) == 1
    assert sorted(reasons) == [
        ".hidden",
        "06710/again/06710/11_1489060800000.mp4",
        "06710/notes.txt",
        "06710/x.mp4",
        "99999/12_1489060800000.mp4",
    ]  # fmt: skip
    assert "camera 99999, which is not configured" in reasons["99999/12_1489060800000.mp4"]
    assert "same camera and time as 06710/12_1489" in reasons["06710/again/06710/11_1489060800000.mp4"]
    assert "not a clip or still" in reasons["06710/notes.txt"]


def test_the_folder_of_one_camera_is_named_after_it(tmp_path: Path) -> None:
    put(tmp_path / "06710", "12_1489060800000.mp4")
    (clip,) = source(tmp_path / "06710", "06710", "04254").clips()
    assert clip.camera == "06710"


def test_ids_agree_without_the_prefix_of_the_feed(tmp_path: Path) -> None:
    put(tmp_path, "00001.06710/12_1489060800000.mp4", "04254/12_1489060800000.mp4", "9/12_1489060800000.mp4")
    recorded = source(tmp_path, "06710", "JamCams_00001.04254", "a.9", "b.9")
    assert [clip.camera for clip in recorded.clips()] == ["06710", "JamCams_00001.04254"]
    assert "camera 9," in recorded.skipped[0].reason, "two cameras could be meant"


def test_a_clock_that_goes_back_on_the_disk_does_not_disturb_event_time(tmp_path: Path) -> None:
    names = [f"06710/{23 - hour:02}_{NOON_MS + hour * 3_600_000}.mp4" for hour in range(5)]
    put(tmp_path, *names)
    for age, name in enumerate(names):  # the newest clip is the oldest file, and the first by name
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    times = [clip.event_time for clip in source(tmp_path, "06710").clips()]
    assert times == [NOON + timedelta(hours=hour) for hour in range(5)]


@settings(max_examples=25, deadline=None)
@given(
    clips=st.lists(
        st.tuples(st.sampled_from(["06710", "04254", "09800"]), st.integers(0, 30), st.sampled_from(["a", "b"])),
        min_size=1, max_size=25, unique=True,
    )
)  # fmt: skip
def test_order_and_duplicates_for_any_set_of_clips(clips: list[tuple[str, int, str]]) -> None:
    """All cameras together in event time; of two files of one camera and time, one is a clip and one is skipped."""
    with tempfile.TemporaryDirectory() as folder:
        put(Path(folder), *(f"{camera}/{hour}_{NOON_MS + minute * 60_000}.mp4" for camera, minute, hour in clips))
        recorded = source(Path(folder), "06710", "04254", "09800")
        found = [(clip.event_time, clip.camera) for clip in recorded.clips()]
        expected = sorted({(NOON + timedelta(minutes=minute), camera) for camera, minute, _ in clips})
        assert found == expected
        assert len(recorded.skipped) == len(clips) - len(expected)


def test_a_stuck_feed_is_told_by_the_same_content_again(tmp_path: Path) -> None:
    stuck = [f"06710/12_{NOON_MS + minute * 300_000}.mp4" for minute in range(4)]
    put(tmp_path, *stuck[:3], "04254/12_1489060800001.mp4", content=b"the same")
    put(tmp_path, stuck[3], content=b"new")
    clips = list(source(tmp_path, "06710", "04254").clips())
    assert [clip.repeats for clip in clips if clip.camera == "06710"] == [None, NOON, NOON, None]
    assert [clip.repeats for clip in clips if clip.camera == "04254"] == [None], "another camera's clip is no repeat"
    assert len({clip.content for clip in clips}) == 2


def test_a_time_without_an_offset_is_in_the_configured_zone(tmp_path: Path) -> None:
    put(tmp_path, "2019-06-28_13-02-35_03601.mp4", "2019-12-28_13-02-35_03601.mp4")
    winter_and_summer = [clip.event_time.hour for clip in source(tmp_path, "03601", timezone="Europe/London").clips()]
    assert winter_and_summer == [12, 13]


def test_a_configured_pattern_is_the_only_one(tmp_path: Path) -> None:
    put(tmp_path, "cam-06710-at-1489060800.mp4", "06710/12_1489060800000.mp4")
    recorded = source(tmp_path, "06710", pattern="cam-{camera}-at-{epoch_s}.{suffix}")
    assert [clip.event_time for clip in recorded.clips()] == [NOON]
    assert "expected cam-{camera}-at-{epoch_s}.{suffix}" in recorded.skipped[0].reason


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("{camera}/{hour}_{epoch_ms}.mp4", "unknown field {hour}"),
        ("{camera}.mp4", "one of {epoch_ms}"),
        ("{time}.mp4", "needs {camera}"),
        ("{camera}/{time}_{epoch_ms}.mp4", "once each"),
    ],
)
def test_a_pattern_that_cannot_tell_camera_and_time_is_a_config_error(pattern: str, says: str) -> None:
    with pytest.raises(ValidationError, match=says.replace("{", r"\{")):
        FolderConfig(path=Path("clips"), pattern=pattern)


def test_a_pattern_takes_regular_expression_signs_literally() -> None:
    pattern = NamePattern("a+b({camera})_{epoch_s}.mp4")
    assert pattern.match("a+b(x)_1489060800.mp4") is not None
    assert pattern.match("aab(x)_1489060800xmp4") is None


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ((), "no clips in folder"),
        (("readme.txt",), "readme.txt is not a clip or still"),
        (("06710.mp4",), "06710.mp4 names no camera and time"),
        (("99999/12_1489060800000.mp4",), "camera 99999, which is not configured"),
    ],
)
def test_a_folder_without_clips_says_why_and_what_to_do(tmp_path: Path, names: tuple[str, ...], says: str) -> None:
    put(tmp_path, *names)
    with pytest.raises(SourceError) as caught:
        source(tmp_path, "06710")
    assert says in caught.value.message
    assert str(tmp_path) in caught.value.message
    assert caught.value.remedy


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    put(tmp_path, "file")
    for path, says in ((tmp_path / "gone", "does not exist"), (tmp_path / "file", "is not a folder")):
        with pytest.raises(SourceError, match=says):
            source(path, "06710")


def test_links_are_followed_once(tmp_path: Path) -> None:
    put(tmp_path / "disk", "12_1489060800000.mp4")
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "06710").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "round").symlink_to(tmp_path / "recordings")
    (clip,) = source(tmp_path / "recordings", "06710").clips()
    assert clip.event_time == NOON


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(SourceError, match="cannot be read: Permission denied"):
        source(tmp_path, "06710")


def denying(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing `folder` is refused, whoever runs the tests."""
    scandir = os.scandir

    def listed(path: str | Path) -> object:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", listed)


def test_a_folder_further_down_that_cannot_be_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other cameras are replayed."""
    put(tmp_path, "04254/12_1489060800000.mp4", "06710/12_1489060800000.mp4")
    denying(tmp_path / "06710", monkeypatch)
    recorded = source(tmp_path, "06710", "04254")
    assert [clip.camera for clip in recorded.clips()] == ["04254"]
    assert recorded.skipped == (SkippedFile(tmp_path / "06710", "cannot be read: Permission denied"),)


def test_a_folder_of_which_nothing_can_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "06710/12_1489060800000.mp4")
    denying(tmp_path / "06710", monkeypatch)
    with pytest.raises(SourceError, match="06710 cannot be read: Permission denied"):
        source(tmp_path, "06710")


def put_bytes(folder: Path, name: bytes) -> None:
    """A file of any name; skips where the disk keeps only UTF-8, as on macOS."""
    try:
        put(folder, os.fsdecode(name), content=b"clip")
    except OSError:
        pytest.skip("needs a file system that takes any bytes as a name")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (b"06710/\xff_1489060800000.mp4", r"06710/\xff_1489060800000.mp4 has a name that is not UTF-8"),
        (b"caf\xe9/06710/12_1489060800000.mp4", r"caf\xe9/06710/12_1489060800000.mp4 has a name that is not UTF-8"),
        (b"\xff.txt", r"\xff.txt is not a clip or still"),
    ],
)
def test_a_name_that_is_not_utf8_is_left_out_and_can_be_printed(tmp_path: Path, name: bytes, says: str) -> None:
    put(tmp_path, "06710/12_1489061400000.mp4")
    put_bytes(tmp_path, name)
    recorded = source(tmp_path, "06710")
    assert len(list(recorded.clips())) == 1
    (skipped,) = recorded.skipped
    assert f"{skipped.path} {skipped.reason}".startswith(f"{tmp_path}/{says}")


def test_a_folder_whose_own_name_is_not_utf8_is_an_error_that_can_be_printed(tmp_path: Path) -> None:
    put_bytes(tmp_path, b"\xff/06710/12_1489060800000.mp4")
    with pytest.raises(SourceError) as caught:
        source(tmp_path / os.fsdecode(b"\xff"), "06710")
    assert r"\xff (1 left out: 12_1489060800000.mp4 has a name that is not UTF-8" in str(caught.value)
    with pytest.raises(SourceError, match=r"\\xfe does not exist"):
        source(tmp_path / os.fsdecode(b"\xfe"), "06710")


@pytest.mark.parametrize("over", [0, 1])
def test_a_path_longer_than_a_reference_takes_is_left_out(tmp_path: Path, over: int) -> None:
    put(tmp_path, "06710/12_1489061400000.mp4")
    name = "06710/12_1489060800000.mp4"
    room = LOCATION_LENGTH + over - len(f"{tmp_path}//{name}")
    parts = [100] * (room // 101 - 1)
    parts.append(room - 101 * len(parts))
    put(tmp_path, "/".join("d" * length for length in parts) + f"/{name}")
    recorded = source(tmp_path, "06710")
    lengths = [len(clip.location) for clip in recorded.clips()]
    if over:
        assert [skipped.reason for skipped in recorded.skipped] == [
            "has a path of 2049 characters, over the limit of 2048: shorten it"
        ]
    else:
        assert recorded.skipped == ()
        assert max(lengths) == LOCATION_LENGTH


def test_a_clip_that_vanishes_is_still_announced(tmp_path: Path) -> None:
    put(tmp_path, "06710/12_1489060800000.mp4")
    recorded = source(tmp_path, "06710")
    (tmp_path / "06710/12_1489060800000.mp4").unlink()
    (clip,) = recorded.clips()
    assert (clip.content, clip.size_bytes) == (None, None), "opening it will say that it is unreachable"


def test_discover_takes_what_is_given_and_searches_folders(tmp_path: Path) -> None:
    put(tmp_path, "clips/b.mp4", "clips/deep/a.JPG", "clips/notes.txt", "odd.dat", "empty/readme.md")
    given_paths = [tmp_path / name for name in ("odd.dat", "clips", "gone.mp4", "empty", "clips/b.mp4")]
    assert discover(given_paths) == [
        tmp_path / name for name in ("odd.dat", "clips/b.mp4", "clips/deep/a.JPG", "gone.mp4", "empty")
    ]


def test_discover_names_what_it_cannot_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder further down that cannot be read is examined like a file, and says why; the one given is an error."""
    put(tmp_path, "clips/a.mp4", "clips/closed/b.mp4")
    denying(tmp_path / "clips" / "closed", monkeypatch)
    assert discover([tmp_path / "clips"]) == [tmp_path / "clips" / "a.mp4", tmp_path / "clips" / "closed"]
    with pytest.raises(UnusableClip, match="closed cannot be read: Permission denied"):
        open_media(tmp_path / "clips" / "closed", 4, DecodeLimits())
    with pytest.raises(SourceError, match="closed cannot be read"):
        discover([tmp_path / "clips" / "closed"])
    too_long = tmp_path / ("x" * 300)
    assert discover([too_long]) == [too_long]


def test_the_real_days_are_576_clips(shared_data: Path) -> None:
    recorded = source(shared_data / "jamcam" / "days", "04254", "06710", "09800")
    clips = list(recorded.clips())
    assert (len(recorded), len(clips), recorded.skipped) == (576, 576, ())
    assert clips == sorted(clips, key=lambda clip: (clip.event_time, clip.camera))
    assert sum(clip.repeats is not None for clip in clips) == 56, "camera 06710 was stuck again and again"
