"""The schemas of what crosses the bus, as JSON Schema for whoever else wants to read it.

`python -m core.kafka.schemas` writes them anew from the records. A version that was released never changes: a record
that has changed gets a new version of its topic, which may only add fields that can be done without.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.bus import DEAD_LETTERS, REVISIONS, TOPICS, Topic
from core.kafka.envelope import schema_name

FOLDER = Path(__file__).resolve().parents[1] / "schemas"
PUBLISHED: tuple[Topic[Any], ...] = (*TOPICS, REVISIONS, DEAD_LETTERS)


def schema_of(topic: Topic[Any]) -> dict[str, Any]:
    """The schema of a topic's records, as they travel."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:busyness:schema:{schema_name(topic)}",
        **topic.record.model_json_schema(),
    }


def path_of(topic: Topic[Any]) -> Path:
    return FOLDER / f"{schema_name(topic)}.json"


def text_of(topic: Topic[Any]) -> str:
    return json.dumps(schema_of(topic), indent=2, ensure_ascii=False) + "\n"


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What of a newer version of a schema a reader of the older could not take: one line each; none where it may be.

    A reader of the older version lets go of what it does not know, and so a newer one may add fields that can be done
    without, anywhere. All that was there has to stay as it was.
    """
    found: list[str] = []
    _compare(old, new, "", found)
    return found


def _compare(old: Any, new: Any, where: str, found: list[str]) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old.keys() | new.keys():
            here = f"{where}/{name}"
            if name in ("description", "title", "$id"):
                continue
            if name not in new:
                found.append(f"{here} is gone")
            elif name not in old:
                if here != "/$defs" and not where.endswith(("/properties", "/$defs")):
                    found.append(f"{here} is new")
            elif name == "required":
                found.extend(f"{here}: {field} is {what}" for field, what in _required(old[name], new[name]))
            else:
                _compare(old[name], new[name], here, found)
    elif old != new:
        found.append(f"{where} was {old!r} and is {new!r}")


def _required(old: list[str], new: list[str]) -> list[tuple[str, str]]:
    return [(field, "required now") for field in sorted(set(new) - set(old))] + [
        (field, "no longer always there") for field in sorted(set(old) - set(new))
    ]


def main() -> None:
    """Write the schemas of this version."""
    for topic in PUBLISHED:
        path_of(topic).write_text(text_of(topic), encoding="utf-8")


if __name__ == "__main__":
    main()
