"""The `busyness` command. Every word here is documented by --help; the work is done in the modules beside it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from busyness import DEFAULT_MODEL, analysis_commands, store_commands
from busyness.command_words import AsJson, ConfigPath, ModelSpec, names, open_console
from core.errors import BusynessError, ConfigError, ModelError, SourceError

app = typer.Typer(
    name="busyness",
    help="How busy a city's streets are, from public cameras, without knowing who is there.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def run(config: ConfigPath) -> None:
    """Run every stage in one process, with the API and the map."""
    from busyness.serving import run as run_installation

    run_installation(config, open_console())


@app.command()
def serve(config: ConfigPath) -> None:
    """Serve the API and the map over what is stored: after a replay, or in a cluster, with readings as they come."""
    from busyness.config import DuckDBConfig, load_config

    loaded = load_config(config)
    if isinstance(loaded.store, DuckDBConfig):
        from busyness.serving import serve as serve_file

        serve_file(loaded, open_console())
    else:
        from busyness.cluster.serving import serve as serve_database

        serve_database(loaded, open_console())


@app.command()
def ingest(config: ConfigPath) -> None:
    """Find clips: the ingest stage of a cluster, in a process of its own. Several share the cameras between them."""
    from busyness.cluster.ingesting import ingest as run_stage

    run_stage(config, open_console())


@app.command()
def detect(config: ConfigPath) -> None:
    """Count clips: the detect stage of a cluster, in a process of its own. Start as many as there is work for."""
    from busyness.cluster.stages import detect as run_stage
    from busyness.config import load_config

    run_stage(load_config(config), open_console())


@app.command()
def aggregate(config: ConfigPath) -> None:
    """Store counts and derive readings: the aggregate stage of a cluster, in a process of its own."""
    from busyness.cluster.stages import aggregate as run_stage
    from busyness.config import load_config

    run_stage(load_config(config), open_console())


@app.command(name="dead-letters")
def dead_letters(
    config: ConfigPath,
    action: Annotated[str, typer.Argument(metavar="[list|show|replay|drop]", help="what to do")] = "list",
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="with which: as clips/3/42")] = None,
    *,
    topic: Annotated[str | None, typer.Option(help="those of this topic alone: clips, observations, ...")] = None,
    everything: Annotated[bool, typer.Option("--all", help="with all of them")] = False,
    as_json: AsJson = False,
) -> None:
    """What no worker of a cluster could handle, and why: look at it, send it to its topic again, or drop it."""
    from busyness.config import load_config
    from busyness.dead_letters import Action, Asked, answer

    if action not in tuple(Action):
        raise typer.BadParameter(f"{action!r} is none of {', '.join(Action)}")
    asked = Asked(Action(action), tuple(ids or ()), topic, everything)
    if answer(load_config(config), asked, open_console(), as_json=as_json):
        raise typer.Exit(1)


@app.command()
def count(
    sources: Annotated[
        list[str], typer.Argument(metavar="PATH|URL...", help="clips, pictures, folders of them, http(s) addresses")
    ],
    as_json: AsJson = False,
    model: ModelSpec = DEFAULT_MODEL,
    frames: Annotated[int, typer.Option(min=1, max=250, help="frames sampled from each clip")] = 6,
    private: Annotated[
        list[str] | None,
        typer.Option("--private-network", metavar="NETWORK", help="may be fetched from, as 192.168.1.0/24"),
    ] = None,
) -> None:
    """Count what is present in clips and pictures. Nothing is stored."""
    from busyness.counting import count_sources

    networks = tuple(private or ())
    console, notes = open_console(), open_console(stderr=True)
    count_sources(sources, model, frames, networks, as_json=as_json, console=console, notes=notes)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="recorded clips, a folder a camera")],
    config: Annotated[Path, typer.Option("--config", "-c", metavar="CONFIG", help="names the cameras and the store")],
) -> None:
    """Run recorded clips through the whole pipeline at full speed; event time comes from the recording."""
    from busyness.config import load_config
    from busyness.replaying import replay as replay_folder
    from busyness.replaying import show

    console = open_console(stderr=True)
    replayed = replay_folder(load_config(config), folder, console)
    show(replayed, open_console())
    if len(replayed.tally.status_of) != replayed.clips:
        raise typer.Exit(1)


@app.command()
def rebuild(config: ConfigPath) -> None:
    """Derive every stored reading anew, for instance after the policy or a camera's cadence has changed."""
    from busyness.config import load_config
    from busyness.wiring import rebuild_readings

    changed = rebuild_readings(load_config(config))
    open_console().print(f"{changed} readings changed; the earlier ones still answer as_of", highlight=False)


@app.command()
def evaluate(
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="a folder of labelled frames: ID.json and ID.png")],
    *,
    models: Annotated[
        list[str] | None, typer.Option("--model", help="may be given several times; the first is compared to")
    ] = None,
    references: Annotated[
        Path | None, typer.Option(help="a folder of reference detectors, measured the same way beside ours")
    ] = None,
    footage: Annotated[
        Path | None, typer.Option(help="where the clips lie that labels without ID.png name; beside LABELS by default")
    ] = None,
    cameras: Annotated[str, typer.Option(help="only these cameras, as 06710,07450")] = "",
    without: Annotated[str, typer.Option("--except", help="not these cameras, as 06710,07450")] = "",
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="write a page with tables and plots, all in one file")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the error of counting models on frames labelled by eye, by class, size, camera and lighting."""
    from busyness.evaluating import FramesAsked, Shown, evaluate_models

    asked = FramesAsked(labels, footage, names(cameras), names(without))
    shown = Shown(open_console(stderr=as_json), as_json, report)
    evaluate_models(asked, models or [DEFAULT_MODEL], references, shown)


@app.command()
def validate(
    camera: Annotated[str, typer.Argument(metavar="CAMERA", help="the id of a camera of the configuration")],
    config: Annotated[Path, typer.Option("--config", "-c", metavar="CONFIG", help="names the cameras and the store")],
    counts: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="counts by hand: time, zone, class, count")
    ] = None,
    *,
    local_time: Annotated[
        bool, typer.Option("--local-time", help="times without an offset are in the camera's time zone")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the figures and keep nothing")] = False,
    listed: Annotated[bool, typer.Option("--list", help="list the camera's calibrations")] = False,
    drop: Annotated[int | None, typer.Option(metavar="N", help="stop using version N; it stays on record")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a camera's stored counts against counts by hand, and calibrate it from them."""
    from busyness import validating
    from busyness.config import load_config
    from core.clock import SystemClock

    if (counts is not None) + listed + (drop is not None) != 1:
        raise typer.BadParameter("say one of --counts FILE.csv, --list and --drop N")
    console, clock, installation = open_console(stderr=as_json), SystemClock(), load_config(config)
    if counts is not None:
        asked = validating.Counts(counts, local_time, dry_run)
        answer = validating.validate(installation, camera, asked, clock)
        validating.write_json(answer) if as_json else validating.show(answer, console)
        return
    if drop is not None:
        validating.drop(installation, camera, drop, clock)
    found = validating.versions(installation, camera)
    validating.write_json(found) if as_json else validating.show_versions(found, console)


@app.command()
def cameras(
    config: ConfigPath,
    names: Annotated[list[str] | None, typer.Argument(metavar="[CAMERA...]", help="only these cameras")] = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="fetch and count the newest clip of each, once, now")] = False,
    health: Annotated[
        bool, typer.Option("--health", help="how each is, since when and why, as busyness run knows")
    ] = False,
    views: Annotated[
        bool, typer.Option("--views", help="the lasting views of each, and which of them are counted")
    ] = False,
    confirm_view: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="the zones fit view N of this camera: it is counted")
    ] = None,
    unconfirm_view: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="view N of this camera is not counted, or not any more")
    ] = None,
    forget_views: Annotated[
        bool, typer.Option("--forget-views", help="learn all views of this camera anew, the first one too")
    ] = False,
    by: Annotated[str, typer.Option(metavar="NAME", help="who says so of a view; it is kept")] = "",
    as_json: AsJson = False,
) -> None:
    """List the cameras of a configuration and their zones, check what they give now, or show how they are.

    With --check, a view that the installation does not count is not counted.
    It asks at half of each source's limits (its requests_per_minute, concurrency):
    an installation may be running beside it.

    What is said of a view with --by NAME holds from the camera's next clip on.

    Exit codes:
    0  all that was asked for could be had
    1  a list of cameras could not (with --json: a line with source and trouble),
       or with --check a camera that its publisher has not withdrawn;
       no such camera or view; --health, and nothing has run yet
    2  wrong usage, or a configuration that cannot be used
    """
    from busyness import camera_check, camera_views
    from busyness import cameras as shown
    from busyness.config import load_config
    from core.clock import SystemClock
    from detect.view_word import Saying, Word

    said = {Saying.CONFIRM: confirm_view, Saying.UNCONFIRM: unconfirm_view}
    words: list[tuple[Saying, int | None]] = [(saying, view) for saying, view in said.items() if view is not None]
    words += [(Saying.FORGET, None)] if forget_views else []
    if check + health + views + len(words) > 1:
        options = "--check, --health, --views, --confirm-view, --unconfirm-view and --forget-views"
        raise typer.BadParameter(f"say one of {options}")
    if words and not by:
        raise typer.BadParameter("say who says so of the view: --by NAME")
    loaded, chosen, console, notes = load_config(config), names or (), open_console(), open_console(stderr=True)
    complete = True
    if check:
        complete = camera_check.check(loaded, chosen, as_json=as_json, console=console, notes=notes)
    elif words:
        ((saying, view),) = words
        camera_views.say(loaded, chosen, Word(said=saying, epoch=view, by=by, at=SystemClock().now()))
    elif views:
        camera_views.show_views(loaded, chosen, as_json=as_json, console=console)
    elif health:
        shown.show_health(shown.health(loaded, chosen), as_json=as_json, console=console)
    else:
        complete = shown.show_list(loaded, chosen, as_json=as_json, console=console, notes=notes)
    if not complete:
        raise typer.Exit(1)


@app.command()
def calibrate(
    config: ConfigPath,
    camera: Annotated[
        str | None, typer.Argument(metavar="[CAMERA]", help="by default every site file is listed, and fitted if due")
    ] = None,
    *,
    new: Annotated[bool, typer.Option("--new", help="make a site file for a camera that has none")] = False,
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y,LAT,LON[,ERROR_M][,WHAT]", help="a point of the picture on the map; repeatable"),
    ] = None,
    zone: Annotated[
        list[str] | None,
        typer.Option(metavar="ID:KIND:NAME:x,y ...", help="a zone by its corners in the picture; repeatable"),
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="a point or a zone that is to go; repeatable")
    ] = None,
    check: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="draw what was fitted, without pixels")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the figures and keep nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """Tie a camera's picture to the ground: fit its site file, check it, and say how far areas can be trusted."""
    from busyness import calibrating
    from busyness.config import load_config
    from busyness.site_edits import Edits

    edits = Edits(tuple(point or ()), tuple(zone or ()), tuple(remove or ()))
    if camera is None and (new or edits or check is not None):
        raise typer.BadParameter("--new, --point, --zone, --remove and --check are for one camera: name it")
    asked = calibrating.Asked(camera, edits, new=new, dry_run=dry_run, check=check)
    if not calibrating.answer(load_config(config), asked, open_console(), as_json=as_json):
        raise typer.Exit(1)


for command in (
    analysis_commands.baselines,
    analysis_commands.report,
    analysis_commands.interventions,
    analysis_commands.backtest,
):
    app.command()(command)
app.add_typer(store_commands.app, name="store")


def main() -> None:
    """The entry point: an expected error is one clear message and an exit code, never a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except (ConfigError, SourceError, ModelError) as error:
        _fail(error, 2)
    except BusynessError as error:
        _fail(error, 1)
    except ValidationError as error:
        _fail(BusynessError(str(error)), 2)


def _fail(error: BusynessError, code: int) -> None:
    notes = open_console(stderr=True)
    notes.print("error", style="red", end=" ")
    notes.print(error.message, highlight=False, markup=False, soft_wrap=True)
    if error.remedy:
        notes.print(f"      {error.remedy}", highlight=False, markup=False, soft_wrap=True)
    sys.exit(code)
