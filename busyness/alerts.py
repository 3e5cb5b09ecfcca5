"""Which losses are worth a message: a camera that has been gone for a while, and a source that has lost many.

    camera   live --not live for camera_lost_min--> lost --live for back_min--> back
    source   fine --share of cameras lost--> lost --half that share or less, for back_min--> back

Each is said once. An outage that ends sooner is never said; a camera that comes and goes while it is lost stays lost;
while a source is lost its cameras are not said one by one. Events change what is known, and only `tick` says anything,
so that the order of events of one moment does not matter. What was said is a record of its own (`Said`), which
outlives the process: `busyness/alert_book.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, field_validator

from core.config import Closed
from core.health import CameraState, HealthEvent
from core.records import REASON_LENGTH, Identifier, UtcTime

LEAST_OF_A_SOURCE = 2
"""One camera alone is no lost share, however small its source."""


class WebhookConfig(Closed):
    """Where alerts are posted. `secret_env` names the environment variable whose value signs them.

    `json` is what `Alert` holds; `slack` is a text as Slack, Mattermost and their like take it.
    """

    url: str = Field(pattern=r"^https?://", max_length=2000)
    secret_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)
    format: Literal["json", "slack"] = "json"

    @property
    def key(self) -> str:
        """Names it wherever its address, which may be a secret, must not stand."""
        return sha256(self.url.encode()).hexdigest()[:16]


class AlertsConfig(Closed):
    """Quiet by default: without webhooks nothing is said, and without `repeat_min` nothing is said again.

    `states` are what counts as lost. A camera that its publisher has withdrawn is not among them by default: a city
    switches some of them off every day. `private_networks` are those of your own where webhooks may be.
    """

    webhooks: tuple[WebhookConfig, ...] = Field(default=(), max_length=20)
    camera_lost_min: PositiveFloat = Field(default=30.0, le=10_080)
    source_lost_share: PositiveFloat = Field(default=0.2, le=1)
    source_lost_min: PositiveFloat = Field(default=10.0, le=10_080)
    back_min: float = Field(default=5.0, ge=0, le=10_080, description="live for so long before it is said to be back")
    repeat_min: PositiveFloat | None = Field(default=None, ge=10, le=43_200)
    states: tuple[CameraState, ...] = Field(
        default=(CameraState.STALE, CameraState.UNREACHABLE, CameraState.FAULTY, CameraState.MOVED), min_length=1
    )
    private_networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @field_validator("states")
    @classmethod
    def _lost(cls, states: tuple[CameraState, ...]) -> tuple[CameraState, ...]:
        if CameraState.LIVE in states or CameraState.WAITING in states:
            raise ValueError("a camera that is live, or not visited yet, is not lost")
        return states

    @field_validator("webhooks")
    @classmethod
    def _each_once(cls, webhooks: tuple[WebhookConfig, ...]) -> tuple[WebhookConfig, ...]:
        if len({webhook.url for webhook in webhooks}) < len(webhooks):
            raise ValueError("two webhooks have one url: it would be told everything twice")
        return webhooks


class AlertKind(StrEnum):
    CAMERA_LOST = "camera_lost"
    CAMERA_BACK = "camera_back"
    SOURCE_LOST = "source_lost"
    SOURCE_BACK = "source_back"
    CAMERA_DRIFTS = "camera_drifts"
    CAMERA_AGREES = "camera_agrees"


class Alert(Closed):
    """One thing to be said. It was lost, or drifted, `since` then and, where it is back, `until` then.

    `camera` is null where it is about a source: then `lost` of its `watched` cameras are lost. `again` says that it was
    said before and is still so.
    """

    kind: AlertKind
    at: UtcTime
    source: Identifier
    camera: Identifier | None = None
    since: UtcTime
    until: UtcTime | None = None
    lost: NonNegativeInt | None = None
    watched: NonNegativeInt | None = None
    reason: str | None = Field(default=None, max_length=REASON_LENGTH)
    again: bool = False

    @property
    def id(self) -> str:
        """The same however often this alert is posted, and no other alert's: it is a hash of all that it says."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:32]

    @property
    def text(self) -> str:
        """The alert as a line for people; times in UTC."""
        since = f"{self.since:%Y-%m-%d %H:%M} UTC"
        why = f": {self.reason}" if self.reason else ""
        still = "still " if self.again else ""
        match self.kind:
            case AlertKind.CAMERA_LOST:
                return f"camera {self.camera} ({self.source}) {still}lost since {since}{why}"
            case AlertKind.CAMERA_BACK:
                return f"camera {self.camera} ({self.source}) back, was lost since {since}{why}"
            case AlertKind.SOURCE_LOST:
                return f"{self.lost} of {self.watched} cameras of source {self.source} {still}lost since {since}"
            case AlertKind.SOURCE_BACK:
                return f"source {self.source} back, was lost since {since}{why}"
            case AlertKind.CAMERA_DRIFTS:
                return f"camera {self.camera} ({self.source}) no longer counts as its loops do{why}"
            case AlertKind.CAMERA_AGREES:
                return f"camera {self.camera} ({self.source}) counts as its loops do again, did not since {since}"


class SaidLoss(Closed):
    """A loss of a camera that was said: when it began, when it was said last, and of which source it was."""

    since: UtcTime
    at: UtcTime
    source: Identifier


class SaidSource(Closed):
    """As `SaidLoss`, of a source. `fine_since` is since when few enough of its cameras are lost."""

    since: UtcTime
    at: UtcTime
    fine_since: UtcTime | None = None


class Said(Closed):
    """The losses that were said and are not over, by camera and by source."""

    cameras: Mapping[Identifier, SaidLoss] = {}
    sources: Mapping[Identifier, SaidSource] = {}


@dataclass
class _Camera:
    """What is known of a camera. `outage` is when the present one began; None while there is none."""

    event: HealthEvent
    outage: datetime | None = None


@dataclass
class _Tally:
    """The cameras of a source: so many are watched, so many of them were not visited yet, and the others' outages."""

    watched: int = 0
    waiting: int = 0
    outages: list[datetime] = field(default_factory=list)

    def add(self, camera: _Camera | None, config: AlertsConfig) -> None:
        """One of them. One that its publisher has withdrawn is none of which a share can be lost."""
        state = None if camera is None else camera.event.state
        self.watched += state is not CameraState.WITHDRAWN or CameraState.WITHDRAWN in config.states
        self.waiting += state is CameraState.WAITING
        if camera is not None and camera.outage is not None:
            self.outages.append(camera.outage)


class Losses:
    """What is lost, and what of it is to be said. `sources` names the source of every camera that is watched.

    `said` is what was said before, and after every `tick` what is said by then. Not for several threads at once.
    """

    def __init__(self, config: AlertsConfig, sources: Mapping[str, str], said: Said | None = None) -> None:
        self.said = said or Said()
        self._config = config
        self._cameras: dict[str, _Camera] = {}
        self._camera_lost_after = timedelta(minutes=config.camera_lost_min)
        self._source_lost_after = timedelta(minutes=config.source_lost_min)
        self._back_after = timedelta(minutes=config.back_min)
        self.watch(sources)

    def watch(self, sources: Mapping[str, str], *, complete: bool = True) -> None:
        """Other cameras are watched from now on; a loss that was said of one that is not is said to be over.

        Not so while the lists are not `complete`, as after a restart: then nothing follows from what is missing. What
        is known of one that is not watched is kept: it may only not be listed yet.
        """
        self._sources = dict(sources)
        self._complete = complete

    def note(self, event: HealthEvent) -> None:
        """A camera's state has changed. Of two events the one that begins later holds; of one moment, the last told."""
        camera = self._cameras.setdefault(event.camera, _Camera(event))
        if event.since < camera.event.since:
            return
        camera.event = event
        camera.outage = (camera.outage or event.since) if event.state in self._config.states else None

    def tick(self, now: datetime) -> Sequence[Alert]:
        """What is to be said now: of sources, then of cameras, each by name."""
        sources = dict(self.said.sources)
        of_sources = list(self._of_sources(sources, now))
        cameras = dict(self.said.cameras)
        of_cameras = list(self._of_cameras(cameras, sources, now))
        self.said = Said(cameras=cameras, sources=sources)
        return [*of_sources, *of_cameras]

    def _of_sources(self, said: dict[str, SaidSource], now: datetime) -> Iterator[Alert]:
        tallies = {source: _Tally() for source in {*self._sources.values(), *said}}
        for name, source in self._sources.items():
            tallies[source].add(self._cameras.get(name), self._config)
        for source, tally in sorted(tallies.items()):
            if source not in said:
                yield from self._source_lost(said, source, tally, now)
            elif tally.watched or self._complete:
                yield from self._source_back(said, source, tally, now)

    def _source_lost(self, said: dict[str, SaidSource], source: str, tally: _Tally, now: datetime) -> Iterator[Alert]:
        enough = max(LEAST_OF_A_SOURCE, math.ceil(self._config.source_lost_share * tally.watched - 1e-9))
        outages = sorted(tally.outages)
        if len(outages) >= enough and now - outages[enough - 1] >= self._source_lost_after:
            said[source] = SaidSource(since=outages[enough - 1], at=now)
            yield _of_source(AlertKind.SOURCE_LOST, source, said[source], tally, at=now)

    def _source_back(self, said: dict[str, SaidSource], source: str, tally: _Tally, now: datetime) -> Iterator[Alert]:
        known, few, lost = said[source], self._config.source_lost_share * tally.watched / 2, len(tally.outages)
        if lost + tally.waiting > few:  # those that were not visited yet may be lost as well as not
            again = lost > few and self._is_due_again(known.at, now)
            said[source] = SaidSource(since=known.since, at=now if again else known.at)
            if again:
                yield _of_source(AlertKind.SOURCE_LOST, source, known, tally, at=now, again=True)
            return
        fine_since = known.fine_since or now
        if tally.watched and now - fine_since < self._back_after:
            said[source] = known.model_copy(update={"fine_since": fine_since})
            return
        del said[source]
        reason = None if tally.watched else "none of its cameras is watched any more"
        yield _of_source(AlertKind.SOURCE_BACK, source, known, tally, at=now, until=fine_since, reason=reason)

    def _of_cameras(
        self, said: dict[str, SaidLoss], lost_sources: Mapping[str, SaidSource], now: datetime
    ) -> Iterator[Alert]:
        for name in sorted(self._cameras.keys() | said.keys()):
            alert = self._of_camera(name, said.get(name), lost_sources, now)
            if alert is None:
                continue
            if alert.kind is AlertKind.CAMERA_BACK:
                del said[name]
            else:
                said[name] = SaidLoss(since=alert.since, at=now, source=alert.source)
            yield alert

    def _of_camera(
        self, name: str, said: SaidLoss | None, lost_sources: Mapping[str, SaidSource], now: datetime
    ) -> Alert | None:
        camera, source = self._cameras.get(name), self._sources.get(name)
        if said is not None and source is None:
            if self._complete:
                return Alert(
                    kind=AlertKind.CAMERA_BACK, at=now, source=said.source, camera=name, since=said.since, until=now,
                    reason="it is not watched any more",
                )  # fmt: skip
            source = said.source
        if source is None or camera is None:
            return None
        event = camera.event
        if said is not None and event.state is CameraState.LIVE:
            if now - event.since < self._back_after:
                return None
            return Alert(
                kind=AlertKind.CAMERA_BACK, at=now, source=source, camera=name, since=said.since, until=event.since
            )
        since = camera.outage if said is None else said.since
        due = self._is_due_again(said.at, now) if said else since is not None and now - since >= self._camera_lost_after
        if source in lost_sources or since is None or not due:
            return None
        return Alert(
            kind=AlertKind.CAMERA_LOST, at=now, source=source, camera=name, since=since, reason=event.reason,
            again=said is not None,
        )  # fmt: skip

    def _is_due_again(self, said_at: datetime, now: datetime) -> bool:
        return self._config.repeat_min is not None and now - said_at >= timedelta(minutes=self._config.repeat_min)


def _of_source(kind: AlertKind, source: str, known: SaidSource, tally: _Tally, **more: Any) -> Alert:
    return Alert(kind=kind, source=source, since=known.since, lost=len(tally.outages), watched=tally.watched, **more)
