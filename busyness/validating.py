"""`busyness validate`: a camera's stored counts against counts by hand, and the calibration that follows."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import NonNegativeInt
from rich.console import Console
from rich.table import Table

from busyness.config import Config
from busyness.keeping import lasts, open_store
from busyness.validation.figures import ClassFigures, Errors, calibration, figures, fit, fit_zones, moments
from busyness.validation.manual_counts import ManualCount, read_manual_counts
from busyness.validation.matching import LeftOut, match
from busyness.wiring import calibrations_of, cameras_of
from core.clock import Clock
from core.config import Closed
from core.errors import ConfigError, NotFound, SourceError
from core.records import Camera, Lighting
from detect.error_model import Calibration, GroupError
from detect.registry import open_model


class Validation(Closed):
    """What came of it. `calibration` is null where too few counts speak of any group and light; `refused` says of which
    and why. `stored` is false for a dry run."""

    camera: str
    model: str
    rows: NonNegativeInt
    matched: NonNegativeInt
    left_out: tuple[LeftOut, ...]
    figures: tuple[ClassFigures, ...]
    calibration: Calibration | None
    refused: dict[str, str]
    stored: bool


@dataclass(frozen=True)
class Counts:
    """What the operator gives: the file, whether its times may be local, and whether to leave everything as it is."""

    path: Path
    local_time: bool
    dry_run: bool


def validate(config: Config, camera_id: str, counts: Counts, clock: Clock) -> Validation:
    """Compare, and keep the calibration unless it is a dry run.

    Raises `NotFound` for an unknown camera or one of which nothing is stored, `SourceError` for counts that cannot be
    used, `StoreError`, `ModelError`, and `ConfigError` without a store on disk.
    """
    camera = _camera(config, camera_id)
    if not lasts(config):
        raise ConfigError("validate compares with what is stored on disk", remedy="set store.path, and replay or run")
    kept = calibrations_of(config)
    rows = read_manual_counts(counts.path, camera, local_time=counts.local_time)
    model = open_model(config.detect.model).name
    with closing(open_store(config, read_only=True)) as store:
        newest, extent = store.watermark(camera.id), store.extent()
        if newest is None or extent is None:
            raise NotFound(f"nothing is stored of camera {camera.id}", remedy="replay its clips, or run, before")
        _expect_stored(rows, counts.path, f"{extent[0]:%Y-%m-%dT%H:%M:%SZ}", f"{newest:%Y-%m-%dT%H:%M:%SZ}", camera)
        pairs, left_out = match(rows, camera, store.observations, model)
    found = moments(pairs, camera)
    (fitted, refused), of_zones = fit(found), fit_zones(found)
    version = len(kept.versions(camera.id)) + 1
    made = calibration(
        fitted, of_zones, camera=camera.id, version=version, made_at=clock.now(), model=model, rows=len(pairs)
    )
    if made is not None and not counts.dry_run:
        kept.add(made)
    return Validation(
        camera=camera.id,
        model=model,
        rows=len(rows),
        matched=len(pairs),
        left_out=left_out,
        figures=figures(pairs, camera, fitted, of_zones),
        calibration=made,
        refused={f"{group} by {lighting.value}": why for (lighting, group), why in refused.items()},
        stored=made is not None and not counts.dry_run,
    )


def versions(config: Config, camera_id: str) -> tuple[Calibration, ...]:
    """Every calibration of a camera, oldest first. Raises `NotFound`, `StoreError`, `ConfigError`."""
    return calibrations_of(config).versions(_camera(config, camera_id).id)


def drop(config: Config, camera_id: str, version: int, clock: Clock) -> Calibration:
    """Stop using a version of a camera's calibration. Raises `NotFound`, `StoreError`, `ConfigError`."""
    return calibrations_of(config).drop(_camera(config, camera_id).id, version, clock.now())


def _camera(config: Config, camera_id: str) -> Camera:
    known = {camera.id: camera for camera in cameras_of(config)}
    if camera_id not in known:
        raise NotFound(f"there is no camera {camera_id!r}", remedy=f"say one of {', '.join(sorted(known))}")
    return known[camera_id]


def _expect_stored(rows: tuple[ManualCount, ...], path: Path, first: str, newest: str, camera: Camera) -> None:
    """Raises `SourceError` for times that nothing can be stored of: a wrong date or time zone, most often."""
    outside = [row.line for row in rows if not first <= f"{row.time:%Y-%m-%dT%H:%M:%SZ}" <= newest]
    if outside:
        lines = ", ".join(map(str, outside[:10])) + (f" and {len(outside) - 10} more" if len(outside) > 10 else "")
        raise SourceError(
            f"{path}, line {lines}: the time is outside what is stored of camera {camera.id}, {first} to {newest}",
            remedy="check date and offset, or replay the clips of that time",
        )


def show(validation: Validation, console: Console) -> None:
    """The figures as a table, what was left out, and what became of the calibration."""
    table = Table(
        title=f"Camera {validation.camera} against counts by hand",
        caption="bias: counted less manual; inside: manual counts in the 90 % interval; after: each hour is corrected "
        "by the others",
    )
    for column in ("zone", "class", "n", "manual", "", "MAE", "bias", "RMSE", "inside"):
        table.add_column(column, justify="left" if column in ("zone", "class", "") else "right")
    for found in validation.figures:
        table.add_row(
            found.zone, found.series, str(found.n), f"{found.manual_mean:.1f}", "before", *_cells(found.before)
        )
        if found.after is not None:
            table.add_row("", "", "", "", "after", *_cells(found.after))
    if validation.figures:
        console.print(table)
    _say(console, f"{validation.matched} of {validation.rows} lines matched to clips counted by {validation.model}")
    for one in validation.left_out:
        _say(console, f"left out: line {one.line}: {one.reason}")
    for what, why in validation.refused.items():
        _say(console, f"not calibrated: {what}: {why}")
    if validation.calibration is None:
        _say(console, "no calibration was made: too few clips of which all people, or all vehicles, were counted")
        return
    console.print(_calibrations((validation.calibration,)))
    _say(
        console,
        f"kept as {validation.calibration.name}; used for clips counted from the next start on, also by replay"
        if validation.stored
        else "dry run: nothing was kept",
    )


def show_versions(found: tuple[Calibration, ...], console: Console) -> None:
    """Every version and what it says."""
    if not found:
        _say(console, "no calibration was made yet")
    else:
        console.print(_calibrations(found))


def write_json(answer: Validation | Calibration | tuple[Calibration, ...]) -> None:
    """On stdout."""
    told = [one.model_dump(mode="json", by_alias=True) for one in (answer if isinstance(answer, tuple) else (answer,))]
    sys.stdout.write(json.dumps(told if isinstance(answer, tuple) else told[0]) + "\n")


def _calibrations(found: tuple[Calibration, ...]) -> Table:
    table = Table(title="Calibrations", caption="corrected = gain x counted; error on the square-root scale")
    for column in ("version", "made", "model", "light", "group", "gain", "error", "clips", "hours", ""):
        table.add_column(column, overflow="fold", justify="right" if column in _NUMBERS else "left")
    for one in found:
        for lighting in Lighting:
            for group in ("people", "vehicles"):
                error: GroupError | None = getattr(one.at(lighting), group)
                if error is None:
                    continue
                table.add_row(
                    one.name,
                    f"{one.made_at:%Y-%m-%d %H:%M}",
                    one.model,
                    lighting.value,
                    group,
                    f"{error.gain:.2f}",
                    f"{error.sqrt_error:.2f}",
                    str(error.frames),
                    str(error.sites),
                    "" if one.dropped_at is None else f"dropped {one.dropped_at:%Y-%m-%d %H:%M}",
                )
    return table


_NUMBERS = ("gain", "error", "clips", "hours")


def _cells(errors: Errors) -> tuple[str, ...]:
    inside = f"{errors.inside} of {errors.with_interval}" if errors.with_interval else ""
    return f"{errors.mae:.2f}", f"{errors.bias:+.2f}", f"{errors.rmse:.2f}", inside


def _say(console: Console, words: str) -> None:
    console.print(words, highlight=False, markup=False, soft_wrap=True)
