"""A running installation has a desk: over its own cameras and sites, with the clips that its source has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from api.calibration import SWITCHED_OFF
from busyness.calibration_desk import Desk
from busyness.config import load_config
from busyness.desk_wiring import closing_desk, open_desk
from busyness.past_clips import RecordedClips, RenderedClips
from busyness.wiring import Installation, install, open_clock

DROP = '{kind: watched_folder, name: drop, path: ., cameras: [{id: "06710", name: Kew, lat: 51.48, lon: -0.28}]}'
FOLDER = "{kind: folder, path: .}"
STREET = "{kind: synthetic, cameras: 1}"
KEW = 'cameras: [{id: "06710", name: Kew, lat: 51.48, lon: -0.28}]'


@contextmanager
def installed(folder: Path, source: str, more: str = "") -> Iterator[Installation]:
    path = folder / "town.yaml"
    (folder / "sites").mkdir()
    (folder / "06710").mkdir()
    (folder / "06710" / "08_1489046533969.mp4").write_bytes(b"clip")
    path.write_text(f"name: a town\nsources: [{source}]\nsites: sites\ndetect: {{workers: 1}}\n{more}\n")
    config = load_config(path)
    with closing(install(config, open_clock(config))) as installation:
        yield installation


def test_of_a_feed_it_is_offered_what_was_counted(tmp_path: Path) -> None:
    with installed(tmp_path, DROP, KEW) as installation:
        desk = open_desk(installation)
        assert isinstance(desk, Desk)
        with closing_desk(desk):
            assert desk.backgrounds._past is None
            assert [counter.on_report for counter in installation.counters] == [desk.backgrounds.offer]


@pytest.mark.parametrize(
    ("source", "more", "kind", "camera"),
    [(FOLDER, KEW, RecordedClips, "06710"), (STREET, "", RenderedClips, "synthetic-01")],
)
def test_of_a_source_that_has_its_clips_it_takes_those(
    tmp_path: Path, source: str, more: str, kind: type, camera: str
) -> None:
    with installed(tmp_path, source, more) as installation:
        desk = open_desk(installation)
        assert isinstance(desk, Desk)
        with closing_desk(desk):
            past = desk.backgrounds._past
            assert isinstance(past, kind)
            (known,) = desk.cameras()
            assert known.id == camera
            assert len(past.of(known)) > 0


def test_what_is_kept_is_counted_by_at_once(tmp_path: Path) -> None:
    with installed(tmp_path, STREET) as installation:
        desk = open_desk(installation)
        assert isinstance(desk, Desk)
        with closing_desk(desk):
            site = desk.open("synthetic-01").site
            (first, *_) = site.zones.features
            one = site.model_copy(update={"zones": site.zones.model_copy(update={"features": (first,)})})
            desk.save_site(one)
            assert [zone.id for zone in installation.sited.cameras[0].zones] == [first.id]
            assert desk.open("synthetic-01").site == one


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    with installed(tmp_path, STREET, "api: {calibrate: off}") as installation:
        assert open_desk(installation) == SWITCHED_OFF
