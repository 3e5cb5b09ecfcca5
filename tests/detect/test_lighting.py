"""Day and night are told apart by the tint of lamps, on frames of every labelled camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.records import Lighting
from detect.labels import picture_of, read_labels
from detect.lighting import lighting_of
from ingest.frame import Frame


def scene(red: int, green: int, blue: int, size_px: tuple[int, int] = (352, 288)) -> Frame:
    """A street in one colour of light: its luminance varies, its tint does not."""
    width_px, height_px = size_px
    light = np.linspace(0.3, 1.0, width_px)[None, :, None] * np.array([red, green, blue])
    return Frame(np.broadcast_to(light, (height_px, width_px, 3)).astype(np.uint8), 0.0)


@pytest.mark.parametrize("size_px", [(352, 288), (1280, 720), (160, 120)])
def test_lamps_tint_the_scene_and_daylight_does_not(size_px: tuple[int, int]) -> None:
    """Whatever the brightness and the size: dull and bright grey, a blue sky, sodium and dim sodium."""
    for colour in ((60, 60, 60), (200, 200, 200), (150, 170, 200)):
        assert lighting_of([scene(*colour, size_px)]) is Lighting.DAY
    for colour in ((220, 170, 110), (90, 70, 45)):
        assert lighting_of([scene(*colour, size_px)]) is Lighting.NIGHT


def test_the_light_is_that_of_most_frames() -> None:
    """A passing bus or a headlight in one frame does not make a night."""
    day, night = scene(150, 150, 150), scene(220, 170, 110)
    assert lighting_of([day, night, day]) is Lighting.DAY
    assert lighting_of([night, night, day]) is Lighting.NIGHT


def test_it_agrees_with_the_labels_of_real_frames(shared_data: Path) -> None:
    """80 of 82 (glare and rain are day)."""
    folder = shared_data / "labels"
    labels = read_labels(folder)
    agree = [
        (lighting_of([picture_of(label, folder)]) is Lighting.NIGHT) == (label.visibility == "night")
        for label in labels
    ]
    assert sum(agree) >= len(agree) - 2
