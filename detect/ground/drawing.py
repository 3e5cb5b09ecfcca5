"""The drawn check of a calibration, as SVG: what an operator looks at to see whether the ground lies where it should.

Zones, a grid of metres on the ground as far as anybody is counted, the horizon, and how far each point is off. It has
no pixel of the picture in it, so it may be kept and sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from textwrap import shorten, wrap

import numpy as np

from core.ground import GroundMethod, LocalFrame
from core.records import Camera, PointPx, Zone, ZoneKind
from core.site import Fit, KnownSizes, PointError, Site
from detect.ground.area import least_px_per_m
from detect.ground.grid import STEP_M, ground_grid
from detect.ground.plane import Plane, Points, along_horizon, bent, scale_of
from detect.ground.sited import drawn, sited

FRAME_WIDTH, LEGEND_WIDTH, MARGIN = 960, 380, 24
LINE_HEIGHT, CHARACTER_WIDTH, LEGEND_CHARACTERS = 19, 7.6, 52

COLOURS = {
    ZoneKind.PAVEMENT: "#1f8a4c",
    ZoneKind.CARRIAGEWAY: "#52606d",
    ZoneKind.CROSSING: "#c77700",
    ZoneKind.CYCLE_LANE: "#1d63b8",
    ZoneKind.BUS_STOP: "#9a2f8c",
    ZoneKind.VIEW: "#7a7a7a",
}
MARK, WRONG, SIZE, SQUARE = "#0b4f9e", "#c62828", "#6b3fa0", "#2f7de1"

AIMS = tuple((x, y) for y in (0.8, 0.7, 0.6, 0.9) for x in (0.5, 0.35, 0.65))
"""Where the square that says how large all of them are is looked for, in shares of the picture."""

ENLARGED = (50, 20, 10, 5, 2, 1)
LONGEST_RESIDUAL = 0.08
"""Of the picture's width: residuals are enlarged as far as this allows for those of the points that are used."""

STYLE = """
text { font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1c2733; }
.title { font-size: 18px; font-weight: 600; }
.small { font-size: 12px; fill: #56636f; }
.label { font-weight: 600; text-anchor: middle; paint-order: stroke; stroke: #fff; stroke-width: 4px;
  stroke-linejoin: round; }
.grid { fill: none; stroke: #93a1ae; stroke-width: 0.8; }
.horizon { fill: none; stroke: #b3541e; stroke-width: 1.6; }
.cut { fill: none; stroke: #b3541e; stroke-width: 1.2; stroke-dasharray: 7 5; }
.edge { fill: none; stroke-width: 1; stroke-dasharray: 3 4; }
.zone { fill-opacity: 0.16; stroke-width: 2; stroke-linejoin: round; }
"""


def draw_check(site: Site) -> str:
    """The check of a site as the text of an SVG file, 1400 wide; of one without ground its zones and points alone.

    Raises `CalibrationRefused` for a site that cannot be (`sited`).
    """
    bare = Camera(id=site.camera, name=site.camera, lat=site.lat, lon=site.lon, width=site.width, height=site.height)
    camera = sited(bare, site)
    scale = FRAME_WIDTH / site.width
    plane = None if camera.plane is None else Plane(camera.plane, (site.width, site.height))
    enlarged = _enlargement(site, plane)
    picture = [
        *(_ground(plane, scale, north=_north_is_known(site)) if plane is not None else ()),
        *(part for zone in _drawn_order(site, camera) for part in _zone(*zone, scale)),
        *_sizes(site.sizes, scale),
        *_points(site, plane, scale, enlarged),
        *(_name(zone, scale) for zone in camera.zones),
    ]
    lines = list(_legend(site, camera.zones, enlarged))
    height = max(site.height * scale, len(lines) * LINE_HEIGHT + 8)
    width = MARGIN * 3 + FRAME_WIDTH + LEGEND_WIDTH
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + 2 * MARGIN:.0f}" width="{width}" '
            f'height="{height + 2 * MARGIN:.0f}">',
            f"<title>{escape(f'Ground of camera {site.camera}')}</title>",
            f"<style>{STYLE}</style>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            f'<clipPath id="frame"><rect width="{FRAME_WIDTH}" height="{site.height * scale:.1f}"/></clipPath>',
            f'<g transform="translate({MARGIN} {MARGIN})">',
            f'<rect width="{FRAME_WIDTH}" height="{site.height * scale:.1f}" fill="#f4f6f8"/>',
            '<g clip-path="url(#frame)">',
            *picture,
            "</g>",
            f'<rect width="{FRAME_WIDTH}" height="{site.height * scale:.1f}" fill="none" stroke="#1c2733"/>',
            "</g>",
            f'<g transform="translate({MARGIN * 2 + FRAME_WIDTH} {MARGIN + 16})">',
            *(f'<text class="{kind}" y="{row * LINE_HEIGHT}">{text}</text>' for row, (kind, text) in enumerate(lines)),
            "</g>",
            "</svg>",
            "",
        ]
    )


def _drawn_order(site: Site, camera: Camera) -> list[tuple[Zone, Zone]]:
    """Each zone as it was drawn and as it is counted, the large first, so that small ones lie on top."""
    pairs = list(zip(map(drawn, site.zones.features), camera.zones, strict=True))
    return sorted(pairs, key=lambda pair: -_extent(pair[0].polygon or ()))


def _extent(polygon: Sequence[PointPx]) -> float:
    width, height = np.ptp(np.array(polygon), axis=0)
    return float(width * height)


def _zone(whole: Zone, counted: Zone, scale: float) -> Iterator[str]:
    colour = COLOURS[whole.kind]
    if counted.polygon != whole.polygon:
        yield f'<polygon class="edge" stroke="{colour}" points="{_corners(whole.polygon or (), scale)}"/>'
    corners = counted.polygon or ()
    yield f'<polygon class="zone" fill="{colour}" stroke="{colour}" points="{_corners(corners, scale)}"/>'


def _name(zone: Zone, scale: float) -> str:
    """What a zone is called, in the middle of it, and not beyond the edge of the picture."""
    x, y = _middle(zone.polygon or ())
    half = len(zone.name) * CHARACTER_WIDTH / 2 + 6
    middle = min(max(x * scale, half), FRAME_WIDTH - half)
    return f'<text class="label" x="{middle:.1f}" y="{y * scale:.1f}">{escape(zone.name)}</text>'


def _middle(polygon: Sequence[PointPx]) -> PointPx:
    """A place within a polygon that has room for words: the middle of the longest stretch across it."""
    corners = np.array(polygon)
    ends = np.roll(corners, -1, axis=0)
    longest, place = 0.0, (float(corners[0, 0]), float(corners[0, 1]))
    for level in np.linspace(corners[:, 1].min(), corners[:, 1].max(), 9)[1:-1]:
        crossed = (corners[:, 1] > level) != (ends[:, 1] > level)
        (x0, y0), (x1, y1) = corners[crossed].T, ends[crossed].T
        at = np.sort(x0 + (level - y0) * (x1 - x0) / (y1 - y0))
        for left, right in zip(at[::2], at[1::2], strict=True):
            if right - left > longest:
                longest, place = float(right - left), (float(left + right) / 2, float(level))
    return place


def _ground(plane: Plane, scale: float, *, north: bool) -> Iterator[str]:
    for way in ground_grid(plane):
        yield f'<polyline class="grid" points="{_corners(way, scale)}"/>'
    yield from _square(plane, scale, north=north)
    if not np.any(plane.matrix[2, :2]):  # it looks straight down, and sees no horizon
        return
    least = least_px_per_m(plane.size_px)
    horizon, cut = _level(plane, 0.0), _level(plane, least / float(scale_of(plane.matrix, np.ones(1))[0]))
    yield f'<polyline class="horizon" points="{_corners(horizon, scale)}"/>'
    yield f'<polyline class="cut" points="{_corners(cut, scale)}"/>'
    for line, words in ((horizon, "horizon"), (cut, f"{least:.3g} px to a metre: nobody is counted beyond")):
        seen = line[(line[:, 0] > 0) & (line[:, 0] < plane.size_px[0]) & (line[:, 1] > 8)]
        if len(seen):
            x, y = seen[0] * scale
            yield f'<text class="small" x="{x + 8:.1f}" y="{y - 5:.1f}">{words}</text>'


def _level(plane: Plane, w: float) -> Points:
    """Where the homography's third coordinate is `w`: a line [n, 2] from left to right, as the lens shows it."""
    slope, (width, height) = plane.matrix[2, :2], plane.size_px
    centre = np.array((width, height)) / 2
    foot = centre + slope * (w - slope @ centre - plane.matrix[2, 2]) / (slope @ slope)
    along = along_horizon(plane.matrix)
    reach = np.linspace(-1, 1, 201 if plane.record.lens_k1 else 41) * (width + height)
    line = bent(foot + reach[:, None] * (along if along[0] >= 0 else -along), plane.record.lens_k1, plane.size_px)
    return line[np.isfinite(line).all(axis=1)]


def _square(plane: Plane, scale: float, *, north: bool) -> Iterator[str]:
    """One square of the grid, filled, that says how large they are, and where north is where that is known."""
    found = [square for aim in AIMS if (square := _square_at(plane, np.array(aim) * plane.size_px)) is not None]
    if not found:
        return
    corners = found[0] * scale
    x, y = corners.mean(axis=0)
    yield f'<polygon fill="{SQUARE}" fill-opacity="0.18" stroke="{SQUARE}" points="{_corners(corners, 1.0)}"/>'
    yield f'<text class="label" x="{x:.1f}" y="{y + 4:.1f}">{STEP_M:g} m</text>'
    if north:
        _, (ax, ay), (bx, by), _ = corners  # its eastern edge leads north
        yield (
            f'<defs><marker id="north" orient="auto" markerWidth="9" markerHeight="8" refX="7" refY="4">'
            f'<path d="M0 0 8 4 0 8z" fill="{SQUARE}"/></marker></defs>'
            f'<path d="M{ax:.1f} {ay:.1f} {bx:.1f} {by:.1f}" stroke="{SQUARE}" stroke-width="2.5" '
            f'marker-end="url(#north)"/>'
            f'<text class="label" x="{bx + 12:.1f}" y="{by + 4:.1f}">N</text>'
        )


def _square_at(plane: Plane, px: Points) -> Points | None:
    """The corners [4, 2] in the picture of the square of the grid that lies at `px`; None where not all of it does."""
    ring = np.array(((0, 0), (1, 0), (1, 1), (0, 1)))
    corners = plane.to_picture((np.floor(plane.to_ground(px) / STEP_M) + ring) * STEP_M)
    return corners if ((corners >= 0) & (corners <= plane.size_px)).all() else None


def _north_is_known(site: Site) -> bool:
    return site.sizes is None or any(one.bearing_deg is not None for one in site.sizes.parallels)


def _enlargement(site: Site, plane: Plane | None) -> int:
    """How many times larger than they are residuals are drawn."""
    if plane is None or site.fitted is None or not site.map_points:
        return 1
    longest = max((point.error_px for point in site.fitted.points if point.used), default=0.0)
    return next((times for times in ENLARGED if times * longest <= LONGEST_RESIDUAL * site.width), 1)


def _points(site: Site, plane: Plane | None, scale: float, enlarged: int) -> Iterator[str]:
    """Each map point where it was marked, and the way from there to where the ground has it."""
    judged = _judged(site)
    for number, point in enumerate(site.map_points, 1):
        (x, y), found = point.px, judged.get(number)
        used = found is None or found.used
        colour = MARK if used else WRONG
        if plane is not None:
            frame = LocalFrame(plane.record.lat, plane.record.lon)
            expected = plane.to_picture(np.array(frame.metres(point.lat, point.lon)))
            if np.isfinite(expected).all():
                off = (expected - (x, y)) * (enlarged if used else 1)
                dashes = "" if used else ' stroke-dasharray="4 3"'
                yield (
                    f'<path d="M{x * scale:.1f} {y * scale:.1f} {(x + off[0]) * scale:.1f} '
                    f'{(y + off[1]) * scale:.1f}" stroke="{colour}" stroke-width="2.5"{dashes}/>'
                )
        at_x, at_y = f"{x * scale:.1f}", f"{y * scale:.1f}"
        yield f'<circle cx="{at_x}" cy="{at_y}" r="5" fill="#fff" stroke="{colour}" stroke-width="2"/>'
        yield f'<text class="label" style="fill: {colour}" x="{at_x}" y="{y * scale - 10:.1f}">{number}</text>'


def _judged(site: Site) -> dict[int, PointError]:
    """What the fit says of each map point, by its number; nothing where it is of something else."""
    points = () if site.fitted is None else site.fitted.points
    return dict(enumerate(points, 1)) if len(points) == len(site.map_points) else {}


def _sizes(sizes: KnownSizes | None, scale: float) -> Iterator[str]:
    """What is known of sizes: lengths with their metres, heights, and lines that are parallel on the ground."""
    if sizes is None:
        return
    for parallel in sizes.parallels:
        for line in parallel.lines:
            yield f'<polyline class="edge" stroke="{SIZE}" points="{_corners(line, scale)}"/>'
    known = [(one.from_px, one.to_px, one.length_m) for one in sizes.lengths]
    known += [(one.foot_px, one.top_px, one.height_m) for one in sizes.heights]
    for start, end, metres in known:
        x, y = (start[0] + end[0]) / 2 * scale, (start[1] + end[1]) / 2 * scale
        yield f'<polyline fill="none" stroke="{SIZE}" stroke-width="2.5" points="{_corners((start, end), scale)}"/>'
        yield f'<text class="label" style="fill: {SIZE}" x="{x:.1f}" y="{y - 6:.1f}">{metres:g} m</text>'


def _legend(site: Site, zones: Sequence[Zone], enlarged: int) -> Iterator[tuple[str, str]]:
    """(class, text) of each line beside the picture."""
    yield "title", escape(f"Ground of camera {site.camera}")
    fitted = site.fitted
    if fitted is None:
        yield "", "no ground: its points were not fitted"
    else:
        yield from (("", words) for words in _figures(fitted))
    yield "", ""
    for zone in zones:
        swatch = f'<tspan fill="{COLOURS[zone.kind]}">■</tspan> '
        yield "", swatch + escape(shorten(zone.name, LEGEND_CHARACTERS - 6, placeholder="…"))
        for words in _wrapped(_area(zone)):
            yield "small", words
    if fitted is not None and fitted.points:
        yield "", ""
        yield "", "How far it is off" + (f"; the way there is drawn {enlarged} times longer" if enlarged > 1 else "")
        numbered = bool(_judged(site))
        for number, point in enumerate(fitted.points, 1):
            metres = "" if point.error_m is None else f", {point.error_m:.2f} m"
            outvoted = "" if point.used else ", outvoted"
            who = f"{number} {point.what}" if numbered else point.what
            words = f"{point.error_px:.1f} px{metres}{outvoted}: {who}"
            yield "small", escape(shorten(words, LEGEND_CHARACTERS, placeholder="…"))
    for warning in fitted.warnings if fitted is not None else ():
        yield "", ""
        for words in _wrapped(f"Warning: {warning}"):
            yield "small", words


def _figures(fitted: Fit) -> Iterator[str]:
    plane = fitted.plane
    yield {
        GroundMethod.POINTS: "by points matched with a map",
        GroundMethod.SIZES: "by known sizes: weaker than points of a map",
        GroundMethod.RENDERED: "as it was rendered",
    }[plane.method]
    if plane.error_m is not None:
        left_out = "" if plane.left_out_m is None else f"; {plane.left_out_m:.2f} m for points left out"
        yield f"error on the ground {plane.error_m:.2f} m{left_out}"
    if plane.height_m is not None:
        error = "" if plane.height_error_m is None else f" ± {plane.height_error_m:.1f}"
        yield f"camera {plane.height_m:.1f}{error} m above the ground"
    if plane.focal_px is not None:
        yield f"focal length {plane.focal_px:.0f} px"


def _area(zone: Zone) -> str:
    ground = zone.ground
    if ground is None:
        return "no area"
    cut = f"; cut off: {ground.cut}" if ground.cut else ""
    return (
        f"{ground.area_m2:.0f} ± {ground.area_m2 * ground.area_error:.0f} m², "
        f"{ground.least_px_per_m:.0f} to {ground.most_px_per_m:.0f} px/m{cut}"
    )


def _wrapped(words: str) -> list[str]:
    return [escape(line) for line in wrap(words, LEGEND_CHARACTERS)]


def _corners(points: Points | Sequence[PointPx], scale: float) -> str:
    return " ".join(f"{x * scale:.1f},{y * scale:.1f}" for x, y in points)
