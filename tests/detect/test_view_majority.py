"""Of clips that are there at once, the view that most of them show is the known one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from core.records import ClipReady
from detect.scene import Scene
from detect.view_field import decoded
from detect.view_majority import majority_scene
from detect.view_match import place
from detect.views import signature_of
from ingest.rendering import RenderedStreet
from ingest.synthetic import SyntheticConfig, clip_location

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)


@cache
def signature(camera: str, number: int) -> tuple[datetime, str]:
    at = NOON + timedelta(minutes=4 * number)
    clip = ClipReady(camera=camera, event_time=at, location=clip_location(camera, at))
    street = RenderedStreet(SyntheticConfig(cameras=2, seed=7))
    return at, signature_of(street.open(clip, 3).frames)


def test_the_view_that_most_show_is_the_known_one() -> None:
    usual = [signature("synthetic-01", number) for number in range(4)]
    other = [signature("synthetic-02", number) for number in range(2)]
    for clips in (usual + other, other + usual):
        scene = majority_scene(clips)
        shown = [place(scene, decoded(told)).epoch for _, told in (*usual, *other)]
        assert shown == [0] * 4 + [None] * 2


def test_of_no_clips_nothing_is_known() -> None:
    assert majority_scene([]) == Scene()
