"""How far the stationary share is from what was seen by eye: `make bench-stationary`.

The clips and what stood or moved in them are in models/train/labels/stationary.jsonl. Who could not be told is
uncertain, so the true share of those present lies between [still, still + uncertain] of all; the error of a clip is the
distance of the counted share to that, 0..1, beside the two trivial answers on the same clips: nothing stands, and
everything stands. `lean` is the mean of the counted share less that of the still among those told: above 0, more is
said to stand than does. A clip where no one was seen, or counted, has no share.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

from pydantic import Field, NonNegativeFloat

from busyness.config import DetectConfig
from core.config import Closed
from detect.counter import count_media
from detect.registry import open_model

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
LABELS = ROOT / "models" / "train" / "labels" / "stationary.jsonl"
NEEDS = "the real clips in ../shared/data/jamcam"
LEAST_PRESENT = 0.5
"""Of fewer, in the mean frame, no share is spoken of."""

Group = Literal["people", "vehicles"]
GROUPS: tuple[Group, ...] = ("people", "vehicles")


class SeenClip(Closed):
    """What stood and what moved in a clip, by eye; see models/train/README.md."""

    source: str = Field(description="the clip, from the folder of the data")
    camera: str
    visibility: Literal["day", "night", "glare", "rain"]
    still_vehicles: NonNegativeFloat
    moving_vehicles: NonNegativeFloat
    uncertain_vehicles: NonNegativeFloat
    still_people: NonNegativeFloat
    moving_people: NonNegativeFloat
    uncertain_people: NonNegativeFloat
    note: str

    def seen(self, group: Group) -> tuple[float, float, float]:
        """Still, moving, uncertain."""
        if group == "people":
            return self.still_people, self.moving_people, self.uncertain_people
        return self.still_vehicles, self.moving_vehicles, self.uncertain_vehicles


@dataclass(frozen=True)
class Share:
    """The counted share that stood in one clip, and between which shares the truth lies."""

    camera: str
    visibility: str
    counted: float
    told: float
    low: float
    high: float

    def error(self, answer: float) -> float:
        return max(0.0, self.low - answer, answer - self.high)


def main() -> None:
    if not (DATA / "jamcam").is_dir():
        print(f"bench-stationary needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "stationary", "figures": {}, "needs": NEEDS}))
        return
    clips = [SeenClip.model_validate_json(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]
    model = open_model(DetectConfig().model)
    shares: dict[Group, list[Share]] = {group: [] for group in GROUPS}
    for clip in clips:
        counted = count_media(DATA / clip.source, model)
        if counted.people is None or counted.vehicles is None or counted.stationary is None:
            raise SystemExit(f"{clip.source} was not counted: {counted.status}, {counted.reason}")
        for group, present in zip(GROUPS, (counted.people, counted.vehicles), strict=True):
            still, moving, uncertain = clip.seen(group)
            if present < LEAST_PRESENT or still + moving < LEAST_PRESENT:
                continue
            everyone = still + moving + uncertain
            shares[group].append(
                Share(
                    clip.camera,
                    clip.visibility,
                    counted=counted.stationary[group] / present,
                    told=still / (still + moving),
                    low=still / everyone,
                    high=(still + uncertain) / everyone,
                )
            )
    figures: dict[str, object] = {
        "model": model.name,
        "clips": len(clips),
        **{group: figures_of(shares[group]) for group in GROUPS},
        "by_light": {group: split(shares[group], lambda share: share.visibility) for group in GROUPS},
        "by_camera": {group: split(shares[group], lambda share: share.camera) for group in GROUPS},
    }
    print(json.dumps({"name": "stationary", "figures": figures}))


def figures_of(shares: Sequence[Share]) -> dict[str, float]:
    """Errors and lean in shares of those present; `in_range` is how many of the clips are without error."""
    return {
        "clips": len(shares),
        "error": round(fmean(share.error(share.counted) for share in shares), 3),
        "error_nothing_stands": round(fmean(share.error(0.0) for share in shares), 3),
        "error_everything_stands": round(fmean(share.error(1.0) for share in shares), 3),
        "lean": round(fmean(share.counted - share.told for share in shares), 3),
        "in_range": sum(share.error(share.counted) == 0.0 for share in shares),
    }


def split(shares: Sequence[Share], part: Callable[[Share], str]) -> dict[str, dict[str, float]]:
    return {
        name: figures_of([share for share in shares if part(share) == name])
        for name in sorted({part(share) for share in shares})
    }


if __name__ == "__main__":
    main()
