"""A feed double as a process of its own: `python tests/feed_double/serve.py --config double.json`.

It prints one line of JSON once it listens, {"addresses": {host: URL}, "traps": [[address, port]]}, and serves until it
is stopped. GET /_ledger on its control address tells what it published and saw.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from feed_double.config import DoubleConfig
from feed_double.double import CONTROL, FeedDouble


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True, help="JSON with the fields of DoubleConfig")
    parser.add_argument("--port", type=int, default=0, help="port of the control host; 0 takes a free one")
    given = parser.parse_args()
    config = DoubleConfig.read(given.config)
    config = replace(config, ports={CONTROL: given.port, **config.ports})
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(serve(FeedDouble(config, config.open_clock())))


async def serve(double: FeedDouble) -> None:
    """Until SIGTERM or SIGINT."""
    task = asyncio.current_task()
    assert task is not None
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, task.cancel)
    ready: Future[None] = Future()
    ready.add_done_callback(lambda _: announce(double))
    await double.run(ready)


def announce(double: FeedDouble) -> None:
    sys.stdout.write(json.dumps({"addresses": double.addresses, "traps": double.traps}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
