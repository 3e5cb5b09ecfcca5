"""The stages as an operator starts them: processes of their own, with a configuration, a log and a way to be asked."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

_MAIN = "from busyness.command import main; main()"
_ASKED = re.compile(r"asked +(http://\S+)/readyz")
_MAP = re.compile(r"map +(http://\S+)/")


@dataclass
class Stage:
    """One process. `log` is all that it says."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self, timeout_s: float = 60.0) -> tuple[int, float]:
        """SIGTERM; its exit code, and how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s), time.monotonic() - began

    @property
    def address(self) -> str:
        """Where it is asked how it is."""
        return self._said(_ASKED)

    @property
    def api(self) -> str:
        """Where `serve` answers."""
        return self._said(_MAP)

    def ready(self) -> str | None:
        """Why it cannot work; None where it can."""
        try:
            with urlopen(f"{self.address}/readyz", timeout=5):
                return None
        except HTTPError as error:
            return str(json.loads(error.read())["reason"])
        except URLError as error:
            return f"it does not answer: {error}"

    def until_ready(self) -> None:
        """It can work."""
        until(lambda: self.ready() is None, lambda: f"{self.name} is ready: {self.ready()}: {self.log.read_text()}")

    def until_it_cannot_work(self, reason: str) -> None:
        """For a reason with these words."""

        def says_so() -> bool:
            said = self.ready()
            return said is not None and reason in said

        until(says_so, lambda: f"{self.name} says {reason!r}: {self.ready()}")

    def _said(self, words: re.Pattern[str]) -> str:
        found: list[str] = []

        def look() -> bool:
            found[:] = words.findall(self.log.read_text())
            return bool(found)

        until(look, lambda: f"{self.name} says where it listens: {self.log.read_text()}")
        return found[-1]


@dataclass
class Processes:
    """All that were started with a configuration; at the end none is left."""

    folder: Path
    config: Path
    started: list[Stage] = field(default_factory=list)

    def start(self, name: str) -> Stage:
        log = self.folder / f"{name}-{len(self.started)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-c", _MAIN, name, str(self.config)], stdout=out, stderr=subprocess.STDOUT
            )
        stage = Stage(name, log, process)
        self.started.append(stage)
        return stage

    def close(self) -> None:
        for stage in self.started:
            if stage.process.poll() is None:
                stage.kill()


def until(done: Callable[[], bool], what: Callable[[], str], timeout_s: float = 120) -> None:
    """Wait until it is so. Raises `AssertionError` with `what` where it takes too long."""
    ends = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < ends, what()
        time.sleep(0.1)
