"""A configuration's publishers, opened: each feed with the guests that ask for it, its cameras by their own names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from busyness.config import Config, FeedConfig
from core.clock import Clock
from core.records import Camera
from ingest.camera_id import CameraIds
from ingest.feed import Feed, ListedCamera
from ingest.feeds.digitraffic_weathercam import DigitrafficWeathercam, DigitrafficWeathercamConfig
from ingest.feeds.hls import HlsConfig, HlsFeed
from ingest.feeds.http_media import HttpMedia, HttpMediaConfig
from ingest.feeds.rtsp import RtspConfig, RtspFeed
from ingest.feeds.tfl_jamcam import TflJamCam, TflJamCamConfig
from ingest.feeds.watched_folder import WatchedFolder, WatchedFolderConfig
from ingest.fetch.guest import Budgets, Guest, GuestConfig, RequestOutcome

OnRequest = Callable[[str, RequestOutcome], None]


@dataclass
class OpenFeeds:
    """The feeds that run, by their configurations: one whose configuration stays goes on as it is.

    `on_request` is told of every request with the name of its source.
    """

    clock: Clock
    on_request: OnRequest = lambda _, __: None
    counted: Mapping[str, datetime] = field(default_factory=dict)
    _budgets: Budgets = field(init=False)
    _open: dict[str, tuple[FeedConfig, Feed, list[Guest]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._budgets = Budgets(self.clock)

    def of(self, configs: Iterable[FeedConfig]) -> list[Feed]:
        """The feeds of these configurations, in their order; those no longer named let go of their connections."""
        wanted = {config.name: config for config in configs}
        for name in [name for name, (config, _, _) in self._open.items() if wanted.get(name) != config]:
            self._close(name)
        for name, config in wanted.items():
            if name not in self._open:
                guests: list[Guest] = []
                self._open[name] = (config, self._feed(config, guests), guests)
        return [self._open[name][1] for name in wanted]

    def close(self) -> None:
        """Let go of every connection."""
        for name in list(self._open):
            self._close(name)

    def guest(self, name: str, web: GuestConfig) -> Guest:
        """A guest under the budgets of this installation, whose requests are told under `name`."""
        return Guest(web, self._budgets, self.clock, on_request=lambda outcome: self.on_request(name, outcome))

    def _close(self, name: str) -> None:
        for guest in self._open.pop(name)[2]:
            guest.close()

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
                return WatchedFolder(config, self.clock, counted=self.counted)
            case _:
                assert_never(config)


def naming(config: Config, stored: Sequence[Camera]) -> Callable[[ListedCamera], Camera]:
    """How this installation calls a listed camera, and what it knows better than the list.

    What the operator has written of a camera stands; its cadence, where he wrote none, is the one learned before.
    """
    own = {camera.id: camera for camera in config.cameras}
    ids = CameraIds(own)
    learned = {camera.id: camera.cadence_s for camera in stored}

    def named(listed: ListedCamera) -> Camera:
        camera = listed.camera
        known = ids.find(camera.id)
        better = {} if known is None else {name: getattr(own[known], name) for name in own[known].model_fields_set}
        name = known or camera.id
        return Camera(**({**dict(camera), "cadence_s": learned.get(name, camera.cadence_s)} | better))

    return named
