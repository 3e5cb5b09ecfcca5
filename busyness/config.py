"""The one file that an operator writes: where clips come from, how they are counted, where figures are kept and served.

Unknown keys are refused and every error names the file, the line and the key.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

import yaml
from pydantic import (
    Discriminator,
    Field,
    PositiveFloat,
    PositiveInt,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from aggregate.beside.pairing import BesidePolicy
from aggregate.policy import STORE_MEMORY_MB, AggregatePolicy
from aggregate.postgres_config import PostgresConfig
from aggregate.usual.calendar import CalendarConfig
from aggregate.usual.policy import Period, UsualPolicy
from busyness import DEFAULT_MODEL
from busyness.alerts import AlertsConfig
from busyness.explaining import explain, line_of
from core.config import Closed
from core.errors import ConfigError
from core.kafka.settings import KafkaConfig
from core.records import Camera, UtcTime
from detect.resolution import ResolutionLimit
from detect.result import FRAMES_PER_CLIP
from detect.zones import check_zones
from ingest.city.config import CityConfig
from ingest.decode_limits import DecodeLimits
from ingest.feeds.digitraffic_weathercam import DigitrafficWeathercamConfig
from ingest.feeds.hls import HlsConfig
from ingest.feeds.http_media import HttpMediaConfig
from ingest.feeds.rtsp import RtspConfig
from ingest.feeds.tfl_jamcam import TflJamCamConfig
from ingest.feeds.watched_folder import WatchedFolderConfig
from ingest.folder import FolderConfig
from ingest.jail.limits import JailLimits
from ingest.loops.opening import LoopFeedConfig
from ingest.synthetic import SyntheticConfig

FeedConfig = (
    TflJamCamConfig | DigitrafficWeathercamConfig | HttpMediaConfig | HlsConfig | RtspConfig | WatchedFolderConfig
)
SourceConfig = SyntheticConfig | FolderConfig | FeedConfig


class ClockConfig(Closed):
    """An accelerated clock; without it the machine's own is used.

    It starts at `start`, by default when the synthetic street does. With `origin`, the moment of the machine's clock
    that was `start`, processes that start one after the other agree about the time: for a city of doubled feeds.
    """

    speedup: PositiveFloat = Field(le=10_000)
    start: UtcTime | None = None
    origin: UtcTime | None = None


class DetectConfig(Closed):
    model: str = Field(
        default=DEFAULT_MODEL, description="a model of models/, or ultralytics:WEIGHTS, openvino:FILE, ..."
    )
    frames_per_clip: PositiveInt = Field(default=FRAMES_PER_CLIP, le=250)
    workers: PositiveInt = Field(default=2, le=64)
    limits: DecodeLimits = DecodeLimits()
    resolution: ResolutionLimit = ResolutionLimit()
    jail: JailLimits = JailLimits()


class DuckDBConfig(Closed):
    """The embedded store: one file of one process."""

    kind: Literal["duckdb"] = "duckdb"
    path: Path | None = Field(default=None, description="the store's file; without it the store lives in memory")
    memory_mb: int = Field(default=STORE_MEMORY_MB, ge=128, description="MiB of the file that may be kept in memory")


class MemoryBusConfig(Closed):
    """The bus of one process."""

    kind: Literal["memory"] = "memory"


def _kind_or(usual: str) -> Discriminator:
    """Tells the kind of a part that may be written without one: then it is the usual one."""

    def kind(given: object) -> str:
        named = given.get("kind", usual) if isinstance(given, dict) else getattr(given, "kind", usual)
        return str(named)

    return Discriminator(kind)


BusConfig = Annotated[
    Annotated[MemoryBusConfig, Tag("memory")] | Annotated[KafkaConfig, Tag("kafka")], _kind_or("memory")
]
StoreConfig = Annotated[
    Annotated[DuckDBConfig, Tag("duckdb")] | Annotated[PostgresConfig, Tag("postgres")], _kind_or("duckdb")
]


class ApiConfig(Closed):
    host: str = "127.0.0.1"
    port: int = Field(default=8321, ge=0, le=65_535)
    calibrate: Literal["loopback", "off"] = Field(
        default="loopback", description="who may calibrate at /operations/calibrate: somebody at this machine; nobody"
    )

    @field_validator("calibrate", mode="before")
    @classmethod
    def _off_is_a_word(cls, given: object) -> object:
        """YAML reads a bare `off` as false."""
        return "off" if given is False else given


class WorkerConfig(Closed):
    """Where one process of a cluster says how it is: /healthz, /readyz and /metrics."""

    host: str = "127.0.0.1"
    port: int | None = Field(default=0, ge=0, le=65_535, description="0 takes a free one; null: nowhere")


class MapConfig(Closed):
    outlines: Path | None = Field(default=None, description="GeoJSON drawn under the cameras when there is no basemap")
    basemap_url: str | None = None
    basemap_attribution: str | None = None

    @field_validator("basemap_url")
    @classmethod
    def _one_host(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"https?://[^/\s'\";,{}*]+/[^\s'\";,]*", url):
            raise ValueError("give one host, as in https://tile.example.org/{z}/{x}/{y}.png")
        return url


class Config(Closed):
    """A whole installation. Relative paths count from the configuration file's folder."""

    name: str = Field(min_length=1, max_length=100)
    notice: str | None = Field(default=None, max_length=300, description="a banner on the map, for instance 'demo'")
    sources: tuple[Annotated[SourceConfig, Field(discriminator="kind")], ...] = Field(min_length=1, max_length=100)
    loops: tuple[LoopFeedConfig, ...] = Field(default=(), max_length=100)
    cameras: tuple[Camera, ...] = Field(
        default=(), description="those of a folder; of a feed, what you know of its cameras better: their zones, names"
    )
    sites: Path | None = Field(
        default=None, description="a folder of site files, CAMERA.json: the zones of a camera, and its ground"
    )
    interventions: Path | None = Field(
        default=None, description="the file that interventions are registered in; without it, one beside the store"
    )
    clock: ClockConfig | None = None
    ingest: CityConfig = CityConfig()
    detect: DetectConfig = DetectConfig()
    aggregate: AggregatePolicy = AggregatePolicy()
    beside: BesidePolicy = Field(default=BesidePolicy(), description="which loops count what a camera sees")
    calendar: CalendarConfig = CalendarConfig()
    usual: UsualPolicy = UsualPolicy()
    periods: tuple[Period, ...] = Field(
        default=(), max_length=50, description="named periods to compare with beside the usual, as 'before lockdown'"
    )
    bus: BusConfig = MemoryBusConfig()
    store: StoreConfig = DuckDBConfig()
    api: ApiConfig = ApiConfig()
    worker: WorkerConfig = WorkerConfig()
    map: MapConfig = MapConfig()
    alerts: AlertsConfig = AlertsConfig()

    @property
    def feeds(self) -> tuple[FeedConfig, ...]:
        """The publishers that are asked for clips; none where clips are recorded or rendered."""
        return tuple(one for one in self.sources if not isinstance(one, SyntheticConfig | FolderConfig))

    @property
    def street(self) -> SyntheticConfig | None:
        """The synthetic street; None where clips are real."""
        first = self.sources[0]
        return first if isinstance(first, SyntheticConfig) else None

    @property
    def folder(self) -> FolderConfig | None:
        """The folder of recorded clips; None where they come from elsewhere."""
        first = self.sources[0]
        return first if isinstance(first, FolderConfig) else None

    @model_validator(mode="after")
    def _nothing_is_ignored(self) -> Self:
        if len(self.sources) > 1 and len(self.feeds) < len(self.sources):
            raise ValueError("a synthetic street, or a folder of recorded clips, is the only source: remove the others")
        if self.street is not None and self.cameras:
            raise ValueError("the synthetic street brings its own cameras: remove cameras:")
        if self.folder is not None and not self.cameras:
            raise ValueError("a folder of clips needs its cameras: list them under cameras:")
        if self.folder is not None and self.clock is not None:
            raise ValueError("recorded clips are as old as they are: clock: is for the synthetic street, remove it")
        if self.clock is not None and self.street is None and self.clock.start is None:
            raise ValueError("clock: needs the time that it starts at: set clock.start")
        names = [feed.name for feed in self.feeds] + [loop.name for loop in self.loops]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two sources are called {name!r}: give each its own name")
        periods = [period.name for period in self.periods]
        for name in periods:
            if periods.count(name) > 1:
                raise ValueError(f"two periods are called {name!r}: give each its own name")
        return self


def load_config(path: Path) -> Config:
    """Read and check a configuration file. Raises `ConfigError` that names the file, the line and the key."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"there is no configuration file {path}", remedy="try configs/demo.yaml") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration file {path} cannot be read: {error}") from error
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a subclass of SafeLoader
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}", remedy="mend the line it names") from error
    if tree is None or not isinstance(content, dict):
        raise ConfigError(f"{path} holds no settings", remedy="start from configs/demo.yaml")
    try:
        config = Config.model_validate(content)
    except ValidationError as error:
        raise ConfigError("\n".join(explain(path, tree, error)), remedy="See configs/ for whole examples") from error
    _refuse_twins(path, tree, config.cameras)
    _refuse_impossible_zones(path, tree, config.cameras)
    return _resolve(config, path.parent)


def load_outlines(path: Path) -> dict[str, Any]:
    """The GeoJSON FeatureCollection that the map draws under its cameras. Raises `ConfigError`."""
    try:
        outlines = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"map.outlines: {path} cannot be read: {error}", remedy="name a GeoJSON file") from error
    if not isinstance(outlines, dict) or outlines.get("type") != "FeatureCollection":
        raise ConfigError(f"map.outlines: {path} is not a GeoJSON FeatureCollection")
    return outlines


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML lets a key stand twice and keeps the last; that hides mistakes, so it is refused."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """As YAML does; a value that is none (month 13) is named with its line instead of a traceback."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, OverflowError) as error:
            raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _refuse_twins(path: Path, tree: yaml.Node, cameras: tuple[Camera, ...]) -> None:
    seen: dict[str, int] = {}
    for index, camera in enumerate(cameras):
        for name, what in ((camera.id, "camera"), *((zone.id, "zone") for zone in camera.zones)):
            key = f"{what} {name}"
            line = line_of(tree, ["cameras", index])
            if key in seen:
                raise ConfigError(f"{path}, line {line}: {key!r} is already used in line {seen[key]}: ids are unique")
            seen[key] = line


def _refuse_impossible_zones(path: Path, tree: yaml.Node, cameras: tuple[Camera, ...]) -> None:
    for index, camera in enumerate(cameras):
        try:
            check_zones(camera)
        except ConfigError as error:
            line = line_of(tree, ["cameras", index, "zones"])
            message = f"{path}, line {line}: camera {camera.id}: {error.message}"
            raise ConfigError(message, remedy=error.remedy) from error


def _resolve(config: Config, folder: Path) -> Config:
    """The same configuration with its relative paths, wherever they stand, counted from `folder`."""

    def resolved(value: Any) -> Any:
        if isinstance(value, Path):
            try:
                return (folder / value.expanduser()).resolve()
            except (ValueError, OSError, RuntimeError) as error:
                raise ConfigError(
                    f"{str(value)!r} is no path: {error}", remedy="mend it in the configuration"
                ) from error
        if isinstance(value, Closed):
            changes = {name: resolved(held) for name, held in value}
            return value.model_copy(
                update={name: new for name, new in changes.items() if new is not getattr(value, name)}
            )
        if isinstance(value, tuple):
            parts = tuple(resolved(part) for part in value)
            return parts if any(new is not old for new, old in zip(parts, value, strict=True)) else value
        return value

    return cast(Config, resolved(config))
