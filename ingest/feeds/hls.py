"""Cameras that stream by HLS (RFC 8216): the newest segments that cover a clip, fetched as they are.

Playlists and segments are fetched by the guest, so each address that a playlist names is held to the allow-list like
one that was configured, and FFmpeg never sees a playlist. MPEG-TS segments are put one behind the other, fMP4 segments
behind their initialisation (`ingest.stream.fmp4`): both are a clip again, undecoded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from core.records import Status
from ingest.feed import FetchFailed, ListedCamera, Media, Version
from ingest.feeds.settings import FeedName, WebAddress, choice
from ingest.feeds.stream import StreamCamera, StreamConfig
from ingest.fetch.guard import shown
from ingest.fetch.guest import Answer, Guest
from ingest.stream.fmp4 import from_zero
from ingest.stream.hls_playlist import (
    MAX_PLAYLIST_BYTES,
    Master,
    MediaPlaylist,
    Piece,
    Segment,
    UnreadablePlaylist,
    read_playlist,
)

_AHEAD = timedelta(seconds=60)
"""How far the end of a clip may lie ahead of our clock; a time beyond that is wrong, and is not taken."""


class HlsCamera(StreamCamera):
    """A camera with the address of a playlist: of its segments, or of several renditions of them."""

    url: WebAddress = Field(description="where the playlist is")


class HlsConfig(StreamConfig[HlsCamera]):
    """HLS cameras. Segments that lie on another host than their playlist need it in `web.hosts`."""

    kind: Literal["hls"]
    name: FeedName = Field(default="hls", description="in messages and metrics; unique in an installation")


class HlsFeed:
    """`Feed` of HLS cameras. A clip's version is the media sequence number of its last segment."""

    def __init__(self, config: HlsConfig, guest: Guest) -> None:
        self._config = config
        self._guest = guest
        self._cameras = {camera.id: camera for camera in config.cameras}

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

    def fetch(self, listed: ListedCamera, known: Version | None) -> Media | None:
        """Takes a request for each playlist and each segment: four or five for a clip of ten seconds."""
        camera = self._cameras[listed.camera.id]
        answer, playlist = self._media_playlist(camera)
        try:
            segments = playlist.newest(camera.clip_s)
        except UnreadablePlaylist as error:
            raise _unreadable(answer.url, error) from error
        version = Version(etag=str(playlist.last), modified=segments[0].began)
        if version.same(known):
            return None
        answers = self._fetch_all(segments)
        event_time = _filmed(answer, segments) or _written(answers[-1], segments)
        content = b"".join(one.content for one in answers)
        return Media(from_zero(content) if segments[0].init else content, event_time, version)

    def _media_playlist(self, camera: HlsCamera) -> tuple[Answer, MediaPlaylist]:
        """The playlist of the segments, and the answer it came in; by way of the one of the renditions."""
        answer = self._get(camera.url, MAX_PLAYLIST_BYTES)
        try:
            playlist = read_playlist(answer.content, answer.url)
            if isinstance(playlist, Master):
                answer = self._get(playlist.best(camera.width, camera.height).url, MAX_PLAYLIST_BYTES)
                playlist = read_playlist(answer.content, answer.url)
            if isinstance(playlist, Master):
                raise UnreadablePlaylist("lists renditions where its segments should be")
        except UnreadablePlaylist as error:
            raise _unreadable(answer.url, error) from error
        return answer, playlist

    def _fetch_all(self, segments: Sequence[Segment]) -> Sequence[Answer]:
        """The initialisation, if any, and the segments, together at most `max_bytes`."""
        init = segments[0].init
        pieces = [*([init] if init else []), *(segment.piece for segment in segments)]
        answers: list[Answer] = []
        left = self._config.web.max_bytes
        for piece in pieces:
            answer = self._piece(piece, left)
            left -= len(answer.content)
            answers.append(answer)
        return answers

    def _piece(self, piece: Piece, most_bytes: int) -> Answer:
        if piece.length is None:
            return self._get(piece.url, most_bytes)
        if piece.length > most_bytes:
            raise FetchFailed(
                f"{shown(piece.url)} has a byte range of {piece.length:,} bytes, over max_bytes",
                status=Status.OVERSIZE,
                remedy="Name a smaller rendition, or raise max_bytes",
            )
        end = piece.start + piece.length
        answer = self._get(piece.url, most_bytes, {"Range": f"bytes={piece.start}-{end - 1}"})
        if len(answer.content) > piece.length:  # the server gives the whole, which it may
            answer = replace(answer, content=answer.content[piece.start : end])
        if len(answer.content) != piece.length:
            raise FetchFailed(f"{shown(piece.url)} does not have the bytes that its playlist names")
        return answer

    def _get(self, url: str, most_bytes: int, headers: Mapping[str, str] | None = None) -> Answer:
        try:
            answer = self._guest.get(url, headers=headers or {}, max_bytes=max(1, most_bytes))
        except FetchFailed as error:
            if error.status is not Status.WITHDRAWN:
                raise
            raise FetchFailed(  # a segment that is gone by now is no camera that is gone
                error.message, retry_after_s=error.retry_after_s, remedy=error.remedy
            ) from error
        if answer is None:
            raise FetchFailed(f"{shown(url)} answers that nothing has changed, which it was not asked")
        return answer


def _filmed(playlist: Answer, segments: Sequence[Segment]) -> datetime | None:
    """When the clip begins as the playlist says (EXT-X-PROGRAM-DATE-TIME), by this machine's clock."""
    began = replace(playlist, version=Version(modified=segments[0].began)).event_time()
    return _plausible(began, playlist, segments)


def _written(last: Answer, segments: Sequence[Segment]) -> datetime | None:
    """The same from when the last segment was written (Last-Modified), which is when it ended."""
    ended = last.event_time()
    began = ended - _length(segments) if ended is not None else None
    return _plausible(began, last, segments)


def _plausible(began: datetime | None, answer: Answer, segments: Sequence[Segment]) -> datetime | None:
    return None if began is not None and began - answer.received_at > _AHEAD - _length(segments) else began


def _length(segments: Sequence[Segment]) -> timedelta:
    return timedelta(seconds=sum(segment.duration_s for segment in segments))


def _unreadable(url: str, error: UnreadablePlaylist) -> FetchFailed:
    return FetchFailed(f"the playlist {shown(url)} {error}", remedy="Name the playlist of a stream that plays")
