"""Who we are and whom we trust, against a broker that asks: SCRAM over TLS, by an authority made for the test."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bus_records import clip
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, errors
from services.kafka_broker import KafkaCluster, Secured, kafka_or_skip, make_certificates

from core.bus import CLIPS
from core.clock import SystemClock
from core.errors import BusError, ConfigError
from core.kafka import client as client_module
from core.kafka.bus import KafkaBus
from core.kafka.client import admin_settings, build, consumer_settings, producer_settings
from core.kafka.settings import KafkaConfig, KafkaSecurity

CLOCK = SystemClock()
PASSWORD = "BUSYNESS_KAFKA_PASSWORD"
ASKED = KafkaConfig(
    kind="kafka",
    servers=("broker:9093",),
    security=KafkaSecurity(protocol="SASL_SSL", mechanism="SCRAM-SHA-512", username="busyness", ca=Path("ca.pem")),
)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    with kafka_or_skip(tmp_path_factory.mktemp("secured"), secured=Secured()) as cluster:
        yield cluster


def test_what_our_guarantees_rest_on_is_set_on_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    """kafka-python 3.0 would commit by itself, read what may be taken back, and begin at the end."""
    monkeypatch.setenv(PASSWORD, "secret")
    consumer = consumer_settings(ASKED, "w", "busyness.detect")
    assert consumer["enable_auto_commit"] is False
    assert consumer["isolation_level"] == "read_committed"
    assert consumer["auto_offset_reset"] == "earliest"
    assert [assignor.name for assignor in consumer["partition_assignment_strategy"]] == ["sticky"]
    assert consumer_settings(ASKED, "w", None)["auto_offset_reset"] == "latest"
    producer = producer_settings(ASKED, "w")
    assert producer["acks"] == "all"
    assert producer["enable_idempotence"] is True
    for settings in (consumer, producer, admin_settings(ASKED, "w")):
        assert settings["security_protocol"] == "SASL_SSL"
        assert settings["ssl_check_hostname"] is True
        assert settings["sasl_plain_password"] == "secret"
        assert not settings.get("allow_auto_create_topics", False)


def test_a_password_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD, raising=False)
    with pytest.raises(ConfigError, match=f"set the environment variable {PASSWORD}"):
        producer_settings(ASKED, "w")


def test_no_client_logs_the_password(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """However much is logged. None of them finds a broker."""
    monkeypatch.setenv(PASSWORD, "a-secret-password")
    monkeypatch.setattr(client_module, "OPENING_S", 0.05)
    security = KafkaSecurity(protocol="SASL_PLAINTEXT", mechanism="SCRAM-SHA-512", username="busyness")
    plain = KafkaConfig(kind="kafka", servers=("127.0.0.1:9",), security=security)
    with caplog.at_level(logging.DEBUG):
        for kind, settings in (
            (KafkaAdminClient, admin_settings(plain, "w")),
            (KafkaConsumer, consumer_settings(plain, "w", "g")),
            (KafkaProducer, producer_settings(plain, "w")),
        ):
            with pytest.raises(errors.KafkaError):
                build(kind, settings)
    assert caplog.text, "what is logged is seen here"
    assert "a-secret-password" not in caplog.text


@pytest.mark.service
def test_records_cross_tls_for_who_has_the_password(secured: KafkaCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    assert secured.secured is not None
    monkeypatch.setenv(PASSWORD, secured.secured.password)
    with KafkaBus(secured.config("mine"), "one", CLOCK) as bus:
        bus.publish(CLIPS, clip())
        bus.flush()
        records = bus.subscribe(CLIPS, group="detect")
        ends = time.monotonic() + 20
        found: list[object] = []
        while not found and time.monotonic() < ends:
            found += records.poll(1, 0.5)
        assert found == [clip()]
        assert records.commit()


@pytest.mark.service
def test_a_wrong_password_is_said(secured: KafkaCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an error, or, where the broker was heard to hang up alone, as what is waited for."""
    monkeypatch.setenv(PASSWORD, "wrong")
    said = ""
    with KafkaBus(secured.config("mine"), "one", CLOCK) as bus:
        records = bus.subscribe(CLIPS, group="detect")
        ends = time.monotonic() + 60
        while "check bus.security" not in said and time.monotonic() < ends:
            try:
                assert list(records.poll(1, 0.1)) == []
                said = str(bus.trouble)
            except BusError as error:
                said = str(error)
    assert "check bus.security" in said


@pytest.mark.service
def test_a_broker_of_another_authority_is_not_spoken_with(
    secured: KafkaCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD, "never sent")
    make_certificates(tmp_path)
    security = secured.security.model_copy(update={"ca": tmp_path / "ca.pem"})
    with KafkaBus(secured.config("mine", security=security), "one", CLOCK) as bus:
        assert list(bus.subscribe(CLIPS, group="detect").poll(1, 0.5)) == []
        assert "CERTIFICATE_VERIFY_FAILED" in str(bus.trouble)
