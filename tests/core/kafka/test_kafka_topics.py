"""How the brokers are told to keep the topics: nothing grows for good but what somebody has to look at."""

from __future__ import annotations

import pytest

from core.bus import DEAD_LETTERS, REVISIONS, TOPICS
from core.kafka.settings import KafkaConfig
from core.kafka.topics import settings_of

CONFIG = KafkaConfig(kind="kafka", servers=("127.0.0.1:9092",), retention_hours=48, partitions=10_000)
KEPT_MS = str(48 * 3_600_000)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_records_go_after_the_retention_of_the_bus(topic: object) -> None:
    settings = settings_of(topic, CONFIG)  # type: ignore[arg-type]
    assert (settings["cleanup.policy"], settings["retention.ms"]) == ("delete", KEPT_MS)


def test_of_revisions_the_newest_stays_and_goes_with_its_age_too() -> None:
    """There is a key for each zone and window, more every minute: compaction alone would never be done with them."""
    settings = settings_of(REVISIONS, CONFIG)
    assert (settings["cleanup.policy"], settings["retention.ms"]) == ("compact,delete", KEPT_MS)


def test_a_dead_letter_stays_until_it_is_struck() -> None:
    settings = settings_of(DEAD_LETTERS, CONFIG)
    assert (settings["cleanup.policy"], settings["retention.ms"]) == ("compact", "-1")
