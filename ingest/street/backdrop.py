"""The unmoving part of a synthetic street, painted once for each camera and then lit as the hour wants."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.frame import Pixels
from ingest.street.buildings import Layers, Occluder, buildings, draw_building, far_end
from ingest.street.furniture import Item, furnish, lamp_posts
from ingest.street.ground import Plane, ground, ground_coordinates
from ingest.street.layout import HEIGHT_PX, WIDTH_PX, Street
from ingest.street.light import Light, developed, sun_direction


@dataclass(frozen=True, eq=False)
class Backdrop:
    """Reflecting colours, own light, how lamps reach each pixel, and what hides what is behind it.

    Planes are [y, x], 0..1.
    """

    albedo: Plane
    """[y, x, 3]"""
    emitted: Plane
    """[y, x, 3]: windows, lamps and shop fronts after dark"""
    lamplit: Plane
    sky: Plane
    d_m: Plane
    """street coordinate d of the ground at each pixel; NaN where something stands on it or there is none"""
    roof_left_m: float
    roof_right_m: float
    occluders: tuple[Occluder, ...]
    occluder_boxes: NDArray[np.float64]
    """[occluders, 5]: left, top, right, bottom in pixels, distance in metres"""


def paint(place: Street) -> Backdrop:
    """Everything that does not move."""
    random = np.random.default_rng((place.look_seed, 1))
    s_m, d_m = ground_coordinates(place)
    layers = Layers(
        albedo=ground(place, random),
        emitted=np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.float32),
        sky=np.isnan(s_m).astype(np.float32),
        upright=np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8),
    )
    clouds = cv2.resize(
        random.uniform(0, 1, (6, 8)).astype(np.float32), (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC
    )
    layers.albedo[layers.sky > 0.5] = (0.85 + 0.15 * clouds)[layers.sky > 0.5, None]
    far_end(place, layers, random)
    rows = buildings(place, random)
    for building in sorted(rows, key=lambda house: -house.s1_m):
        draw_building(place, building, layers, random)
    furnish(place, layers, random)
    lamplit = _lamplit(s_m, d_m, lamp_posts(place), layers.upright)
    d_m[layers.upright > 0] = np.nan
    roofs = [float(np.mean([house.height_m for house in rows if house.side == side])) for side in (-1, 1)]
    boxes = [
        (o.left_px, o.top_px, o.left_px + o.mask.shape[1], o.top_px + o.mask.shape[0], o.distance_m)
        for o in layers.occluders
    ]
    return Backdrop(
        albedo=layers.albedo,
        emitted=layers.emitted,
        lamplit=lamplit,
        sky=np.asarray(cv2.GaussianBlur(layers.sky, (0, 0), 0.7), np.float32),
        d_m=d_m,
        roof_left_m=roofs[0],
        roof_right_m=roofs[1],
        occluders=tuple(layers.occluders),
        occluder_boxes=np.array(boxes, float).reshape(-1, 5),
    )


def _lamplit(s: Plane, d: Plane, lamps: tuple[Item, ...], upright: NDArray[np.uint8]) -> Plane:
    """How much lamplight reaches each pixel: pools on the ground, less high up on what stands there."""
    reach = np.full(s.shape, 0.2, np.float32)
    lit = ~np.isnan(s)
    for at_s, at_d in [(lamp.s_m, lamp.d_m) for lamp in lamps] + [(-8.0, 4.0), (-8.0, -4.0)]:
        reach[lit] += 0.8 * np.exp(-(((s[lit] - at_s) / 9.0) ** 2 + ((d[lit] - at_d * 0.75) / 6.5) ** 2))
    high = (upright > 0) | ~lit
    rise = np.broadcast_to(np.arange(s.shape[0], dtype=np.float32)[:, None] / s.shape[0], s.shape)
    reach[high] = (0.14 + 0.4 * rise)[high]
    return np.clip(reach, 0, 1.1)


def lit(backdrop: Backdrop, place: Street, light: Light, facing_deg: float) -> Pixels:
    """The backdrop under a light; `facing_deg` is the compass bearing the camera looks along. RGB uint8."""
    fall = light.ambient.astype(np.float32) * _sunlit(backdrop, place, light, facing_deg)[..., None]
    fall = fall + light.lamplight * backdrop.lamplit[..., None] * np.array(place.lamp_tint, np.float32)
    sky = backdrop.sky[..., None]
    picture = backdrop.albedo * (fall * (1 - sky) + light.sky.astype(np.float32) * sky)
    glow = backdrop.emitted * np.float32(light.lamps)
    picture += glow + 0.7 * cv2.GaussianBlur(glow, (0, 0), 6)
    return (developed(picture) * 255).astype(np.uint8)


def _sunlit(backdrop: Backdrop, place: Street, light: Light, facing_deg: float) -> Plane:
    """1 or more in the sun, less in the shadow that the houses throw on the ground."""
    if light.shadow <= 0.02:
        return np.ones(backdrop.sky.shape, np.float32)
    x, y, z = sun_direction(light, facing_deg)
    across = x * np.cos(place.heading_rad) - y * np.sin(place.heading_rad)  # towards the right of the street
    if across > 0:
        shade = backdrop.d_m > place.facade_right_m - backdrop.roof_right_m * across / z
    else:
        shade = backdrop.d_m < place.facade_left_m - backdrop.roof_left_m * across / z
    soft = cv2.GaussianBlur(shade.astype(np.float32), (0, 0), 1.0)
    sun: Plane = (1.0 + 0.3 * light.shadow) - light.shadow * soft
    return sun


@dataclass(frozen=True, eq=False)
class Setting:
    """A place in one light, with nobody in it. `plate` is what the camera then sees, RGB uint8."""

    place: Street
    light: Light
    sun: tuple[float, float, float]
    scenery: Backdrop
    plate: Pixels


def setting(place: Street, light: Light, facing_deg: float) -> Setting:
    """A place in one light; the camera looks along the compass bearing `facing_deg`."""
    scenery = backdrop(place)
    plate = lit(scenery, place, light, facing_deg)
    plate.setflags(write=False)
    return Setting(place, light, sun_direction(light, facing_deg), scenery, plate)


@lru_cache(maxsize=72)
def backdrop(place: Street) -> Backdrop:
    """The painted backdrop of a street, kept for the cameras in use (about 4 MB each)."""
    return paint(place)
