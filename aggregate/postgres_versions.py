"""Whether what a process keeps a copy of is still what is stored: others write it too."""

from __future__ import annotations

from aggregate.postgres_engine import Engine

CAMERAS, BASELINES = "cameras", "baselines"


def version(engine: Engine, what: str) -> int:
    """A number that is another one whenever this was changed."""
    ((number,),) = engine.select("SELECT version FROM versions WHERE what = %(what)s", {"what": what})
    return int(number)


def changed(engine: Engine, what: str) -> None:
    """Say that this is changed by the open transaction; who changes it too waits until it has ended."""
    engine.write("UPDATE versions SET version = version + 1 WHERE what = %(what)s", {"what": what})
