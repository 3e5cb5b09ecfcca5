"""docs/settings.md names every key that a configuration may have, with its default, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from aggregate.beside.pairing import BesidePolicy, LoopPair
from aggregate.policy import AggregatePolicy
from aggregate.postgres_config import PostgresConfig
from aggregate.usual.calendar import CalendarConfig
from aggregate.usual.policy import Period, UsualPolicy
from busyness import config as roof
from busyness.alerts import AlertsConfig, WebhookConfig
from core.ground import GroundPlane, ZoneGround
from core.kafka.settings import KafkaConfig, KafkaSecurity
from core.records import Camera, Zone
from detect.resolution import ResolutionLimit
from ingest.city.config import CityConfig
from ingest.decode_limits import DecodeLimits
from ingest.feeds import http_media
from ingest.feeds.digitraffic_weathercam import DigitrafficWeathercamConfig, DigitrafficWeb
from ingest.feeds.hls import HlsCamera, HlsConfig
from ingest.feeds.rtsp import Login, RtspCamera, RtspConfig
from ingest.feeds.settings import Area
from ingest.feeds.stream import StreamWeb
from ingest.feeds.tfl_jamcam import TflJamCamConfig, TflWeb
from ingest.feeds.watched_folder import WatchedFolderConfig
from ingest.folder import FolderConfig
from ingest.jail.limits import JailLimits
from ingest.lending.config import LendingConfig
from ingest.loops import csv_columns
from ingest.loops.digitraffic_history import DigitrafficHistoryConfig
from ingest.loops.digitraffic_tms import DigitrafficTmsConfig
from ingest.loops.lido_tiku import LidoTikuConfig
from ingest.loops.positions import PositionsConfig
from ingest.loops.tfl_scoot import TflScootConfig
from ingest.loops.web import LoopWeb
from ingest.synthetic import SceneFault, SyntheticConfig

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")

Model = type[BaseModel]

SECTIONS: dict[str, Sequence[Model]] = {
    "": [roof.Config],
    "sources: tfl_jamcam": [TflJamCamConfig],
    "sources: digitraffic_weathercam": [DigitrafficWeathercamConfig],
    "sources: http": [http_media.HttpMediaConfig],
    "csv": [http_media.CsvList],
    "csv.columns": [http_media.Columns],
    "geojson": [http_media.GeoJsonList],
    "geojson.properties": [http_media.Names],
    "sources: hls": [HlsConfig],
    "sources: rtsp": [RtspConfig],
    "login": [Login],
    "sources: watched_folder": [WatchedFolderConfig],
    "sources: folder": [FolderConfig],
    "sources: synthetic": [SyntheticConfig],
    "fault": [SceneFault],
    "camera": [Camera, http_media.HttpCamera, HlsCamera, RtspCamera],
    "zone": [Zone],
    "area": [Area],
    "web": [TflWeb, DigitrafficWeb, StreamWeb, LoopWeb, http_media.HttpWeb],
    "loops: tfl_scoot": [TflScootConfig],
    "loops: digitraffic_tms": [DigitrafficTmsConfig],
    "loops: digitraffic_history": [DigitrafficHistoryConfig],
    "loops: lido_tiku": [LidoTikuConfig],
    "loops: csv_columns": [csv_columns.CsvColumnsConfig],
    "columns of a loop feed": [csv_columns.Columns],
    "positions": [PositionsConfig],
    "clock": [roof.ClockConfig],
    "ingest": [CityConfig],
    "ingest.lend": [LendingConfig],
    "detect": [roof.DetectConfig],
    "detect.limits": [DecodeLimits],
    "detect.jail": [JailLimits],
    "detect.resolution": [ResolutionLimit],
    "aggregate": [AggregatePolicy],
    "beside": [BesidePolicy],
    "pair": [LoopPair],
    "calendar": [CalendarConfig],
    "usual": [UsualPolicy],
    "periods": [Period],
    "bus: memory": [roof.MemoryBusConfig],
    "bus: kafka": [KafkaConfig],
    "bus.security": [KafkaSecurity],
    "store: duckdb": [roof.DuckDBConfig],
    "store: postgres": [PostgresConfig],
    "api": [roof.ApiConfig],
    "worker": [roof.WorkerConfig],
    "map": [roof.MapConfig],
    "alerts": [AlertsConfig],
    "webhook": [WebhookConfig],
}
MADE = frozenset((GroundPlane, ZoneGround))
"""What `busyness calibrate` makes, and nobody writes."""


def models_of(annotation: Any) -> Iterator[Model]:
    """The models in an annotation, however deep in unions and tuples."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_of(part)


def reached(model: Model, found: set[Model]) -> set[Model]:
    """The model, and all that a configuration of it may hold."""
    if model not in found:
        found.add(model)
        for field in model.model_fields.values():
            for held in models_of(field.annotation):
                reached(held, found)
    return found


def keys(models: Sequence[Model]) -> dict[str, list[FieldInfo]]:
    """The keys of models of one section, as they are written; `kind` is in its heading."""
    found: dict[str, list[FieldInfo]] = {}
    for model in models:
        for name, field in model.model_fields.items():
            if name != "kind" or model is Zone or model is SceneFault:
                found.setdefault(field.alias or name, []).append(field)
    return found


def told(field: FieldInfo) -> str:
    """A default as the guide has it."""
    default = field.default
    if field.is_required():
        return "*needed*"
    if isinstance(default, BaseModel):
        return "*below*"
    if default is None or default in ((), {}, ""):
        return "none"
    if isinstance(default, tuple):
        return ", ".join(f"`{one.value if isinstance(one, Enum) else one}`" for one in default)
    if isinstance(default, Enum):
        default = default.value
    if isinstance(default, datetime):
        default = default.isoformat()
    if isinstance(default, bool):
        default = str(default).lower()
    return f"`{default:.15g}`" if isinstance(default, float) else f"`{default}`"


def rows(heading: str) -> dict[str, str]:
    """The keys of a section of the guide, with what it says of their defaults."""
    begin = f"\n## {heading or 'The file'}\n"
    assert GUIDE.count(begin) == 1, heading
    section = GUIDE.partition(begin)[2].partition("\n## ")[0]
    table = re.findall(r"^\| `(\w+)` \| (.*?) \| (.+?) \|$", section, re.MULTILINE)
    assert len(table) == len({key for key, _, _ in table})
    return {key: default for key, default, _ in table}


def test_the_guide_has_every_part_of_a_configuration_and_no_other() -> None:
    assert {model for models in SECTIONS.values() for model in models} == reached(roof.Config, set()) - MADE
    assert re.findall(r"^## (.+)$", GUIDE, re.MULTILINE) == [heading or "The file" for heading in SECTIONS]


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_guide_names_every_key_with_its_default(heading: str) -> None:
    written, known = rows(heading), keys(SECTIONS[heading])
    assert sorted(written) == sorted(known)
    for key, fields in known.items():
        for default in {told(field) for field in fields}:
            assert default in written[key], key
