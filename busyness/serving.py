"""`busyness run` and `busyness serve`: the API and the map, with or without the stages that fill them."""

from __future__ import annotations

import signal
import socket
from contextlib import closing
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from rich.console import Console

from aggregate.answers import Answers
from aggregate.feed import ReadingFeed
from api.app import create_app
from busyness.config import ApiConfig, Config, load_config
from busyness.desk_wiring import closing_desk, open_desk
from busyness.keeping import lasts, open_store, told
from busyness.loop_watch import watching_loops
from busyness.memory import give_memory_back
from busyness.reloading import watching
from busyness.synthetic_past import store_past
from busyness.wiring import about, effects_of, install, open_clock, usual_of
from core.clock import AcceleratedClock
from core.errors import BusynessError, ConfigError

WEB_DIST = Path(__file__).resolve().parent.parent / "api" / "web" / "dist"
LOOPBACK = ("127.", "localhost", "::1")


def run(path: Path, console: Console) -> None:
    """All stages in one process, the API and the map, until interrupted. A changed file is taken while it runs."""
    give_memory_back()
    config = load_config(path)
    clock = open_clock(config)
    with listen(config.api) as listener, closing(install(config, clock)) as installation:
        pipeline, desk = installation.pipeline, open_desk(installation)
        app = create_app(
            installation.answers,
            installation.feed,
            about(config),
            clock,
            installation.registry,
            ready=lambda: pipeline.trouble,
            web_dist=WEB_DIST,
            source_of=installation.source_of,
            desk=desk,
            effects=effects_of(config, installation.store, installation.answers),
        )
        describe(
            config, console, cameras=len(pipeline.source.cameras), model=installation.model, jail=installation.jail
        )
        if config.street is not None:
            store_past(config.street, installation.store, pipeline.aggregator, console)
            if isinstance(clock, AcceleratedClock):
                clock.begin_again()
        pipeline.start()
        installation.nightly.start()
        with watching(path, config, installation.reload), closing_desk(desk), watching_loops(installation):
            answer(app, installation.feed, listener, console)
    if pipeline.trouble:
        raise BusynessError(pipeline.trouble, remedy="its log lines say more; what was stored is safe")


def serve(config: Config, console: Console) -> None:
    """The API and the map over what is stored, without counting anything."""
    if not lasts(config):
        raise ConfigError("serve needs a store on disk", remedy="set store.path, or use busyness run")
    with listen(config.api) as listener, closing(open_store(config, read_only=True)) as store:
        clock, feed = open_clock(config), ReadingFeed()
        answers = Answers(store, clock, usual=usual_of(config, store), beside=config.beside)
        app = create_app(
            answers, feed, about(config), clock, CollectorRegistry(), ready=_nothing_runs, web_dist=WEB_DIST,
            effects=effects_of(config, store, answers),
        )  # fmt: skip
        describe(config, console, cameras=len(store.cameras()))
        answer(app, feed, listener, console)


def _nothing_runs() -> None:
    return None


def listen(api: ApiConfig) -> socket.socket:
    """The listening socket, taken before anything else starts. Raises `ConfigError` where the port is in use."""
    family = socket.AF_INET6 if ":" in api.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((api.host, api.port))
        listener.listen()  # from here on a caller waits for the server instead of being refused
    except socket.gaierror as error:
        listener.close()
        remedy = "set api.host to an address of this machine"
        raise ConfigError(f"there is no host {api.host!r}: {error.strerror}", remedy=remedy) from error
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {api.host}:{api.port}: {error.strerror or error}",
            remedy="stop what uses it, or set api.port to another number (0 takes a free one)",
        ) from error
    return listener


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def describe(
    config: Config, console: Console, *, cameras: int, model: str | None = None, jail: str | None = None
) -> None:
    """The start-up list: what runs with what."""
    console.print(config.name, style="bold", markup=False, highlight=False)
    for what, value in (
        ("source", ", ".join(one.kind for one in config.sources) if model else "none: serving what is stored"),
        ("cameras", cameras or "as the publishers list them"),
        ("model", model),
        ("jail", jail),
        ("sites", config.sites),
        ("store", told(config)),
        ("clock", f"{config.clock.speedup:g} times as fast as yours" if config.clock else None),
    ):
        if value is not None:
            console.print(f"  {what:<8} {value}", highlight=False, markup=False, soft_wrap=True)
    warn_of_strangers(config, console)


def warn_of_strangers(config: Config, console: Console) -> None:
    """Says so where not only this machine can ask."""
    if not config.api.host.startswith(LOOPBACK):
        warning = f"  warning  {config.api.host} can be reached from other machines, without a key"
        console.print(warning, style="yellow", markup=False)


class _Server(uvicorn.Server):
    """Ends the live streams first when it is told to stop: open map pages would otherwise hold it up.

    Interrupted or terminated, it returns, so that the stages end in order and the store is closed; interrupted
    again, it does not wait for anyone.
    """

    def __init__(self, config: uvicorn.Config, feed: ReadingFeed) -> None:
        super().__init__(config)
        self._feed = feed

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        self._feed.close()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def answer(app: FastAPI, feed: ReadingFeed, listener: socket.socket, console: Console) -> None:
    """Serve until interrupted."""
    where = address(listener)
    options = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=2, server_header=False
    )
    console.print(
        f"\n  map      [link={where}]{where}/[/link]\n  API      {where}/docs\n\nCtrl-C stops it.", highlight=False
    )
    _Server(options, feed).run(sockets=[listener])
