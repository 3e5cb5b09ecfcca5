"""Metres east and north of a place: the lengths of a degree are those of the WGS84 ellipsoid."""

from __future__ import annotations

import pytest

from core.ground import LocalFrame


@pytest.mark.parametrize(
    ("lat", "per_lat_km", "per_lon_km"),
    [(0.0, 110.574, 111.320), (45.0, 111.132, 78.847), (60.0, 111.412, 55.800), (-60.0, 111.412, 55.800)],
)
def test_a_degree_is_as_long_as_tables_say(lat: float, per_lat_km: float, per_lon_km: float) -> None:
    """Table of lengths of a degree on WGS84, as in Wikipedia, Geographic coordinate system: to a metre."""
    east_m, north_m = LocalFrame(lat, 10.0).metres(lat + 1e-3, 10.0 + 1e-3)
    assert (north_m, east_m) == pytest.approx((per_lat_km, per_lon_km), abs=1e-3)


def test_there_and_back() -> None:
    frame = LocalFrame(51.5, -0.12)
    assert frame.degrees(*frame.metres(51.501, -0.119)) == pytest.approx((51.501, -0.119), abs=1e-12)
