"""When two names are of one camera: the one rule by which what operators write meets what publishers and files say."""

from __future__ import annotations

from collections.abc import Iterable

_TFL_PREFIX = "JamCams_"


class CameraIds:
    """The ids of a configuration, to be found by the names that publishers and files give their cameras.

    Publishers put their own parts before a camera's number: TfL's camera 06710 is `00001.06710` in its bucket and
    `JamCams_00001.06710` in its list. So names agree where one is the other, or its last parts.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = frozenset(ids)
        self._by_last_part: dict[str, list[str]] = {}
        for known in sorted(self._ids):
            self._by_last_part.setdefault(_parts(known)[-1], []).append(known)

    def find(self, name: str) -> str | None:
        """The id that `name` stands for; None where there is none, or several could be meant."""
        if name in self._ids:
            return name
        parts = _parts(name)
        alike = [known for known in self._by_last_part.get(parts[-1], ()) if _agree(_parts(known), parts)]
        return alike[0] if len(alike) == 1 else None


def without_prefix(name: str) -> str:
    """TfL's own name of a camera without the word that it puts before all of them: `00001.06710`."""
    return name.removeprefix(_TFL_PREFIX)


def _parts(name: str) -> list[str]:
    return without_prefix(name).split(".")


def _agree(some: list[str], others: list[str]) -> bool:
    shared = min(len(some), len(others))
    return some[-shared:] == others[-shared:]
