"""A configuration that changes while it runs: a valid one is taken, any other changes nothing and is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from busyness.config import Config, load_config
from busyness.reloading import ConfigWatch
from core.errors import ConfigError

TOWN = "name: a town\nsources: [{kind: tfl_jamcam}]\n"


class Town:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "town.yaml"
        self.taken: list[Config] = []
        self._time = 1_000_000_000
        self.write(TOWN)
        self.watch = ConfigWatch(self.path, load_config(self.path), self.taken.append)

    def write(self, text: str) -> None:
        self.path.write_text(text)
        self._time += 10
        os.utime(self.path, (self._time, self._time))


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_a_changed_source_is_taken_once(town: Town) -> None:
    town.watch.check()
    assert town.taken == []
    town.write("name: a town\nsources: [{kind: tfl_jamcam, cadence_s: 120}]\n")
    town.watch.check()
    town.watch.check()
    assert [config.sources[0].cadence_s for config in town.taken] == [120]


def test_a_broken_file_changes_nothing_and_is_told(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    town.write("name: a town\nsources: [{kind: tfl_jamcam, cadence: 120}]\n")
    town.watch.check()
    assert town.taken == []
    assert "sources.0.cadence: there is no such setting" in caplog.text
    town.path.unlink()
    town.watch.check()
    assert town.taken == []
    town.write("name: a town\nsources: [{kind: tfl_jamcam, cadence_s: 90}]\n")
    town.watch.check()
    assert len(town.taken) == 1


def test_what_waits_for_the_next_start_is_told(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    town.write(TOWN + "detect: {workers: 4}\n")
    town.watch.check()
    assert town.taken == []
    assert "changed for the next start only: detect" in caplog.text


def test_asked_for_it_looks_although_the_file_seems_the_same(town: Town) -> None:
    seen = town.path.stat()
    town.path.write_text("name: a town\nsources: [{kind: tfl_jamcam, cadence_s: 99}]\n".ljust(seen.st_size))
    os.utime(town.path, (seen.st_atime, seen.st_mtime))
    town.watch.check(asked=True)
    assert len(town.taken) == 1


def test_a_file_of_a_new_folder_of_sites_that_is_mended_is_taken(tmp_path: Path) -> None:
    """The configuration was right, and what it newly names was not: nobody has to touch it again."""
    (tmp_path / "sites").mkdir()
    broken = tmp_path / "sites" / "06710.json"
    broken.write_text("{")
    town = Town(tmp_path)
    applied: list[Config] = []

    def apply(config: Config) -> None:
        if broken.read_text() == "{":
            raise ConfigError("06710.json, line 1: this is no JSON")
        applied.append(config)

    watch = ConfigWatch(town.path, load_config(town.path), apply)
    town.write(f"{TOWN}sites: sites\n")
    watch.check()
    assert applied == []
    broken.write_text("{ }")
    watch.check()
    assert [config.sites for config in applied] == [tmp_path / "sites"]
