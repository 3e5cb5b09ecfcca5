"""docs/operations.md and the alarms name what there is, and all of it: commands, metrics, alarms, variables, ports."""

from __future__ import annotations

import re
import shlex
from types import SimpleNamespace
from typing import Any, cast

import pytest
from deployed import DEPLOY, ROOT, cluster, documents, refused, said_in_code

from busyness.cluster.traffic import TrafficMeters
from core.kafka.bus import KafkaBus
from core.kafka.settings import KafkaConfig

GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
(RULES,) = documents(DEPLOY / "prometheus" / "alerts.yaml")
ALARMS: dict[str, dict[str, Any]] = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"]}


def metrics() -> frozenset[str]:
    """The names of what is measured, as the code has them: without what Prometheus adds to them."""
    bus = cast(KafkaBus, SimpleNamespace(sent=[], received=[]))
    of_the_bus = {family.name for family in TrafficMeters(bus).collect()}
    return frozenset(of_the_bus | {word for word in said_in_code() if word.startswith("busyness_") and word[-1] != "_"})


def named_metrics(text: str) -> set[str]:
    """Those that a text names, without what Prometheus adds to them."""
    return {re.sub("_(total|bucket)$", "", name) for name in re.findall(r"\bbusyness_(?!api\b|reader\b)\w+", text)}


def called(text: str) -> list[str]:
    """What follows `busyness` where it is called: in code, in the text and in blocks."""
    blocks = re.findall(r"^(?:    |\$ )(?:\.venv/bin/)?busyness +(.*)$", text, re.MULTILINE)
    inline = re.findall(r"`(?:\.venv/bin/)?busyness ([a-z][^`]*)`", text)
    return [re.split(r"\s{2,}| {1,}(?:\||>|<) ?", line)[0].rstrip("\\ ") for line in (*blocks, *inline)]


@pytest.mark.parametrize("line", sorted(set(called(GUIDE))))
def test_every_command_of_the_guide_is_one(line: str) -> None:
    words = shlex.split(line.replace("'", ""))
    assert refused(words) is None


def test_the_guide_calls_the_commands_of_a_cluster() -> None:
    """So that the test above has something to hold it against."""
    lines = called(GUIDE)
    for begin in ("run", "store migrate", "store copy", "store retain", "store check", "dead-letters", "cameras"):
        assert any(line.startswith(begin) for line in lines), begin


def test_the_guide_names_every_metric_and_no_other() -> None:
    assert named_metrics(GUIDE) == metrics()


def test_alarms_watch_what_is_measured() -> None:
    for name, rule in ALARMS.items():
        named = named_metrics(rule["expr"])
        assert named <= metrics(), name
        assert named or name == "WorkerAway"
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert "summary" in rule["annotations"]


def test_the_guide_says_what_each_alarm_means_and_what_to_do() -> None:
    table = GUIDE.partition("### What each alarm means")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    assert [alarm for alarm, _, _ in rows] == list(ALARMS)


def test_alarms_know_how_many_partitions_there_are() -> None:
    bus = cluster().bus
    assert isinstance(bus, KafkaConfig)
    expression = ALARMS["NobodyHasPlaces"]["expr"]
    assert set(re.findall(r"< (\d+)", expression)) == {str(bus.partitions)}
    assert f"of {bus.partitions} partitions" in ALARMS["NobodyHasPlaces"]["annotations"]["summary"]


def test_labels_that_alarms_choose_by_are_values_that_there_are() -> None:
    """A value that there is not would make an alarm silent for good."""
    chosen = {
        (label, value)
        for rule in ALARMS.values()
        for label, values in re.findall(r'\b(topic|state)=~?"([^"]+)"', rule["expr"])
        for value in values.split("|")
    }
    assert {label for label, _ in chosen} == {"topic", "state"}
    assert {value for _, value in chosen} <= said_in_code()


def test_every_file_and_every_variable_that_is_named_is_there() -> None:
    text = GUIDE + (ROOT / "configs" / "cluster.yaml").read_text(encoding="utf-8")
    files = re.findall(r"\b((?:deploy|configs|docs)/[\w./-]+\w)", text)
    assert [name for name in files if not (ROOT / name).exists()] == []
    variables = set(re.findall(r"\b(BUSYNESS_[A-Z_]+|TFL_[A-Z_]+)\b", text))
    assert variables <= said_in_code() | {"BUSYNESS_WEBHOOK_SECRET"}  # that one is the operator's own


def test_settings_that_are_named_are_settings() -> None:
    """`bus.partitions` and the like, as deep as they are written."""
    config = cluster()
    sections = [name for name in type(config).model_fields if hasattr(type(getattr(config, name)), "model_fields")]
    for path in set(re.findall(rf"`((?:{'|'.join(sections)})(?:\.\w+)+)`", GUIDE)):
        part: Any = config
        for name in path.split("."):
            assert name in type(part).model_fields, path
            part = getattr(part, name)
