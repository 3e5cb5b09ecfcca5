"""What the operator writes of a listed camera stands; what he does not, the publisher says, or what was learned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from busyness.city import naming
from busyness.config import Config
from core.records import Camera, Zone
from ingest.feed import ListedCamera


def listed(name: str) -> ListedCamera:
    camera = Camera(id=name, name="as listed", lat=51.5, lon=-0.1, cadence_s=240.0)
    return ListedCamera(camera, f"https://clips.example.org/{name}.mp4")


def config(*cameras: Camera) -> Config:
    return Config(name="a town", sources=[{"kind": "tfl_jamcam"}], cameras=cameras)


def test_the_operators_words_stand_under_his_name() -> None:
    kerb = Zone(id="kerb", name="Kerb", polygon=((0, 0), (10, 0), (10, 10)))
    own = Camera(id="06710", name="Kew Bridge", lat=51.4891, lon=-0.2877, zones=(kerb,))
    named = naming(config(own), ())(listed("00001.06710"), None)
    assert (named.id, named.name, named.lat, named.zones) == ("06710", "Kew Bridge", 51.4891, (kerb,))
    assert named.cadence_s == 240.0, "of which he wrote nothing"


def test_a_cadence_that_was_learned_before_is_not_learned_anew() -> None:
    stored = listed("00001.06710").camera.model_copy(update={"cadence_s": 120.0})
    assert naming(config(), [stored])(listed("00001.06710"), None).cadence_s == 120.0
    assert naming(config(), [stored])(listed("00001.06711"), None).cadence_s == 240.0


def test_a_learned_cadence_is_what_the_feed_does_whatever_was_written() -> None:
    own = Camera(id="06710", name="Kew", lat=51, lon=0, cadence_s=600)
    assert naming(config(own), ())(listed("00001.06710"), None).cadence_s == 600
    assert naming(config(own), ())(listed("00001.06710"), 240.0).cadence_s == 240


def test_words_that_do_not_fit_the_list_are_told_and_the_list_stands(caplog: pytest.LogCaptureFixture) -> None:
    """Zones drawn in 352 x 288, and a feed whose pictures are smaller."""
    wide = Zone(id="wide", name="Wide", polygon=((0, 0), (350, 0), (350, 10)))
    own = Camera(id="06710", name="Kew", lat=51, lon=0, zones=(wide,))
    small = listed("00001.06710")
    small = replace(small, camera=small.camera.model_copy(update={"width": 320, "height": 240}))
    named = naming(config(own), ())
    assert named(small, None).zones == ()
    assert named(small, None).width == 320
    assert caplog.text.count("cameras: does not fit it") == 1
