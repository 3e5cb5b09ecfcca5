"""From RTP packets to a clip: it begins at a key frame, and after a loss goes on at the next one.

Pictures are told apart by their timestamps. What was lost leaves a hole in the clip's time, never a picture that lacks
a part, or the picture that it was predicted from: such pictures are smeared, and would be counted.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ingest.stream.mpeg_ts import TICKS_PER_S, AccessUnit, transport_stream
from ingest.stream.nal import BrokenPayload, Depacketizer
from ingest.stream.rtp import RtpPacket, SenderReport, ticks_between
from ingest.stream.rtsp_sdp import VideoTrack

MAX_STEP_S = 10.0
"""A timestamp further than this from the picture before is of a sender that has begun anew, and so does the clip."""

MAX_UNITS = 1_000
"""Of one picture."""

MAX_PICTURES = 5_000
"""Of one clip: 30 seconds of 160 a second."""

_SEQUENCES = 1 << 16


class ClipOfPackets:
    """Takes the packets of a connection as they come, until `clip_s` seconds of pictures are there (`complete`)."""

    def __init__(self, track: VideoTrack, clip_s: float) -> None:
        self._track = track
        self._form = track.form
        self._clip_ticks = round(clip_s * TICKS_PER_S)
        self._depacketizer = Depacketizer(track.form)
        self._source: int | None = None
        self._sequence = 0
        self._units: list[bytes] = []
        self._timestamp = 0
        self._marked = False
        self._pictures: list[AccessUnit] = []
        self._begin: int | None = None
        self._before: int | None = None  # ticks of the picture before; None where the next has to be a key frame
        self._kept_ticks = 0
        self.losses = 0
        self.complete = False

    @property
    def source(self) -> int | None:
        """Whose packets these are (SSRC); None before the first one."""
        return self._source

    @property
    def begun(self) -> bool:
        """Whether a key frame has come."""
        return self._begin is not None

    @property
    def kept_s(self) -> float:
        """Seconds of pictures that are there, without the holes."""
        return self._kept_ticks / TICKS_PER_S

    def add(self, packet: RtpPacket) -> None:
        """The next packet, of whatever track."""
        if packet.payload_type != self._track.payload_type or not self._follows(packet):
            return
        if self._units and packet.timestamp != self._timestamp:
            self._end_picture()
        self._timestamp = packet.timestamp
        self._marked = packet.marker
        try:
            self._units += self._depacketizer.units(packet.payload)
        except BrokenPayload:
            self._lose()
        if len(self._units) > MAX_UNITS:
            self._lose()

    def finish(self) -> None:
        """No more packets follow the last one: its picture counts where the sender said that it is whole."""
        if self._marked:
            self._end_picture()

    def begins_at(self, report: SenderReport) -> datetime | None:
        """When the first picture was filmed, by the sender's clock; None where its report does not tell."""
        if report.wall_time is None or self._begin is None or report.source != self._source:
            return None
        return report.wall_time + timedelta(seconds=ticks_between(report.timestamp, self._begin) / TICKS_PER_S)

    def content(self) -> bytes:
        """The clip, as an MPEG transport stream."""
        return transport_stream(self._form.codec, self._pictures)

    def _follows(self, packet: RtpPacket) -> bool:
        """Whether the packet is to be taken: one that came before is not. What is missing before it counts as lost."""
        if packet.source == self._source:
            ahead = (packet.sequence - self._sequence) % _SEQUENCES
            if ahead == 0 or ahead > _SEQUENCES // 2:
                return False
            if ahead > 1:
                self.finish()
                self._lose()
        elif self._source is not None:
            self._begin_anew()
        self._source = packet.source
        self._sequence = packet.sequence
        return True

    def _end_picture(self) -> None:
        """Parameter sets alone are no picture: they are kept for the one that follows."""
        slices = [unit for unit in self._units if self._form.is_slice(unit)]
        if not slices:
            return
        units, self._units = self._units, []
        self._marked = False
        key = any(map(self._form.is_key, slices))
        if not self._form.is_first(slices[0]):  # its beginning was lost
            self._before = None
            return
        if self._before is None and not key:
            return
        if self._begin is None:
            self._begin = self._timestamp
        ticks = ticks_between(self._begin, self._timestamp)
        if self._before is not None and abs(ticks - self._before) > MAX_STEP_S * TICKS_PER_S:
            self._begin_anew()
            return
        if ticks >= self._clip_ticks or len(self._pictures) == MAX_PICTURES:
            self.complete = True
        elif ticks >= 0:  # a leading picture, shown before the key frame, refers to what came before us
            self._keep(units, ticks, key)

    def _keep(self, units: list[bytes], ticks: int, key: bool) -> None:
        self._kept_ticks += ticks - self._before if self._before is not None else 0
        self._before = ticks
        known = [unit for unit in self._track.parameter_sets if unit not in units] if key else []
        self._pictures.append(AccessUnit((*known, *units), ticks, key))

    def _lose(self) -> None:
        self.losses += 1
        self._units.clear()
        self._marked = False
        self._depacketizer.reset()
        self._before = None

    def _begin_anew(self) -> None:
        self._lose()
        self._pictures.clear()
        self._begin = None
        self._kept_ticks = 0
