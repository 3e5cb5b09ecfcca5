"""How good a calibration is: point by point, zone by zone, as tables on a terminal or as a line of JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from pydantic import NonNegativeFloat, PositiveFloat
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from busyness.sites import bare_camera
from core.config import Closed
from core.ground import GroundMethod
from core.records import ZoneKind
from core.site import PointError, Site
from detect.ground.sited import sited


@dataclass(frozen=True)
class Calibrated:
    """What became of a site file: `site` is what it says now, or would say; None where it is `refused`.

    `unsaved` where it is another one than the file has, which a dry run leaves as it is. `notes` say what else has to
    be done.
    """

    path: Path
    site: Site | None = None
    saved: bool = False
    unsaved: bool = False
    notes: tuple[str, ...] = ()
    refused: str | None = None


class ZoneFigures(Closed):
    """A zone on the ground; without figures where the camera has none. `px_per_m` where it is farthest, and nearest."""

    id: str
    name: str
    kind: ZoneKind
    area_m2: PositiveFloat | None = None
    area_error: NonNegativeFloat | None = None
    px_per_m: tuple[PositiveFloat, PositiveFloat] | None = None
    cut: str | None = None


class Report(Closed):
    """What is known of a camera's ground. `rms_px` is over the points that were used."""

    camera: str
    file: str
    saved: bool
    unsaved: bool = False
    method: GroundMethod | None = None
    points: tuple[PointError, ...] = ()
    rms_px: NonNegativeFloat | None = None
    error_m: NonNegativeFloat | None = None
    left_out_m: NonNegativeFloat | None = None
    height_m: PositiveFloat | None = None
    height_error_m: PositiveFloat | None = None
    focal_px: PositiveFloat | None = None
    zones: tuple[ZoneFigures, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refused: str | None = None


def report(made: Calibrated) -> Report:
    """The figures of a calibration."""
    camera, site = made.path.stem, made.site
    if site is None:
        return Report(camera=camera, file=str(made.path), saved=False, refused=made.refused)
    told = Report(
        camera=camera, file=str(made.path), saved=made.saved, unsaved=made.unsaved, zones=_zones(site), notes=made.notes
    )  # fmt: skip
    fitted = site.fitted
    if fitted is None:
        return told
    used = [point.error_px**2 for point in fitted.points if point.used]
    plane = fitted.plane
    return told.model_copy(
        update={
            "method": plane.method,
            "points": fitted.points,
            "rms_px": sqrt(sum(used) / len(used)) if used else None,
            "warnings": fitted.warnings,
            **{key: getattr(plane, key) for key in ("error_m", "left_out_m", "height_m", "height_error_m", "focal_px")},
        }
    )


def _zones(site: Site) -> tuple[ZoneFigures, ...]:
    found = []
    for zone in sited(bare_camera(site), site).zones:
        ground = zone.ground
        bare = ZoneFigures(id=zone.id, name=zone.name, kind=zone.kind)
        found.append(
            bare if ground is None else bare.model_copy(
                update={
                    "area_m2": ground.area_m2, "area_error": ground.area_error, "cut": ground.cut,
                    "px_per_m": (ground.least_px_per_m, ground.most_px_per_m),
                }
            )
        )  # fmt: skip
    return tuple(found)


def show(told: Report, console: Console) -> None:
    """One camera: its points, its zones, and what is weak."""
    if told.points:
        console.print(_points_table(told))
    if told.method is None:
        _say(console, f"camera {told.camera} has no ground: match four or more points of its picture with a map")
    else:
        _say(console, _summary(told))
    if told.zones and told.method is not None:
        console.print(_zones_table(told))
    elif told.zones:
        _say(console, f"its zones: {', '.join(zone.id for zone in told.zones)}")
    for zone in told.zones:
        if zone.cut:
            _say(console, f"cut off {zone.id}: {zone.cut}")
    _advise(told, console)
    where = "saved in" if told.saved else "a dry run: not saved in" if told.unsaved else "as it stands in"
    _say(console, f"{where} {told.file}")


def show_all(reports: Sequence[Report], console: Console) -> None:
    """Every camera on a line, and below what is to be said of some."""
    title = f"{len(reports)} site file{'' if len(reports) == 1 else 's'}"
    table = Table(title=title, caption="left out: points by the fit to all the others")
    table.add_column("camera", overflow="fold")
    table.add_column("ground by", min_width=9)
    for heading in ("off\npx", "off\nm", "left\nout m", "height\nm", "zones\nm²"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for told in reports:
        area_m2 = [zone.area_m2 for zone in told.zones if zone.area_m2 is not None]
        used = sum(point.used for point in told.points)
        by = f"{told.method} {used}/{len(told.points)}" if told.method else ""
        words = (
            escape(told.camera), by,
            _figure(told.rms_px, ".1f"), _figure(told.error_m, ".2f"), _figure(told.left_out_m, ".2f"),
            _figure(told.height_m, ".1f"),
            _figure(sum(area_m2) if area_m2 else None, ".0f"), _state(told),
        )  # fmt: skip
        table.add_row(*words, style="red" if told.refused else None)
    console.print(table)
    for told in reports:
        _advise(told, console, f"{told.camera}: ")


def _state(told: Report) -> str:
    if told.refused:
        return "refused"
    if told.method is None:
        return "no ground"
    return "fitted now" if told.saved else "due" if told.unsaved else ""


def _advise(told: Report, console: Console, who: str = "") -> None:
    """What is wrong, weak, or still to be done."""
    lines = [(told.refused, "red")] if told.refused else []
    lines += [(f"warning: {warning}", "yellow") for warning in told.warnings]
    lines += [(f"to do: {note}", "yellow") for note in told.notes]
    for words, style in lines:
        console.print(f"{who}{words}", style=style, highlight=False, markup=False, soft_wrap=True)


def _points_table(told: Report) -> Table:
    table = Table(
        title=f"Camera {escape(told.camera)}: what its ground is fitted to",
        caption="left out: by the fit to all the others",
    )
    table.add_column(told.method or "", overflow="fold")
    for heading in ("off by px", "off by m", "left out m"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for point in told.points:
        figures = (_figure(point.error_px, ".1f"), _figure(point.error_m, ".2f"), _figure(point.left_out_m, ".2f"))
        style = None if point.used else "red"
        table.add_row(escape(point.what), *figures, "" if point.used else "outvoted by the others", style=style)
    return table


def _zones_table(told: Report) -> Table:
    table = Table(title="Zones on the ground")
    table.add_column("zone", no_wrap=True)
    table.add_column("kind")
    for heading in ("area m²", "error m²", "px/m"):
        table.add_column(heading, justify="right")
    for zone in told.zones:
        error = "" if zone.area_m2 is None or zone.area_error is None else (
            f"± {zone.area_m2 * zone.area_error:.0f} ({zone.area_error:.0%})"
        )  # fmt: skip
        scale = "" if zone.px_per_m is None else f"{zone.px_per_m[0]:.0f} to {zone.px_per_m[1]:.0f}"
        table.add_row(escape(zone.id), zone.kind.value, _figure(zone.area_m2, ".0f"), error, scale)
    return table


def _summary(told: Report) -> str:
    figures = (
        (told.rms_px, f"RMS {told.rms_px or 0:.1f} px"),
        (told.error_m, f"{told.error_m or 0:.2f} m on the ground"),
        (told.left_out_m, f"{told.left_out_m or 0:.2f} m left out"),
        (told.height_m, f"the camera hangs {_height(told)} m high"),
        (told.focal_px, f"its focal length is {told.focal_px or 0:.0f} px"),
    )
    return f"by {told.method}: " + ", ".join(words for known, words in figures if known is not None)


def _height(told: Report) -> str:
    if told.height_m is None:
        return ""
    return f"{told.height_m:.1f}" + (f" ± {told.height_error_m:.1f}" if told.height_error_m else "")


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _say(console: Console, words: str) -> None:
    console.print(words, highlight=False, markup=False, soft_wrap=True)
