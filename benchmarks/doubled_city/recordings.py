"""The real clips that doubled cameras show: two streets in daylight, and the placeholder card of a third."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
DAYS = SHARED / "jamcam" / "days"
POSITIONS = SHARED / "geo" / "jamcams.geojson"
NEEDS = "the real camera-days in ../shared/data/jamcam/days, and ../shared/data/geo"

STREETS = ("04254", "09800")
DAYLIGHT = range(8, 17)  # hours of that day in March in which no clip is dark; at 7:30 the first camera looks elsewhere
CARD_BYTES = 12_000  # camera 06710's placeholder clips are of 11.5 kB, its pictures of 40 and more


def present() -> bool:
    return DAYS.is_dir() and POSITIONS.is_file()


def streets() -> list[list[str]]:
    """The daylight clips of each street, oldest first."""
    return [
        [str(clip) for clip in _in_order(DAYS / street) if int(clip.stem.split("_")[0]) in DAYLIGHT]
        for street in STREETS
    ]


def placeholder_clips() -> list[str]:
    """Real clips of the "in use keeping London moving" card."""
    return [str(clip) for clip in _in_order(DAYS / "06710") if clip.stat().st_size < CARD_BYTES]


def _in_order(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.mp4"), key=lambda clip: clip.stem.split("_")[-1])
