"""Which losses are worth a message: a camera that has been gone for a while, and a source that has lost many.

    camera   live --not live for camera_lost_min--> lost --live for back_min--> back
    source   fine --share of cameras lost--> lost --half that share or less, for back_min--> back

Each is said once. An outage that ends sooner is never said; a camera that comes and goes while it is lost stays lost;
while a source is lost its cameras are not said one by one. Events change what is known, and only `tick` says anything,
so that the order of events of one moment does not matter.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

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


@dataclass(frozen=True)
class _Said:
    """A loss that was said: when it began, when it was said last, and of which source it was."""

    since: datetime
    at: datetime
    source: str


@dataclass
class _Camera:
    """What is known of a camera. `outage` is when the present one began; None while there is none."""

    event: HealthEvent
    outage: datetime | None = None
    said: _Said | None = None


@dataclass
class _LostSource:
    """A source that was said to be lost. `fine_since` is since when few enough of its cameras are."""

    said: _Said
    fine_since: datetime | None = None


class Losses:
    """What is lost, and what of it is to be said. `sources` names the source of every camera that is watched.

    Not for several threads at once. After a restart what is still lost is said anew.
    """

    def __init__(self, config: AlertsConfig, sources: Mapping[str, str]) -> None:
        self._config = config
        self._sources = dict(sources)
        self._cameras: dict[str, _Camera] = {}
        self._lost_sources: dict[str, _LostSource] = {}
        self._camera_lost_after = timedelta(minutes=config.camera_lost_min)
        self._source_lost_after = timedelta(minutes=config.source_lost_min)
        self._back_after = timedelta(minutes=config.back_min)

    def watch(self, sources: Mapping[str, str]) -> None:
        """Other cameras are watched from now on; a loss that was said of one that is not is said to be over.

        What is known of one that is not watched is kept: it may only not be listed yet.
        """
        self._sources = dict(sources)

    def note(self, event: HealthEvent) -> None:
        """A camera's state has changed. Of two events the one that begins later holds; of one moment, the last told."""
        camera = self._cameras.setdefault(event.camera, _Camera(event))
        if event.since < camera.event.since:
            return
        camera.event = event
        camera.outage = (camera.outage or event.since) if event.state in self._config.states else None

    def tick(self, now: datetime) -> Sequence[Alert]:
        """What is to be said now: of sources, then of cameras, each by name."""
        return [*self._of_sources(now), *self._of_cameras(now)]

    def _of_sources(self, now: datetime) -> Iterator[Alert]:
        outages: dict[str, list[datetime]] = {source: [] for source in self._lost_sources}
        watched = Counter(source for name, source in self._sources.items() if self._counts(name))
        for name, source in self._sources.items():
            camera = self._cameras.get(name)
            if camera is not None and camera.outage is not None:
                outages.setdefault(source, []).append(camera.outage)
        for source in sorted(outages):
            yield from self._of_source(source, sorted(outages[source]), watched[source], now)

    def _of_source(self, source: str, outages: Sequence[datetime], watched: int, now: datetime) -> Iterator[Alert]:
        known = self._lost_sources.get(source)
        share = self._config.source_lost_share * watched
        told = {"at": now, "source": source, "lost": len(outages), "watched": watched}
        if known is None:
            enough = max(LEAST_OF_A_SOURCE, math.ceil(share - 1e-9))
            if len(outages) >= enough and now - outages[enough - 1] >= self._source_lost_after:
                since = outages[enough - 1]
                self._lost_sources[source] = _LostSource(_Said(since, now, source))
                yield Alert.model_validate(told | {"kind": AlertKind.SOURCE_LOST, "since": since})
            return
        since = known.said.since
        if len(outages) > share / 2:
            known.fine_since = None
            if self._is_due_again(known.said, now):
                known.said = replace(known.said, at=now)
                yield Alert.model_validate(told | {"kind": AlertKind.SOURCE_LOST, "since": since, "again": True})
            return
        known.fine_since = known.fine_since or now
        if now - known.fine_since >= self._back_after or not watched:
            del self._lost_sources[source]
            reason = None if watched else "none of its cameras is watched any more"
            back = {"kind": AlertKind.SOURCE_BACK, "since": since, "until": known.fine_since, "reason": reason}
            yield Alert.model_validate(told | back)

    def _of_cameras(self, now: datetime) -> Iterator[Alert]:
        for name in sorted(self._cameras):
            camera = self._cameras[name]
            alert = self._of_camera(camera, self._sources.get(name), now)
            if alert is None:
                continue
            over = alert.kind is AlertKind.CAMERA_BACK
            camera.said = None if over else _Said(alert.since, now, alert.source)
            yield alert

    def _of_camera(self, camera: _Camera, source: str | None, now: datetime) -> Alert | None:
        name, event, said = camera.event.camera, camera.event, camera.said
        folded = source in self._lost_sources
        if said is not None and source is None:
            return Alert(
                kind=AlertKind.CAMERA_BACK, at=now, source=said.source, camera=name, since=said.since, until=now,
                reason="it is not watched any more",
            )  # fmt: skip
        if source is None:
            return None
        if said is not None and event.state is CameraState.LIVE:
            if now - event.since < self._back_after:
                return None
            return Alert(
                kind=AlertKind.CAMERA_BACK, at=now, source=source, camera=name, since=said.since, until=event.since
            )
        since = camera.outage if said is None else said.since
        due = self._is_due_again(said, now) if said else since is not None and now - since >= self._camera_lost_after
        if folded or since is None or not due:
            return None
        return Alert(
            kind=AlertKind.CAMERA_LOST, at=now, source=source, camera=name, since=since, reason=event.reason,
            again=said is not None,
        )  # fmt: skip

    def _counts(self, name: str) -> bool:
        """Whether a camera is one of those of which a share can be lost: not one that its publisher has withdrawn."""
        camera = self._cameras.get(name)
        return (
            camera is None
            or camera.event.state is not CameraState.WITHDRAWN
            or CameraState.WITHDRAWN in self._config.states
        )

    def _is_due_again(self, said: _Said, now: datetime) -> bool:
        return self._config.repeat_min is not None and now - said.at >= timedelta(minutes=self._config.repeat_min)
