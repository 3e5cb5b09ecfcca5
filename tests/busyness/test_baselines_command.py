"""`busyness baselines`: what is usual, worked out once and for all of a recorded past, and listed."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from aggregate.aggregator import Aggregator
from aggregate.policy import AggregatePolicy
from busyness.baselines import build, known, show
from busyness.config import Config, load_config
from busyness.keeping import open_store
from busyness.wiring import usual_of
from core.clock import SystemClock
from core.errors import ConfigError
from core.figures import SERIES, Figures
from core.records import CountObservation, Status, observation_id

MONDAY = datetime(2017, 4, 30, 23, tzinfo=UTC)  # midnight in London
CONFIG = """\
name: one street
sources: [{{kind: folder, path: .}}]
cameras: [{{id: "00001", name: one, lat: 51.5, lon: -0.1, cadence_s: 3600}}]
store: {{path: {store}}}
usual: {{classes: [people], least_weeks: 2}}
calendar: {{country: GB, subdivision: ENG}}
periods: [{{name: first weeks, start: 2017-05-01, end: 2017-05-21}}]
"""


def clip(hour: int) -> CountObservation:
    at = MONDAY + timedelta(hours=hour)
    people = 2 + 8 * np.exp(-((hour % 24 - 12) ** 2) / 18) + np.sin(hour) / 2
    figures = Figures.of([float(people) if name in ("pedestrian", "people") else 0.0 for name in SERIES])
    return CountObservation(
        id=observation_id("00001", "00001:view", at, "m"), camera="00001", zone="00001:view", event_time=at,
        duration_s=10, status=Status.OK, frames=8, present=figures, peak=figures, spread=figures, stationary=figures,
        model="m", counted_at=at,
    )  # fmt: skip


def street(folder: Path) -> Config:
    path = folder / "street.yaml"
    path.write_text(CONFIG.format(store=folder / "counts.duckdb"))
    return load_config(path)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four weeks of clips, one an hour."""
    config = street(tmp_path_factory.mktemp("counted"))
    store = open_store(config)
    store.save_cameras(config.cameras)
    Aggregator(store, AggregatePolicy(), SystemClock()).accept([clip(hour) for hour in range(28 * 24)])
    store.close()
    assert config.store.path is not None
    return config.store.path


@pytest.fixture
def config(counted: Path, tmp_path: Path) -> Config:
    """The same four weeks, of which nothing was built yet."""
    shutil.copy(counted, tmp_path / "counts.duckdb")
    return street(tmp_path)


def test_a_recorded_past_is_built_once_with_its_named_periods(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = Console(stderr=True)
    assert build(config, notes) == 1 + 1 + 1  # last midnight, a week before, the named period
    assert build(config, notes) == 0
    assert build(config, notes, anew=True) == 3
    show(known(config), Console(width=140), as_json=False)
    table = capsys.readouterr().out
    assert "first weeks" in table
    assert "2017-05-27 23:00" in table
    show(known(config), Console(), as_json=True)
    usual, first = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (usual["reference"], usual["class"], usual["ok"], usual["first_day"]) == ("usual", "people", 1, None)
    assert (first["first_day"], first["last_day"], first["ok"]) == ("2017-05-01", "2017-05-21", 1)


def test_what_was_built_is_served_with_the_calendar_of_the_configuration(config: Config) -> None:
    build(config, Console(stderr=True))
    store = open_store(config, read_only=True)
    usual = usual_of(config, store)
    assert usual.references == ("usual", "first weeks")
    assert usual.calendar.name_of(date(2017, 5, 1)) == "May Day"
    store.close()


def test_a_store_in_memory_has_nothing_to_build_from(config: Config) -> None:
    forgets = config.model_copy(update={"store": config.store.model_copy(update={"path": None})})
    for ask in (lambda: build(forgets, Console()), lambda: known(forgets)):
        with pytest.raises(ConfigError, match="store"):
            ask()
