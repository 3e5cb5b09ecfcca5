"""Does the clip show the street? Judged before counting, from the sampled frames alone.

One drawn card or one smeared frame among the samples condemns the clip: a mean over frames would hide it. Darkness
and blur need most of the frames, because headlights and exposure come and go. What lies between the samples is not
counted, so it cannot distort a count; and where a stream has one key frame, as JamCam clips do, a loss stays in the
picture until the end of the clip, so a later sample shows it.

The thresholds were set on the 576 clips of three real JamCam days (8 frames each), 9 other clips, 20 stills with known
faults, 100 motorway stills, 82 labelled frames, 959 annotated street images of other feeds, and 24 of those clips with
the rest of their key frame deleted. Beside each threshold stand the nearest good pictures | the nearest faulty ones.
The one alarm on good JamCam and motorway pictures is a view full of fog. Of the other feeds, three images are taken
for smeared: a suspension bridge's cables against the sky, and the ribs of a lorry filling the view, are stripes too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from core.records import ClipReady, Status
from detect.quality_measures import Grey, Look, analysed, changed_share, look, luminance
from ingest.clip import SampledClip

CARD_FLAT = 0.70  # of the picture exactly flat: street 0.20, fog 0.49, letterboxed 0.67 | JPEG card 0.77, clip 0.83
CARD_TONE = 0.75  # of it in one tone: offline card (a symbol on grey) 0.68 | placeholder (a line of text on grey) 0.83
SMEAR_DRAGGED = 0.075  # of the picture in dragged columns: JamCam 0.03, fog 0.04 | key frame cut short 0.08-0.5
SMEAR_MID_GREY = 0.40  # of the picture neutral mid-grey: dull day on asphalt 0.28 | key frame lost 0.56
DARK_LEVEL = 45.0  # 95th percentile of luminance: unlit street at night 57, JamCam night 149 | synthetic darkness 22
BLUR_DETAIL = 5.0  # 90th percentile of |Laplacian|: smeared lens 6, JamCam 23 | defocus of sigma 4 px 4-5, thick fog 3
FROZEN_CHANGE = 0.005  # of the picture from sample to sample: empty street at night 0.024 | frozen clip, card 0.000
SMALLEST_PX = 16  # of width and height
FROZEN_SPAN_S = 1.0  # in less time too little happens to tell


@dataclass(frozen=True)
class Verdict:
    """What the picture quality is, and why it is not `ok` in words for the operator."""

    status: Status
    reason: str | None = None


def judge(clip: SampledClip) -> Verdict:
    """The first fault that holds: card, smear, darkness, frozen picture, blur; otherwise `ok`."""
    if not clip.frames:
        return Verdict(Status.UNDECODABLE, "the clip has no frame")
    small = min(clip.frames, key=lambda frame: min(frame.width_px, frame.height_px))
    if min(small.width_px, small.height_px) < SMALLEST_PX:
        return Verdict(
            Status.WRONG_SIZE, f"a picture of {small.width_px}x{small.height_px} pixels is too small to show a street"
        )
    pictures = [analysed(frame) for frame in clip.frames]
    looks = [look(picture) for picture in pictures]
    greys = [luminance(picture) for picture in pictures]
    return (
        _card(looks, greys)
        or _smeared(looks)
        or _dark(looks)
        or _frozen(greys, clip)
        or _blurred(looks)
        or Verdict(Status.OK)
    )


def judge_reference(clip: ClipReady) -> Verdict:
    """Is the clip a new one? A stuck feed serves its last clip again and again, with an old picture in it.

    Such a clip is flawless to look at, so `judge` cannot tell; counted, it would put the past into the present.
    """
    if clip.repeats is None:
        return Verdict(Status.OK)
    return Verdict(
        Status.FROZEN,
        f"frozen feed: the clip is the one of {clip.repeats:%Y-%m-%d %H:%M:%S} UTC again, byte for byte",
    )


def _card(looks: Sequence[Look], greys: Sequence[Grey]) -> Verdict | None:
    """A card is flat and stands still. The grey of a lost key frame is flat too, but what moves builds up in it."""
    drawn = [at for at, seen in enumerate(looks) if seen.flat >= CARD_FLAT and seen.brightest > DARK_LEVEL]
    building_up = any(seen.flat < CARD_FLAT and seen.mid_grey >= SMEAR_MID_GREY for seen in looks)
    if not drawn or building_up or _change([greys[at] for at in drawn]) > FROZEN_CHANGE:
        return None
    cards = [looks[at] for at in drawn]
    card = cards[0]
    share = _frames(len(cards), len(looks))
    if card.tone >= CARD_TONE:
        return Verdict(
            Status.PLACEHOLDER,
            f"placeholder card: {card.tone:.0%} of the picture is one flat tone{share}; the operator of the camera "
            "has withdrawn it for now",
        )
    return Verdict(
        Status.OFFLINE, f"offline card: {card.flat:.0%} of the picture is drawn in flat colours{share}, not filmed"
    )


def _smeared(looks: Sequence[Look]) -> Verdict | None:
    grey = [seen.mid_grey for seen in looks if seen.mid_grey >= SMEAR_MID_GREY]
    if grey:
        return Verdict(
            Status.SMEARED,
            f"smeared: {max(grey):.0%} of the picture is the grey of a decoder that lost its key frame"
            f"{_frames(len(grey), len(looks))}",
        )
    dragged = [seen.dragged for seen in looks if seen.dragged >= SMEAR_DRAGGED]
    if dragged:
        return Verdict(
            Status.SMEARED,
            f"smeared: rows are dragged downwards over {max(dragged):.0%} of the picture"
            f"{_frames(len(dragged), len(looks))}; the stream lost data",
        )
    return None


def _dark(looks: Sequence[Look]) -> Verdict | None:
    level = median(seen.brightest for seen in looks)
    if level > DARK_LEVEL:
        return None
    return Verdict(Status.DARK, f"too dark: 95 % of the picture is below level {level:.0f} of 255")


def _frozen(greys: Sequence[Grey], clip: SampledClip) -> Verdict | None:
    span_s = clip.frames[-1].offset_s - clip.frames[0].offset_s
    if span_s < FROZEN_SPAN_S:
        return None
    change = _change(greys)
    if change > FROZEN_CHANGE:
        return None
    return Verdict(
        Status.FROZEN,
        f"frozen: at most {change:.1%} of the picture changes in {span_s:.0f} s, less than a live camera's noise",
    )


def _blurred(looks: Sequence[Look]) -> Verdict | None:
    sharpness = median(seen.detail for seen in looks)
    if sharpness > BLUR_DETAIL:
        return None
    return Verdict(
        Status.BLURRED, f"blurred: even the sharpest tenth of the picture has no edges (detail {sharpness:.0f} levels)"
    )


def _change(greys: Sequence[Grey]) -> float:
    """The largest share of the picture that changes from one of these frames to the next: 1 where its size does."""
    shares = [changed_share(before, after) if before.shape == after.shape else 1.0 for before, after in pairwise(greys)]
    return max(shares, default=0.0)


def _frames(faulty: int, sampled: int) -> str:
    return "" if faulty == sampled else f" in {faulty} of {sampled} sampled frames"
