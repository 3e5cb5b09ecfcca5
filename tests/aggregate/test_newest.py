"""The newest window of every zone: that of its camera's newest clip, or the present one of a camera that is quiet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aggregate.grid import ZoneOfCamera
from aggregate.newest import newest_windows
from aggregate.readings import NOT_RECEIVED
from aggregate.tables import aware
from core.records import Camera, Window, Zone

EIGHT = datetime(2017, 6, 9, 8, tzinfo=UTC)


def zones_of(name: str, *zones: str, cadence_s: float = 300, timezone: str = "Europe/London") -> list[ZoneOfCamera]:
    camera = Camera(
        id=name,
        name=name,
        lat=51.5,
        lon=0,
        cadence_s=cadence_s,
        timezone=timezone,
        zones=tuple(Zone(id=zone, name=zone) for zone in zones),
    )
    return [ZoneOfCamera(zone, camera) for zone in camera.zones]


def test_a_camera_that_sends_answers_with_the_window_of_its_newest_clip() -> None:
    """
                 08:00             08:15       08:20 now
    a (300 s)    |                 | x         |          [08:15, 08:30)
    b (600 s)    |              x  |           |          [08:00, 08:15): two cadences have not passed
    c (300 s)    |   x             |           |          quiet: [08:15, 08:30), no clip since 08:04
    d            |                 |           |          quiet: nothing was ever received
    """
    now = EIGHT + timedelta(minutes=20)
    zones = [
        *zones_of("a", "a:1", "a:2"),
        *zones_of("b", "b:1", cadence_s=600),
        *zones_of("c", "c:1"),
        *zones_of("d", "d:1"),
    ]
    newest = {name: EIGHT + timedelta(minutes=minutes) for name, minutes in (("a", 16), ("b", 13), ("c", 4))}
    grid, quiet = newest_windows(Window.QUARTER, zones, newest, now)
    found = {
        grid.zones[row].zone.id: (aware(start) - EIGHT, aware(end) - EIGHT, why)
        for row, start, end, why in zip(grid.zone_row, grid.start, grid.end, quiet, strict=True)
    }
    quarter = timedelta(minutes=15)
    assert found == {
        "a:1": (quarter, 2 * quarter, None),
        "a:2": (quarter, 2 * quarter, None),
        "b:1": (0 * quarter, quarter, None),
        "c:1": (quarter, 2 * quarter, "no clip since 2017-06-09T08:04:00Z"),
        "d:1": (quarter, 2 * quarter, NOT_RECEIVED),
    }
    assert grid.start.tolist() == sorted(grid.start.tolist())


def test_a_window_that_goes_on_is_not_quiet_and_days_are_local_ones() -> None:
    zones = [*zones_of("london", "l"), *zones_of("helsinki", "h", timezone="Europe/Helsinki")]
    newest = dict.fromkeys(("london", "helsinki"), EIGHT - timedelta(hours=6))
    grid, quiet = newest_windows(Window.DAY, zones, newest, EIGHT)
    assert quiet.tolist() == [None, None]
    assert [(grid.zones[row].zone.id, aware(start)) for row, start in zip(grid.zone_row, grid.start, strict=True)] == [
        ("h", datetime(2017, 6, 8, 21, tzinfo=UTC)),
        ("l", datetime(2017, 6, 8, 23, tzinfo=UTC)),
    ]


def test_without_zones_there_are_no_windows() -> None:
    for window in (Window.QUARTER, Window.DAY):
        grid, quiet = newest_windows(window, [], {}, EIGHT)
        assert len(grid) == len(quiet) == 0
