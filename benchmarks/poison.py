"""One record of a hundred is poison, and one clip of a hundred is broken: `make bench-poison`.

A broker, a PostgreSQL, a detect and an aggregate worker take played observations and real clips, among which every
hundredth is not what it should be: no JSON, cut off, of another schema, with a field that would carry pixels, with
another's key, too large, without headers, of a newer year than now, a clip of a camera that nobody has, a clip whose
file is no video. All of it has to end among the dead letters with a reason, and everything else in its table.

    poisoned       records and clips that were put among the good ones
    dead_lettered  letters about them, each with a reason
    lag_left       records that the workers have not committed at the end
    stored         good observations and clips that are stored, of `good`
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from kafka import KafkaProducer
from local_cluster.days import DAYS, LONDON, NEEDS
from local_cluster.played import played, played_cameras
from local_cluster.workers import Workers, wait_until
from services.kafka_broker import KafkaCluster
from services.postgres_server import PostgresServer

from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_store import PostgresStore
from busyness.config import load_config
from core.bus import CLIPS, OBSERVATIONS, Topic
from core.clock import SystemClock
from core.kafka.bus import KafkaBus
from core.kafka.envelope import headers_of
from core.kafka.lag import lag_of
from core.kafka.letters import DeadLetters
from core.kafka.settings import KafkaConfig
from core.kafka.topics import name_of
from core.records import ClipReady, CountObservation, observation_id
from ingest.folder import FolderConfig, FolderSource

CAMERAS, MINUTES = 200, 50
EVERY = 100
PATIENCE_S = 600.0


class Raw(NamedTuple):
    """A record as it goes to the broker."""

    topic: Topic[Any]
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


class Wrong(NamedTuple):
    """A way in which a record is poison: a good one made bad."""

    what: str
    of: Callable[[Raw, int, Path], Raw]


def main() -> None:
    asked = arguments()
    if not DAYS.is_dir():
        print(f"bench-poison needs {NEEDS}, which are not on this machine", file=sys.stderr)
        print(json.dumps({"name": "poison", "figures": {}, "needs": NEEDS}))
        return
    with ExitStack() as stack:
        scratch = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch.mkdir(parents=True, exist_ok=True)
        kafka = stack.enter_context(KafkaCluster(scratch / "kafka"))
        postgres = stack.enter_context(closing(PostgresServer.started()))
        figures = poisoned(kafka.config(prefix="poison"), postgres, scratch)
    print(json.dumps({"name": "poison", "figures": figures}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="a folder for logs; removed by default")
    return parser.parse_args()


def poisoned(bus: KafkaConfig, postgres: PostgresServer, scratch: Path) -> dict[str, int]:
    """Publish good and bad, let the workers at them, and look where everything is."""
    stored, city = postgres.config(), played_cameras(CAMERAS)
    real = load_config(LONDON).cameras
    with closing(PostgresStore.open(stored)) as store:
        store.save_cameras([*real, *city])
    good: list[CountObservation | ClipReady] = [*played(city, MINUTES)]
    good += FolderSource(FolderConfig(path=DAYS), real).clips()
    wrongs = publish(bus, good, scratch)
    # A clip that cannot be examined is a row too, which says so; a counted one is a row of the camera's one zone.
    rows = len(good) + wrongs[NO_VIDEO]

    def counted() -> int:
        return int(str(postgres.execute(f"SELECT count(*) FROM {stored.schema_name}.observations")[0][0]))

    def lag() -> int:
        return lag_of(bus, CLIPS, "detect").waiting + lag_of(bus, OBSERVATIONS, "aggregate").waiting

    with Workers(configuration(bus, stored), {"detect": 1, "aggregate": 1}, scratch):
        wait_until(lambda: counted() >= rows and lag() == 0, PATIENCE_S, 1.0)
        left, found = lag(), counted()
        with DeadLetters(bus, "poison", SystemClock()) as box:
            letters = box.all()
    for reason, times in Counter(
        f"{letter.topic}: {re.sub('[0-9]+', 'N', letter.reason)[:90]}" for letter in letters
    ).most_common():
        print(f"{times:5} {reason}", file=sys.stderr)
    return {
        "poisoned": wrongs.total(),
        "dead_lettered": sum(1 for letter in letters if letter.reason),
        "lag_left": left,
        "good": len(good),
        "stored": found - wrongs[NO_VIDEO],
    }


def publish(bus: KafkaConfig, good: Sequence[CountObservation | ClipReady], scratch: Path) -> Counter[str]:
    """Publish the good ones, and after every hundredth a bad one; how often each way to be bad."""
    (scratch / "broken.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(5_000))
    with KafkaBus(bus, "player", SystemClock()) as player:
        for topic in (CLIPS, OBSERVATIONS):
            player.subscribe(topic, group="player").poll(1, 0.1)  # the topics are made
    ways = {OBSERVATIONS: cycle([*OF_ANY, *OF_OBSERVATIONS]), CLIPS: cycle([*OF_CLIPS, *OF_ANY])}
    wrongs: Counter[str] = Counter()
    producer = KafkaProducer(bootstrap_servers=list(bus.servers), acks="all", linger_ms=20)
    for number, record in enumerate(good):
        topic = OBSERVATIONS if isinstance(record, CountObservation) else CLIPS
        raw = raw_of(topic, record)
        send(producer, bus, raw)
        if number % EVERY == EVERY // 2:
            wrong = next(ways[topic])
            send(producer, bus, wrong.of(raw, number, scratch))
            wrongs[wrong.what] += 1
    producer.flush()
    producer.close()
    return wrongs


def raw_of(topic: Topic[Any], record: CountObservation | ClipReady) -> Raw:
    (headers,) = headers_of(topic, [topic.identity(record)], "player")
    return Raw(topic, topic.key(record).encode(), topic.payload_of(record), headers)


def send(producer: KafkaProducer, bus: KafkaConfig, raw: Raw) -> None:
    producer.send(name_of(raw.topic, bus), key=raw.key, value=raw.value, headers=raw.headers)


def changed(raw: Raw, **parts: object) -> Raw:
    """The record with other parts of its JSON."""
    return raw._replace(value=json.dumps(json.loads(raw.value) | parts).encode())


def of_next_year(raw: Raw, number: int) -> Raw:
    """An observation from the future, whole in itself."""
    one = CountObservation.model_validate_json(raw.value)
    event_time = datetime.now(UTC).replace(microsecond=0) + timedelta(days=366, seconds=number)
    told = one.model_copy(
        update={
            "event_time": event_time,
            "counted_at": event_time,
            "id": observation_id(one.camera, one.zone, event_time, one.model),
        }
    )
    return raw_of(OBSERVATIONS, told)


def of_nobody(raw: Raw, number: int) -> Raw:
    clip = ClipReady.model_validate_json(raw.value).model_copy(update={"camera": f"nobody-{number}"})
    return raw_of(CLIPS, clip)


def of_no_video(raw: Raw, number: int, scratch: Path) -> Raw:
    clip = ClipReady.model_validate_json(raw.value)
    later = clip.event_time + timedelta(seconds=30 + number % 60)
    return raw_of(CLIPS, clip.model_copy(update={"event_time": later, "location": str(scratch / "broken.mp4")}))


NO_VIDEO = "a file that is no video"
OF_ANY = (
    Wrong("no JSON", lambda raw, number, _: raw._replace(value=f"\x00\xff{number}".encode("latin-1"))),
    Wrong("cut off", lambda raw, _, __: raw._replace(value=raw.value[: len(raw.value) // 2])),
    Wrong("a field for pixels", lambda raw, _, __: changed(raw, pixels="iVBORw0KGgo=")),
    Wrong("another's key", lambda raw, _, __: raw._replace(key=b"somebody")),
    Wrong("too large", lambda raw, _, __: raw._replace(value=raw.value[:-1] + b" " * 200_000 + b"}")),
    Wrong("no headers", lambda raw, _, __: raw._replace(headers=[])),
    Wrong("of another topic", lambda raw, _, __: raw._replace(headers=[("ce_type", b"city.busyness.weather.v1")])),
)
OF_OBSERVATIONS = (
    Wrong("another's id", lambda raw, number, _: changed(raw, id=f"{number:032x}")),
    Wrong("from the future", lambda raw, number, _: of_next_year(raw, number)),
    Wrong("counts below zero", lambda raw, _, __: changed(raw, frames=-1)),
)
OF_CLIPS = (
    Wrong(NO_VIDEO, of_no_video),
    Wrong("of a camera that nobody has", lambda raw, number, _: of_nobody(raw, number)),
)


def configuration(bus: KafkaConfig, stored: PostgresConfig) -> dict[str, Any]:
    return {
        **yaml.safe_load(LONDON.read_text(encoding="utf-8")),
        "sources": [{"kind": "folder", "path": str(DAYS)}],
        "bus": bus.model_dump(mode="json", exclude_none=True),
        "store": stored.model_dump(mode="json", by_alias=True, exclude_none=True),
        "detect": {"workers": 1},
        "worker": {"port": None},
        "map": {},
    }


if __name__ == "__main__":
    main()
