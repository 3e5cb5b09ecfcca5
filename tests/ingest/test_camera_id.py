"""One rule tells when a publisher's name, a file's name and an operator's id are of one camera."""

from __future__ import annotations

import pytest

from ingest.camera_id import CameraIds


@pytest.mark.parametrize(
    ("name", "configured", "found"),
    [
        ("00001.06710", ["06710", "04254"], "06710"),
        ("06710", ["00001.06710"], "00001.06710"),
        ("JamCams_00001.06710", ["06710"], "06710"),
        ("00001.06710", ["JamCams_00001.06710"], "JamCams_00001.06710"),
        ("06710", ["06710", "00001.06710"], "06710"),
        ("06710", ["00001.06710", "00002.06710"], None),
        ("00001.06710", ["00002.06710"], None),
        ("6710", ["06710"], None),
        ("06710", [], None),
        ("C0167500", ["C01675"], None),
    ],
)
def test_names_agree_where_one_is_the_last_parts_of_the_other(
    name: str, configured: list[str], found: str | None
) -> None:
    """Several that could be meant are none: zones are never laid over a street that may be another."""
    assert CameraIds(configured).find(name) == found
