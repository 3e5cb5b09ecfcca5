"""`busyness backtest` as its user types it."""

from __future__ import annotations

import io
import json
import re
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hand_clock import HandClock
from rich.console import Console

from aggregate.aggregator import Aggregator
from aggregate.backtest.comparing import HeldOut
from aggregate.backtest.table import Columns
from busyness.backtesting import Asked, Shown, backtest_stored, backtest_table, stored
from busyness.command import main
from busyness.config import Config, DuckDBConfig
from busyness.keeping import open_store
from busyness.synthetic_past import store_past
from core.errors import ConfigError, QueryError, SourceError
from ingest.synthetic import SyntheticConfig, SyntheticStreet

COLUMNS = Columns(time=("time",), count=("count",), sensor=("sensor",))
QUICK = Asked(HeldOut(weeks=1, stretches=1), references=("naive",))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sensors over twelve weeks, busy by day."""
    random = np.random.default_rng(3)
    times = pd.date_range("2024-01-01", periods=12 * 168, freq="h")
    shape = (1 + np.sin(2 * np.pi * (times.hour - 9) / 24)) * np.where(times.day_of_week > 4, 0.6, 1.0)
    levels = {"mill": 40, "bridge": 90, "square": 200}
    frames = [
        pd.DataFrame({"time": times, "sensor": name, "count": random.poisson(level * shape)})
        for name, level in levels.items()
    ]
    path = tmp_path_factory.mktemp("table") / "counts.csv"
    pd.concat(frames).to_csv(path, index=False)
    return path


def test_the_figures_are_of_one_split_and_on_one_page(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    backtest_table(table, COLUMNS, "Europe/London", QUICK, Shown(as_json=True, report=page))
    answer = json.loads(capsys.readouterr().out)
    assert answer["sensors"] == ["bridge", "mill", "square"]
    assert len(answer["held_out"]) == 1
    assert answer["figures"]["error_over_naive"] < 0.9  # Poisson: last week again is off by more than its mean
    assert 0.8 < answer["figures"]["coverage90"] < 1
    by_name = {(one["forecaster"], one["horizon"]): one for one in answer["scores"]}
    assert by_name["busyness", 24]["points"] == by_name["naive", 24]["points"] == 3 * 168
    assert answer["figures"]["error_over_naive"] == pytest.approx(
        by_name["busyness", 24]["mae"] / by_name["naive", 24]["mae"], abs=1e-3
    )
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 4
    assert "http" not in html.replace("http://www.w3.org", "").replace("http-equiv", "")


ALL = ["--time", "time", "--sensor", "sensor", "--count", "count"]


@pytest.mark.parametrize(
    ("words", "says", "code"),
    [
        (["--time", "time", "--count", "count"], "different count.*--sensor NAME,DIRECTION", 2),
        (["--time", "when", "--sensor", "sensor", "--count", "count"], "no column 'when'.*time, sensor, count", 2),
        (["--sensor", "sensor"], "--time COL --sensor COL --count COL", 2),
        ([*ALL, "--timezone", "Mars"], "unknown time zone", 2),
        ([*ALL, "--references", "arima"], "no reference 'arima'", 1),
        ([*ALL, "--weeks", "30"], "--weeks 6", 1),
        ([*ALL, "--report", "page.txt"], "--report FILE.html", 2),
    ],
)
def test_what_cannot_be_done_is_said_with_the_remedy(
    table: Path,
    words: list[str],
    says: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:

    monkeypatch.setattr(sys, "argv", ["busyness", "backtest", str(table), *words])
    with pytest.raises(SystemExit) as ended:
        main()
    told = " ".join(capfd.readouterr().err.split())
    assert ended.value.code == code, told
    assert re.search(says, re.sub(r"[│╭╮╰╯─]+ ?", "", told)), told


def test_errors_are_of_one_family(table: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown time zone"):
        backtest_table(table, COLUMNS, "Mars", QUICK, Shown())
    with pytest.raises(QueryError, match="too few"):
        backtest_table(table, COLUMNS, None, Asked(HeldOut(weeks=30)), Shown())
    with pytest.raises(SourceError, match="no folder"):
        backtest_table(table, COLUMNS, None, QUICK, Shown(report=tmp_path / "no" / "page.html"))


def test_what_is_stored_is_judged_too_once_there_are_weeks_of_it(tmp_path: Path) -> None:
    """A week is too short, which is said with what would do; the series is one of those that are counted."""
    street = SyntheticConfig(cameras=1, seed=7, cadence_s=3600, past_weeks=1)
    config = Config(name="town", sources=(street,), store=DuckDBConfig(path=tmp_path / "store.duckdb"))
    with closing(open_store(config)) as store:
        store.save_cameras(SyntheticStreet(street).cameras)
        aggregator = Aggregator(store, config.aggregate, HandClock(street.start))
        store_past(street, store, aggregator, Console(file=io.StringIO()))
        (history,) = stored(store, "people")
    assert history.timezone == "Europe/London"
    assert history.value.shape == (5, 168)
    with pytest.raises(QueryError, match=r"weeks of counts are too few.*six weeks are the least"):
        backtest_stored(config, "people", QUICK, Shown())
    with pytest.raises(QueryError, match="no class 'dogs'"):
        backtest_stored(config, "dogs", QUICK, Shown())
    with pytest.raises(ConfigError, match="store on disk"):
        backtest_stored(config.model_copy(update={"store": DuckDBConfig()}), "people", QUICK, Shown())
