"""A configuration's publishers, opened: each feed with the guests that ask for it, its cameras by their own names."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from pydantic import ValidationError

from aggregate.store import Store
from busyness.config import Config, FeedConfig
from busyness.keeping import open_shelf
from core.clock import Clock
from core.errors import BusynessError
from core.records import Camera
from ingest.camera_id import CameraIds
from ingest.city.health import HealthLog
from ingest.city.known_lists import SHELF, KnownLists
from ingest.city.source import CitySource, Naming
from ingest.feed import Feed, ListedCamera
from ingest.feeds.digitraffic_weathercam import DigitrafficWeathercam, DigitrafficWeathercamConfig
from ingest.feeds.hls import HlsConfig, HlsFeed
from ingest.feeds.http_media import HttpMedia, HttpMediaConfig
from ingest.feeds.rtsp import RtspConfig, RtspFeed
from ingest.feeds.tfl_jamcam import TflJamCam, TflJamCamConfig
from ingest.feeds.watched_folder import WatchedFolder, WatchedFolderConfig
from ingest.fetch.guest import Budgets, Guest, GuestConfig, RequestOutcome
from ingest.known import Known

log = logging.getLogger(__name__)

OnRequest = Callable[[str, RequestOutcome], None]


@dataclass(frozen=True)
class _Open:
    config: FeedConfig
    feed: Feed
    guests: Sequence[Guest]

    def close(self) -> None:
        _close(self.guests)


def _close(guests: Iterable[Guest]) -> None:
    for guest in guests:
        guest.close()


@dataclass
class OpenFeeds:
    """The feeds that run, by their configurations: one whose configuration stays goes on as it is.

    `on_request` is told of every request with the name of its source. `counted` gives the event time of each camera's
    newest clip that is already counted, whenever a feed is opened.
    """

    clock: Clock
    on_request: OnRequest = lambda _, __: None
    counted: Callable[[], Mapping[str, datetime]] = dict
    _budgets: Budgets = field(init=False)
    _open: dict[str, _Open] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._budgets = Budgets(self.clock)

    def of(self, configs: Iterable[FeedConfig]) -> list[Feed]:
        """The feeds of these configurations, in their order; those no longer named let go of their connections.

        Where one cannot be opened, all stays as it was. Raises `BusynessError`.
        """
        wanted = {config.name: config for config in configs}
        opened: dict[str, _Open] = {}
        try:
            for name, config in wanted.items():
                known = self._open.get(name)
                opened[name] = known if known and known.config == config else self._opened(config)
        except BusynessError:
            for name, one in opened.items():
                if one is not self._open.get(name):
                    one.close()
            raise
        for name, one in self._open.items():
            if one is not opened.get(name):
                one.close()
        self._open = opened
        return [one.feed for one in opened.values()]

    def hold(self, share: float) -> None:
        """From now on this part of every budget is this process's; the rest is that of others of the installation."""
        self._budgets.hold(share)

    def close(self) -> None:
        """Let go of every connection."""
        for one in self._open.values():
            one.close()
        self._open = {}

    def guest(self, name: str, web: GuestConfig) -> Guest:
        """A guest under the budgets of this installation, whose requests are told under `name`."""
        return Guest(web, self._budgets, self.clock, on_request=lambda outcome: self.on_request(name, outcome))

    def _opened(self, config: FeedConfig) -> _Open:
        guests: list[Guest] = []
        try:
            return _Open(config, self._feed(config, guests), guests)
        except BusynessError:
            _close(guests)
            raise

    def _feed(self, config: FeedConfig, guests: list[Guest]) -> Feed:
        def guest(web: GuestConfig) -> Guest:
            guests.append(self.guest(config.name, web))
            return guests[-1]

        match config:
            case TflJamCamConfig():
                return TflJamCam(config, guest(config.api_web), guest(config.media_web))
            case DigitrafficWeathercamConfig():
                return DigitrafficWeathercam(config, guest(config.api_web), guest(config.media_web))
            case HttpMediaConfig():
                return HttpMedia(config, guest(config.media_web))
            case HlsConfig():
                return HlsFeed(config, guest(config.media_web))
            case RtspConfig():
                return RtspFeed(config, guest(config.media_web), self.clock)
            case WatchedFolderConfig():
                return WatchedFolder(config, self.clock, counted=self.counted())
            case _:
                assert_never(config)


def lists_of(config: Config) -> KnownLists:
    """What the publishers listed last, kept where the store is."""
    return KnownLists(open_shelf(config, SHELF))


def naming(config: Config, stored: Sequence[Camera]) -> Naming:
    """How this installation calls a listed camera, and what it knows better than the list.

    What the operator has written of a camera stands, but for its cadence: learning begins with it, and goes on from
    what was learned before a restart. Where his words and the list do not fit together, the list's stand, and the log
    says so.
    """
    own = {camera.id: camera for camera in config.cameras}
    ids = CameraIds(own)
    learned_before = {camera.id: camera.cadence_s for camera in stored}
    refused: set[str] = set()

    def named(listed: ListedCamera, learned_s: float | None) -> Camera:
        camera = listed.camera
        known = ids.find(camera.id)
        name = known or camera.id
        better = {} if known is None else {field: getattr(own[known], field) for field in own[known].model_fields_set}
        cadence_s = learned_s or learned_before.get(name) or better.get("cadence_s", camera.cadence_s)
        try:
            return Camera(**(dict(camera) | better | {"cadence_s": cadence_s}))
        except ValidationError as error:
            if name not in refused:
                refused.add(name)
                log.warning("camera %s is counted as it is listed: cameras: does not fit it: %s", name, error)
            return camera.model_copy(update={"cadence_s": cadence_s})

    return named


def open_city(config: Config, clock: Clock, store: Store, feeds: OpenFeeds, health: HealthLog) -> CitySource:
    """All feeds as one source, which goes on after the newest clip that is stored of each camera.

    What has come and gone since the newest observation, with or without a clip, is told.
    """
    told = store.watermarks()
    already = {camera: Known(*newest, slot=told.get(camera)) for camera, newest in store.last_contents().items()}
    before = store.cameras()
    return CitySource(
        feeds.of(config.feeds), config.ingest, clock, health,
        naming=naming(config, before), before=before, already=already, lists=lists_of(config),
    )  # fmt: skip
