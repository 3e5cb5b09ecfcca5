"""Which faults a publisher can play: one that it cannot play would change nothing, and a test of it would prove it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from feed_double.cameras import DoubledCamera
from feed_double.config import Fleet
from feed_double.faults import ANSWER, LISTING, Fault, FaultKind, PathClass

NOT_SAID = {
    "tfl": frozenset[FaultKind](),
    "digitraffic": frozenset({FaultKind.FOREIGN_MEDIA}),
    "template": frozenset({FaultKind.FOREIGN_MEDIA, FaultKind.SWITCHED_OFF}),
}
"""What a publisher's list says of no camera."""

NEEDED = {FaultKind.REDIRECT: "targets", FaultKind.FOREIGN_MEDIA: "location"}
"""The parameters that have no default."""

OF_A_STATION = frozenset({FaultKind.MOVES, FaultKind.NO_POSITION})
"""What Digitraffic's list says of a station, and not of each preset."""


def refuse_unplayable(fault: Fault, fleets: Sequence[Fleet], cameras: Mapping[str, Sequence[DoubledCamera]]) -> None:
    """Raise ValueError for a fault that cannot be played by whom it hits: by the publisher of each camera that it
    names, or by any where it names none. Its share is drawn already."""
    if (needed := NEEDED.get(fault.kind)) and not fault.parameters.get(needed):
        raise ValueError(f"{fault.kind} needs {needed} among its parameters")
    if fault.kind in ANSWER and fault.cameras and fault.on is not PathClass.MEDIA:
        raise ValueError(f"{fault.kind} on {fault.on} is of a whole host: name no cameras")
    hit = set(fault.cameras)
    whys = {
        fleet.publisher: why
        for fleet in fleets
        if not hit or any(camera.id in hit for camera in cameras[fleet.publisher])
        for why in [next(_against(fault, fleet, cameras[fleet.publisher]), None)]
    }
    refused = [f"{publisher} cannot play {fault.kind}: {why}" for publisher, why in whys.items() if why is not None]
    if refused and (hit or len(refused) == len(whys)):
        raise ValueError("; ".join(refused))


def _against(fault: Fault, fleet: Fleet, cameras: Sequence[DoubledCamera]) -> Iterator[str]:
    """What stands in the way of a fault at one publisher."""
    if fault.kind in LISTING and fault.kind in NOT_SAID[fleet.publisher]:
        yield "its list says nothing of that"
    if fault.kind in ANSWER and fault.on is PathClass.NEWEST and fleet.publisher == "template":
        yield "it has no list of what is new"
    if fault.kind is FaultKind.STUCK and fault.on not in (PathClass.CAMERAS, PathClass.NEWEST):
        yield "only lists get stuck so, on cameras or newest; a camera that shows nothing new is frozen"
    if fault.kind is FaultKind.SKEWED_MODIFIED and fault.on is not PathClass.MEDIA:
        yield "its lists have no Last-Modified"
    shown = fleet.clips or fleet.stills
    if fault.kind is FaultKind.MOVED_VIEW and len(shown) == 1:
        yield "another view is another album, and it has one"
    if fault.kind in OF_A_STATION and fleet.publisher == "digitraffic" and fault.cameras:
        stations = {camera[:-2] for camera in fault.cameras}
        presets = {camera.id for camera in cameras if camera.id[:-2] in stations}
        if left := sorted(presets - set(fault.cameras)):
            yield f"its list has one position for all presets of a station: name {', '.join(left)} too"
