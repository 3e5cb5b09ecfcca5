"""`busyness interventions`: what was changed in the streets, and whether it worked."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from aggregate.answers import Answers
from aggregate.effects.effect_answers import EffectAnswers
from aggregate.effects.register import DocumentRegister, identifier_of
from aggregate.query import expect_known, near
from api.intervention_rows import EffectAnswer, effect_answer, intervention_row
from api.written import parse_time
from busyness.config import Config
from busyness.keeping import begun, lasts, open_store
from busyness.running import ask
from busyness.wiring import effects_of, known_cameras, open_clock, register_of
from core.clock import Clock
from core.errors import ConfigError, NotFound, QueryError, StoreError
from core.interventions import Intervention, InterventionKind
from core.records import Camera

ASK_S = 30.0
"""How long a running installation may take: it may have to read a year."""


class Action(StrEnum):
    """What is to be done."""

    LIST = "list"
    ADD = "add"
    REMOVE = "remove"
    EFFECT = "effect"


@dataclass(frozen=True)
class Told:
    """What the operator says of a new intervention, as it was typed. Times are ISO 8601 with an offset."""

    name: str
    kind: str
    zones: Sequence[str]
    start: str
    spill_zones: Sequence[str] = ()
    at: str | None = None
    end: str | None = None
    works_from: str | None = None
    note: str | None = None
    by: str | None = None


def action_of(text: str) -> Action:
    """The action of this name. Raises `QueryError`."""
    if text not in list(Action):
        raise QueryError(f"there is no action {text!r}", remedy=f"{near(text, list(Action))}use {', '.join(Action)}")
    return Action(text)


def show_one(what: str, intervention: Intervention, console: Console, *, as_json: bool) -> None:
    """What became of one."""
    if as_json:
        sys.stdout.write(intervention_row(intervention).model_dump_json() + "\n")
        return
    console.print(f"{what}: {intervention.id} ({intervention.name})", highlight=False, markup=False)


def show_list(config: Config, console: Console, *, as_json: bool) -> None:
    """One line an intervention, by start. Raises `ConfigError`, `StoreError`."""
    found = _register(config).all()
    if as_json:
        for one in found:
            sys.stdout.write(intervention_row(one).model_dump_json() + "\n")
        return
    table = Table(title="registered interventions" if found else "no interventions are registered yet")
    for heading in ("id", "name", "kind", "start (UTC)", "end (UTC)", "zones"):
        table.add_column(heading, overflow="fold")
    for one in found:
        times = (f"{one.start:%Y-%m-%d %H:%M}", "stays" if one.end is None else f"{one.end:%Y-%m-%d %H:%M}")
        table.add_row(escape(one.id), escape(one.name), one.kind.value, *times, escape(", ".join(one.zones)))
    console.print(table)


def add(config: Config, name: str | None, told: Told, clock: Clock) -> Intervention:
    """Register one. Raises `ConfigError`, `NotFound` (no such zone), `QueryError`, `AlreadyThere`, `StoreError`."""
    register = _register(config)
    places = _places(config)
    if places:
        expect_known("zone", (*told.zones, *told.spill_zones), places)
    if told.kind not in list(InterventionKind):
        kinds = ", ".join(InterventionKind)
        raise QueryError(
            f"--kind is {told.kind!r}", remedy=f"{near(told.kind, list(InterventionKind))}use one of {kinds}"
        )
    start = _time(told.start, "--start")
    lat, lon = _position(told, places)
    first = places.get(told.zones[0])
    zone = ZoneInfo("UTC" if first is None else first.timezone)  # its day is that of the street
    try:
        made = Intervention(
            id=name or identifier_of(told.name, start.astimezone(zone), register),
            name=told.name,
            kind=InterventionKind(told.kind),
            zones=tuple(told.zones),
            spill_zones=tuple(told.spill_zones),
            lat=lat,
            lon=lon,
            start=start,
            end=None if told.end is None else _time(told.end, "--end"),
            works_from=None if told.works_from is None else _time(told.works_from, "--works-from"),
            note=told.note,
            registered_by=told.by,
            registered_at=clock.now(),
        )
    except ValidationError as error:
        fault = error.errors()[0]
        where = "".join(f"{part}: " for part in fault["loc"])
        message = where + fault["msg"].removeprefix("Value error, ")
        raise QueryError(message, remedy="see busyness interventions --help") from error
    register.add(made)
    return made


def remove(config: Config, name: str) -> Intervention:
    """Strike one. Raises `ConfigError`, `NotFound`, `StoreError`."""
    return _register(config).remove(name)


def effect(config: Config, name: str, series: str) -> tuple[EffectAnswer, str]:
    """What one changed, with the plot as SVG, as the running installation says or, where none runs, its store.

    Raises `ConfigError`, `NotFound`, `QueryError`, `StoreError`.
    """
    asked = _ask(config, name, series)
    if asked is not None:
        return asked
    from aggregate.effects.plot import svg  # noqa: PLC0415 - matplotlib is loaded for an answer alone

    if not lasts(config):
        raise ConfigError("no installation answers, and this one keeps nothing", remedy="start it, or set store.path")
    with closing(open_store(config, read_only=True)) as store:
        answers = Answers(store, open_clock(config))
        effects: EffectAnswers = effects_of(config, store, answers)
        intervention, measured = effects.effect(name, series)
        return effect_answer(intervention, measured), svg(measured, intervention)


def show_effect(answer: EffectAnswer, console: Console, *, as_json: bool) -> None:
    """The answer in words and figures."""
    if as_json:
        sys.stdout.write(answer.model_dump_json(by_alias=True) + "\n")
        return
    console.print(answer.headline, style="bold", highlight=False, markup=False)
    for sentence in answer.words[1:]:
        console.print(f"  {sentence}", highlight=False, markup=False)
    if answer.zones:
        table = Table(title="each zone by itself")
        for heading in ("zone", "change", "90 % interval", "p"):
            table.add_column(heading)
        for zone in answer.zones:
            if zone.change is None:
                table.add_row(escape(zone.zone), "-", escape(zone.reason or ""), "")
            else:
                interval = f"{zone.change.low:+.0%} to {zone.change.high:+.0%}"
                table.add_row(escape(zone.zone), f"{zone.change.change:+.0%}", interval, f"{zone.change.p_value:.3f}")
        console.print(table)


def write_plot(path: Path, drawn: str) -> None:
    """Write the plot. Raises `ConfigError`."""
    try:
        path.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", remedy="name a file in a folder") from error


def _register(config: Config) -> DocumentRegister:
    if config.interventions is None and not lasts(config):
        raise ConfigError(
            "interventions are kept beside the store, and this one is in memory",
            remedy="set store.path, or interventions: to the file that is to hold them",
        )
    return register_of(config)


def _places(config: Config) -> dict[str, Camera]:
    """The zones that are known without asking a publisher, each with its camera; none where the store is in use."""
    cameras = list(known_cameras(config))
    if begun(config):
        try:
            with closing(open_store(config, read_only=True)) as store:
                cameras = store.cameras() or cameras
        except StoreError:  # a running installation holds it
            if config.feeds:
                return {}
    return {zone.id: camera for camera in cameras for zone in camera.counted_zones}


def _position(told: Told, places: dict[str, Camera]) -> tuple[float, float]:
    if told.at is not None:
        try:
            lat, lon = (float(part) for part in told.at.split(","))
        except ValueError:
            raise QueryError(f"--at is {told.at!r}", remedy="write it as LAT,LON: --at 51.5036,-0.0780") from None
        return lat, lon
    if told.zones[0] not in places:
        raise QueryError("it is not known where its zones are", remedy="say where it is: --at LAT,LON")
    camera = places[told.zones[0]]
    return camera.lat, camera.lon


def _time(text: str, option: str) -> datetime:
    try:
        found = parse_time(text)
    except Exception as error:
        message = getattr(error, "context", None) or {}
        raise QueryError(f"{option}: {message.get('message', error)}", remedy=_typed(message)) from None
    if not isinstance(found, datetime):
        raise QueryError(f"{option} is {text!r}, which is no time")
    return found


def _typed(context: Mapping[str, str]) -> str:
    """The remedy as one types it on a command line: an offset's + is written so in addresses alone."""
    return context.get("remedy", "").replace("%2B", "+")


def _ask(config: Config, name: str, series: str) -> tuple[EffectAnswer, str] | None:
    """What the installation that runs with this configuration says; None where none answers."""
    path, params = f"/v1/interventions/{name}", {"class": series}
    told, drawn = (ask(config, f"{path}/{part}", params, timeout_s=ASK_S) for part in ("effect", "effect.svg"))
    if told is None or drawn is None:
        return None
    try:
        if told.status_code in (httpx.codes.NOT_FOUND, httpx.codes.UNPROCESSABLE_ENTITY):
            problem: dict[str, Any] = told.json()
            kind = NotFound if told.status_code == httpx.codes.NOT_FOUND else QueryError
            raise kind(problem["detail"], remedy=problem["remedy"])
        told.raise_for_status()
        drawn.raise_for_status()
        return EffectAnswer.model_validate_json(told.content), drawn.text
    except (httpx.HTTPError, json.JSONDecodeError, KeyError, ValidationError):
        return None
