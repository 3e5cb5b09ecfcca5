"""Cameras that stream by RTSP: your own ones, recorders, stream servers. H.264 or H.265, over TCP.

Each clip is a visit of its own: connect, have the stream sent, take `clip_s` seconds of it from the next key frame on,
leave. At a cadence of minutes a camera sends for a few seconds of them, no state can go stale, and since every visit is
a new connection there is nothing to reconnect. What came is put into an MPEG transport stream, undecoded.

A stream is live: what is sent now is filmed now. The clip's time is the time that the sender reports for its first
picture (RTCP) where that agrees with ours, and when the picture came where not: the clock of a camera is often wrong.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, PositiveFloat, SecretStr, field_validator, model_validator

from core.clock import Clock
from core.config import Closed
from core.errors import ConfigError
from core.records import LOCATION_LENGTH, Status
from ingest.feed import FetchFailed, ListedCamera, Media, Version
from ingest.feeds.settings import FeedName, choice
from ingest.feeds.stream import LEAST_SHARE, StreamCamera, StreamConfig
from ingest.fetch.guest import Guest
from ingest.stream.rtp import SenderReport, read_packet, read_sender_report
from ingest.stream.rtsp_auth import Credentials
from ingest.stream.rtsp_client import RtspVisit
from ingest.stream.rtsp_clip import ClipOfPackets
from ingest.stream.rtsp_wire import Wire

RTSP_PORT = 554

_ADDRESS = re.compile(r"rtsp://[A-Za-z0-9._\[\]:-]+(/[!-~]*)?")
_WITH_USER = re.compile(r"\w+://[^/?#]*@|\w+://[^@/?#]*:[^@]*@", re.ASCII)

AGREES = timedelta(seconds=30)
"""How far a sender's clock may be from ours to be believed."""

_LATE = 1.5
"""A live stream sends a second in a second; one that takes so much longer for its clip is stuck."""


class Login(Closed):
    """A user, and a password that better stands in the environment than in a file. Neither is ever shown or logged."""

    user: str = Field(min_length=1, max_length=200, description="who watches")
    password: SecretStr | None = Field(default=None, description="better in the environment than in a file")
    password_env: str | None = Field(
        default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$", description="the variable that holds the password"
    )
    in_clear: bool = Field(
        default=False, description="whether a server that knows no Digest is sent the password (Basic)"
    )

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if (self.password is None) == (self.password_env is None):
            raise ValueError("a login has either password_env, the variable that holds the password, or password")
        return self

    def credentials(self, environment: Mapping[str, str]) -> Credentials:
        """Raises `ConfigError` where the variable is not set."""
        if self.password is not None:
            return Credentials(self.user, self.password.get_secret_value(), self.in_clear)
        password = environment.get(self.password_env or "")
        if not password:
            raise ConfigError(
                f"the environment variable {self.password_env} is not set",
                remedy="Put the password of the cameras in it",
            )
        return Credentials(self.user, password, self.in_clear)


class RtspCamera(StreamCamera):
    """A camera with an rtsp:// address. Cameras of one make have one `login`: see `RtspConfig`."""

    url: str = Field(max_length=LOCATION_LENGTH, description="where the stream is, without user and password")
    login: Login | None = Field(default=None, description="of this camera")

    @field_validator("url")
    @classmethod
    def _with_a_host(cls, url: str) -> str:
        """What is wrong with the address is said without showing it: it may hold a password in the wrong place."""
        if _WITH_USER.match(url):
            raise ValueError("has a user in it, and an address is shown to people: write user and password under login")
        try:
            parts = urlsplit(url)
            named = _ADDRESS.fullmatch(url) is not None and bool(parts.hostname) and parts.port != 0
        except ValueError:
            named = False
        if not named:
            raise ValueError("is not an address such as rtsp://10.0.0.7:554/stream1, with spaces and the like as %XX")
        return url


class RtspConfig(StreamConfig[RtspCamera]):
    """RTSP cameras. `login` is for every camera here without its own; what is sent of it is a Digest.

    Your own cameras are seldom on public addresses: name their network in `web.private_networks`.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # a password in the wrong place stays out of messages

    kind: Literal["rtsp"]
    name: FeedName = Field(default="rtsp", description="in messages and metrics; unique in an installation")
    login: Login | None = Field(default=None, description="of every camera that has none of its own")
    key_frame_wait_s: PositiveFloat = Field(default=15.0, le=60, description="how long a stream may show no key frame")


class RtspFeed:
    """`Feed` of RTSP cameras. Raises `ConfigError` where a password is missing."""

    def __init__(
        self, config: RtspConfig, guest: Guest, clock: Clock, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._config = config
        self._guest = guest
        self._clock = clock
        self._cameras = {camera.id: camera for camera in config.cameras}
        logins = {camera.id: camera.login or config.login for camera in config.cameras}
        self._credentials = {id: login.credentials(environment) for id, login in logins.items() if login is not None}

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def choice(self) -> str:
        return choice(self._config)

    def cameras(self) -> Sequence[ListedCamera]:
        return [camera.listed for camera in self._cameras.values()]

    def newest(self) -> Mapping[str, Version] | None:
        return None

    def fetch(self, listed: ListedCamera, known: Version | None) -> Media | None:  # noqa: ARG002 - a live stream is new
        """Takes `clip_s` seconds, and the wait for a key frame before them."""
        camera = self._cameras[listed.camera.id]
        address = urlsplit(camera.url)
        host, port = address.hostname or "", address.port or RTSP_PORT
        wire = Wire(
            self._guest.connect(host, port),
            f"{host}:{port}",
            read_timeout_s=self._config.web.read_timeout_s,
            max_bytes=self._config.web.max_bytes,
        )
        wire.allow(self._config.web.deadline_s)
        credentials = self._credentials.get(camera.id)
        with RtspVisit(wire, camera.url, f"{host}:{port}", self._config.web.introduction, credentials) as visit:
            track = visit.describe()
            channel = visit.set_up(track)
            visit.play(track)
            sample = _Sample(ClipOfPackets(track, camera.clip_s), self._clock)
            self._fill(sample, visit, wire, channel, camera)
        event_time = sample.event_time()
        return Media(sample.clip.content(), event_time, Version(modified=event_time))

    def _fill(self, sample: _Sample, visit: RtspVisit, wire: Wire, channel: int, camera: RtspCamera) -> None:
        """Take packets until the clip is complete. Raises `FetchFailed` where less than `LEAST_SHARE` of it came."""
        clip, waiting = sample.clip, True
        wire.allow(self._config.key_frame_wait_s)
        why = f"{camera.id} lost packets on the way"
        try:
            for packet in visit.packets():
                sample.take(packet.content, packet.channel - channel)
                if waiting and clip.begun:  # once: a sender that begins anew for ever gets no more
                    waiting = False
                    wire.allow(camera.clip_s * _LATE)
                if clip.complete:
                    break
        except FetchFailed as error:
            if error.status is Status.OVERSIZE:
                raise
            clip.finish()
            why = error.message
        if not clip.begun:
            raise FetchFailed(
                f"{why}: it sent no key frame",
                remedy="Have the camera send one every few seconds, or raise key_frame_wait_s",
            )
        if clip.kept_s < camera.clip_s * LEAST_SHARE:
            raise FetchFailed(
                f"{why}: {clip.kept_s:.1f} of {camera.clip_s:g} s came, with {clip.losses} losses",
                remedy="Look at the network to the camera, or name a smaller stream of it",
            )


@dataclass
class _Sample:
    """The clip of a visit as it grows, and what is needed to tell its time."""

    clip: ClipOfPackets
    clock: Clock
    began: datetime | None = None
    report: SenderReport | None = None

    def take(self, content: bytes, stream: int) -> None:
        """A packet of the connection: of the track (0), of its reports (1), or of something that was not asked for."""
        if stream == 0:
            packet = read_packet(content)
            if packet is not None:
                self.clip.add(packet)
            if not self.clip.begun:
                self.began = None
            elif self.began is None:
                self.began = self.clock.now()
        elif stream == 1:
            self.report = read_sender_report(content) or self.report

    def event_time(self) -> datetime | None:
        """When the first picture was filmed."""
        reported = self.clip.begins_at(self.report) if self.report else None
        if reported is None or self.began is None or abs(reported - self.began) > AGREES:
            return self.began
        return reported
