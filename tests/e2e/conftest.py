"""The real days, replayed once for every test that looks at them, and the browser that looks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console
from visits import browser, shots, visit  # noqa: F401 - fixtures

from busyness.config import Config, DuckDBConfig, load_config
from busyness.replaying import Replayed, replay

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class ReplayedDays:
    config: Config
    replayed: Replayed


@pytest.fixture(scope="session")
def real_days(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> ReplayedDays:
    """The 576 clips of three cameras through the whole pipeline, as `busyness replay` does it."""
    store = DuckDBConfig(path=tmp_path_factory.mktemp("days") / "london.duckdb")
    config = load_config(ROOT / "configs" / "london.yaml").model_copy(update={"store": store})
    return ReplayedDays(config, replay(config, shared_data / "jamcam" / "days", Console(quiet=True)))
