"""A configuration that is changed while it runs: taken where it is valid, and told in one line where it is not."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from busyness.config import Config, load_config
from busyness.site_files import FolderState, folder_state
from core.errors import BusynessError

log = logging.getLogger(__name__)

LOOK_S = 2.0

TAKEN_WHILE_RUNNING = frozenset(("sources", "cameras", "sites", "alerts"))


def changes(before: Config, after: Config) -> tuple[frozenset[str], frozenset[str]]:
    """The settings that differ: those that can be taken while it runs, and those that wait for the next start."""
    differ = {name for name in Config.model_fields if getattr(before, name) != getattr(after, name)}
    return frozenset(differ & TAKEN_WHILE_RUNNING), frozenset(differ - TAKEN_WHILE_RUNNING)


class ConfigWatch:
    """Looks at the file and at its site files every two seconds, and at once when `look` is set (SIGHUP does).

    `apply` is given every new valid configuration that differs in what can be taken while it runs, and the same one
    again when a site file has changed: it reads them. What is not valid changes nothing: what ran goes on, and the log
    says what is wrong with the file.
    """

    def __init__(self, path: Path, config: Config, apply: Callable[[Config], None]) -> None:
        self.look = threading.Event()
        self._path = path
        self._config = config
        self._apply = apply
        self._sites = config.sites
        self._seen = self._state()
        self._stopping = threading.Event()

    def start(self) -> None:
        """Look from now on, in a thread of its own."""
        threading.Thread(target=self._run, name="config", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self.look.set()

    def check(self, *, asked: bool = False) -> None:
        """Take what has changed since it was last looked at, or because somebody `asked` for it."""
        state, before = self._state(), self._seen
        if state == before and not asked:
            return
        self._seen = state
        try:
            config = load_config(self._path)
            self._sites = config.sites  # also where they are not taken: a file of them may be what has to be mended
            taken, later = changes(self._config, config)
            if taken or asked or state[1] != before[1]:
                self._apply(config)
        except BusynessError as error:
            log.error("the changed configuration is not used, what ran goes on: %s", error)
            return
        except Exception:  # a mistake of ours must not end the watch over the file
            log.exception("the changed configuration could not be taken")
            return
        self._config = config
        if taken:
            log.warning("configuration taken: %s", ", ".join(sorted(taken)))
        if later:
            log.warning("changed for the next start only: %s", ", ".join(sorted(later)))

    def _run(self) -> None:
        while not self._stopping.is_set():
            asked = self.look.wait(LOOK_S)
            self.look.clear()
            if not self._stopping.is_set():
                self.check(asked=asked)

    def _state(self) -> tuple[tuple[int, int] | None, FolderState | None]:
        """What changes with the file and with its sites; None for what is not there, as between two versions of it."""
        sites = folder_state(self._sites)
        try:
            info = self._path.stat()
        except OSError:
            return None, sites
        return (info.st_mtime_ns, info.st_size), sites


@contextmanager
def watching(path: Path, config: Config, apply: Callable[[Config], None]) -> Iterator[None]:
    """Within it a changed configuration is taken: when the file changes, and at once on SIGHUP."""
    watch = ConfigWatch(path, config, apply)
    watch.start()
    heard = hasattr(signal, "SIGHUP") and threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGHUP, lambda *_: watch.look.set()) if heard else None
    try:
        yield
    finally:
        watch.stop()
        if before is not None:
            signal.signal(signal.SIGHUP, before)
