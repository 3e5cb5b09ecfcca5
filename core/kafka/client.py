"""What kafka-python's clients are told. Every default of theirs that our guarantees rest on is set on purpose."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition, errors
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.net.compat import KafkaNetClient
from kafka.net.selector import NetworkSelector
from kafka.structs import MemberState

from core.errors import BusError, ConfigError
from core.kafka.connections import STRAIGHT, Connections
from core.kafka.partitioning import KeyPartitioner
from core.kafka.settings import KafkaConfig
from core.kafka.waiting import Waiting

OPENING_S = 3.0
"""How long one attempt to reach a first broker takes, at most."""

HEARTBEAT_S = 1.0
"""Also how long it takes a worker to notice that the group shares its places anew."""

SHARING_S = 6.0
"""How long the members of a group may take to share their places anew: until each of them has noticed, and more."""

FOR_EVER_MS = 2**31 - 1

_PASSING = (
    errors.BrokerNotAvailableError,
    errors.RebalanceInProgressError,
    errors.OutOfOrderSequenceNumberError,
    errors.UnknownProducerIdError,
    errors.InvalidProducerEpochError,
    errors.NotEnoughReplicasError,
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
    errors.CommitFailedError,
    errors.IllegalStateError,  # what a producer had that was closed
    OSError,
)
"""What passes although kafka-python does not call it retriable."""

_HUNG_UP = "it hung up while we logged in: check bus.security, and its password"
"""A broker that refuses a password says so and hangs up, and kafka-python may hear only that it hung up."""

OpenedT = TypeVar("OpenedT")


def passes(error: BaseException) -> bool:
    """Whether waiting, and trying again, may help."""
    return isinstance(error, _PASSING) or bool(getattr(error, "retriable", False))


def said(error: BaseException) -> str:
    """What an error says of itself; where that is nothing, that nobody answered."""
    words = [str(part) for part in error.args if part is not None and str(part)]
    return f"{type(error).__name__}: {words[0]}" if words else f"{type(error).__name__}: no answer"


def refusal(error: BaseException, config: KafkaConfig) -> BusError:
    """What cannot heal, in words that say what to do about it."""
    if isinstance(error, errors.SaslAuthenticationFailedError | errors.UnsupportedSaslMechanismError):
        remedy = f"check bus.security and the password in {config.security.password_env}"
    elif isinstance(error, errors.AuthorizationError):
        remedy = f"allow this user the topics and groups that begin with {config.prefix!r}"
    elif isinstance(error, errors.InvalidReplicationFactorError):
        remedy = "there are fewer brokers than copies wanted: lower bus.replication, or start them"
    elif isinstance(error, errors.CorruptRecordError | errors.UnsupportedCodecError):
        remedy = "somebody wrote what no Kafka client reads: move the group past it with kafka-consumer-groups.sh"
    else:
        remedy = "see the brokers' logs"
    return BusError(f"Kafka at {', '.join(config.servers)} refuses: {said(error)}", remedy=remedy)


def build(kind: Callable[..., OpenedT], settings: Mapping[str, Any]) -> OpenedT:
    """A client of kafka-python. Raises why there is none; what it has begun by then is ended."""
    connections: list[Connections] = []

    def connected(**told: Any) -> KafkaNetClient:
        connections.append(Connections(NetworkSelector(**told), **told))
        return KafkaNetClient(connections[-1].net, connections[-1])

    try:
        return kind(**settings, kafka_client=connected)
    except errors.KafkaError as error:
        why = next((one.failure for one in connections if one.failure is not None), None)
        for one in connections:
            one.end()
        if "sasl_mechanism" in settings and "socket disconnected" in str(why):
            why = errors.KafkaConnectionError(_HUNG_UP)
        raise (why or error) from error


def opened(what: Callable[[], OpenedT], config: KafkaConfig, waiting: Waiting) -> OpenedT:
    """What could be opened once a broker answers. Raises `BusError` where it cannot be, or nobody waits any longer."""
    attempt = 0
    while True:
        try:
            made = what()
        except (errors.KafkaError, OSError) as error:
            if not passes(error):
                raise refusal(error, config) from error
            waiting.pause(f"no broker of {', '.join(config.servers)} answers: {said(error)}", attempt)
            attempt += 1
        else:
            waiting.well()
            return made


def _common(config: KafkaConfig, worker: str) -> dict[str, Any]:
    security = config.security
    told: dict[str, Any] = {
        "bootstrap_servers": list(config.servers),
        "client_id": worker,
        "proxy_url": STRAIGHT,
        "security_protocol": security.protocol,
        "ssl_check_hostname": True,
        "ssl_cafile": None if security.ca is None else str(security.ca),
        "ssl_certfile": None if security.certificate is None else str(security.certificate),
        "ssl_keyfile": None if security.key is None else str(security.key),
        "bootstrap_timeout_ms": int(OPENING_S * 1000),
        "reconnect_backoff_ms": 100,
        "reconnect_backoff_max_ms": 2_000,  # a broker that is back is to be found soon
        "metadata_max_age_ms": 60_000,  # partitions that were added are to be found
    }
    if security.mechanism is not None:
        password = os.environ.get(security.password_env)
        if not password:
            raise ConfigError(
                f"bus.security: there is no password for {security.username}",
                remedy=f"set the environment variable {security.password_env}",
            )
        told |= {
            "sasl_mechanism": security.mechanism,
            "sasl_plain_username": security.username,
            "sasl_plain_password": password,
        }
    return told


def producer_settings(config: KafkaConfig, worker: str) -> Mapping[str, Any]:
    """Of a producer that writes each record once, in order, on all replicas that are in sync, however long it takes."""
    return _common(config, worker) | {
        "acks": "all",
        "enable_idempotence": True,
        "delivery_timeout_ms": FOR_EVER_MS,  # what waits is bounded by the outbox, not by time
        "max_block_ms": int(OPENING_S * 1000),
        "request_timeout_ms": 15_000,
        "linger_ms": 50,  # few large batches are half the work, here and at the brokers; who flushes does not wait
        "batch_size": 262_144,
        "compression_type": "lz4",
        "partitioner": KeyPartitioner(),
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }


def consumer_settings(config: KafkaConfig, worker: str, group: str | None) -> Mapping[str, Any]:
    """Of a consumer that commits only what it is told to; without a group, of one that begins at the end.

    Places are shared stickily and all at once (the eager protocol): nobody works on a place that another may have,
    and none can be left without an owner between the rounds of the cooperative one.
    """
    return _common(config, worker) | {
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "latest" if group is None else "earliest",
        "isolation_level": "read_committed",
        "partition_assignment_strategy": (StickyPartitionAssignor,),
        "session_timeout_ms": int(config.session_timeout_s * 1000),
        "heartbeat_interval_ms": int(HEARTBEAT_S * 1000),
        "max_poll_interval_ms": 60_000,
        "request_timeout_ms": 15_000,
        "fetch_max_bytes": 8 * 1024 * 1024,
        "max_partition_fetch_bytes": 1024 * 1024,
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
    }


def open_consumer(
    config: KafkaConfig, worker: str, group: str | None, topic: str, listener: ConsumerRebalanceListener
) -> KafkaConsumer:
    """A consumer of one topic. Raises `kafka.errors.KafkaError` where no broker answers."""
    consumer = build(KafkaConsumer, consumer_settings(config, worker, group))
    try:
        consumer.subscribe([topic], listener=listener)
        # A group is not joined before it is known what there is to share.
        consumer.end_offsets([TopicPartition(topic, 0)], timeout_ms=int(OPENING_S * 1000))
    except BaseException:
        consumer.close(autocommit=False, timeout_ms=0)
        raise
    return consumer


def take_part(consumer: KafkaConsumer, poll_ms: int, waiting: Waiting) -> None:
    """Poll as the group expects it, and take nothing. When places are shared anew, that is seen to its end.

    kafka-python forgets a sharing that ends between two polls, and begins another one: who looks in for a moment now
    and then would keep the whole group at it. Raises `kafka.errors.KafkaError`.
    """
    ends = time.monotonic() + SHARING_S
    consumer.pause(*consumer.assignment())
    try:
        while True:
            for place, came in consumer.poll(poll_ms).items():  # of places that have just come
                consumer.seek(place, came[0].offset)
            joined = consumer.group_metadata().state == MemberState.STABLE
            if joined or waiting.stopped or time.monotonic() > ends:
                return
    finally:
        consumer.resume(*consumer.paused())


def admin_settings(config: KafkaConfig, worker: str) -> Mapping[str, Any]:
    """Of what makes topics and reads how far groups are."""
    return _common(config, worker) | {"request_timeout_ms": 15_000}
