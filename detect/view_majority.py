"""The view that most of some clips show, where nobody has followed the camera through them: all are there at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from detect.scene import KnownView, Look, Scene, Signature
from detect.view_field import decoded
from detect.view_match import place


def majority_scene(clips: Sequence[tuple[datetime, Signature]]) -> Scene:
    """A scene with the view of that clip which most of the clips are like, as its view 0; without clips, an empty one.

    `clips` have the time and the signature of each. A camera that was turned for an hour, or was out for one, is told
    from itself so; where it spent half of the time elsewhere, one of the two views is taken.
    """
    scenes = [
        Scene(
            views=(
                KnownView(epoch=0, counted=True, looks=(Look(signature=signature, seen_at=at),), since=at),
            )
        )
        for at, signature in clips
    ]  # fmt: skip
    fields = [decoded(signature) for _, signature in clips]
    return max(scenes, key=lambda scene: sum(place(scene, field).epoch == 0 for field in fields), default=Scene())
