"""Apache Kafka's own broker, started on this machine: KRaft, loopback, free ports, one or several, killed, restarted.

with KafkaCluster(tmp_path, brokers=3) as kafka:
    config = kafka.config(prefix="mine")
    kafka.kill(0)
    kafka.start(0)

The jars come from Maven Central once (`pom.xml` beside this file) and are kept in the user's cache. Needs Java 17 and
Maven: `apt-get install default-jre-headless maven`.
"""

from __future__ import annotations

import atexit
import base64
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
from kafka import KafkaAdminClient, errors

from core.kafka.settings import KafkaConfig, KafkaSecurity

POM = Path(__file__).with_name("pom.xml")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "busyness" / "kafka"
MISSING = "needs Java 17 and Maven: apt-get install default-jre-headless maven"
STARTING_S = 150.0
STOPPING_S = 30.0

_LOGGING = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %c{1} %m%n"/></Console></Appenders>
  <Loggers><Root level="WARN"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""


class NoKafka(RuntimeError):
    """The broker cannot be started here."""


def jars() -> Path:
    """The folder of the broker's jars, fetched where they are not there yet. Raises `NoKafka`."""
    if shutil.which("java") is None or shutil.which("mvn") is None:
        raise NoKafka(MISSING)
    folder = CACHE / str(uuid.uuid5(uuid.NAMESPACE_OID, POM.read_text(encoding="utf-8")))
    if not folder.is_dir():
        fetched = folder.with_name(f"{folder.name}.{os.getpid()}")
        goal = ("dependency:copy-dependencies", f"-DoutputDirectory={fetched}", "-DincludeScope=runtime")
        done = subprocess.run(
            ["mvn", "-q", "-B", "-f", POM, *goal], capture_output=True, text=True, timeout=600, check=False
        )
        if done.returncode != 0:
            raise NoKafka(f"Maven could not fetch the broker: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        try:
            fetched.rename(folder)
        except OSError:  # another process was quicker
            shutil.rmtree(fetched)
    return folder


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def kafka_or_skip(folder: Path, **told: Any) -> KafkaCluster:
    """A cluster for tests. Where there can be none the test is skipped; where everything has to be there, it fails."""
    try:
        return KafkaCluster(folder, **told)
    except NoKafka as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@dataclass(frozen=True)
class Secured:
    """A broker that speaks TLS and asks for a password: SCRAM-SHA-512, a certificate of an authority made for it."""

    username: str = "busyness"
    password: str = "not-a-secret-of-anyone"


@dataclass
class _Broker:
    number: int
    folder: Path
    port: int
    quorum_port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "broker.log"


@dataclass
class KafkaCluster:
    """Brokers of one cluster; each is its own controller too. With `secured`, clients come by SASL_SSL alone."""

    folder: Path
    brokers: int = 1
    secured: Secured | None = None
    heap_mb: int = 320
    quick_start: bool = True
    """Compile little: half the time to start, and twice the work for each record. Not for what is measured."""
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._jars = jars()
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = free_ports(2 * self.brokers)
        self._brokers = [
            _Broker(number, self.folder / f"broker-{number}", ports[2 * number], ports[2 * number + 1])
            for number in range(self.brokers)
        ]
        (self.folder / "log4j2.xml").write_text(_LOGGING, encoding="utf-8")
        if self.secured is not None:
            make_certificates(self.folder)
        self._format()
        atexit.register(self.close)

    @property
    def servers(self) -> tuple[str, ...]:
        return tuple(f"127.0.0.1:{broker.port}" for broker in self._brokers)

    @property
    def security(self) -> KafkaSecurity:
        """What a client has to be told; the password goes into `BUSYNESS_KAFKA_PASSWORD`."""
        if self.secured is None:
            return KafkaSecurity()
        return KafkaSecurity(
            protocol="SASL_SSL",
            mechanism="SCRAM-SHA-512",
            username=self.secured.username,
            ca=self.folder / "ca.pem",
        )

    def config(self, prefix: str = "busyness", **changes: Any) -> KafkaConfig:
        """How clients reach it. Few partitions, so that tests are quick."""
        told = {"partitions": 4, "replication": min(3, self.brokers), "security": self.security} | changes
        return KafkaConfig(kind="kafka", servers=self.servers, prefix=prefix, **told)

    def start(self, *numbers: int) -> Self:
        """Start these brokers, or all, and wait until they take work."""
        which = [self._brokers[number] for number in numbers or range(self.brokers)]
        for broker in which:
            self._launch(broker)
        for broker in which:
            self._await(broker)
        return self

    def stop(self, *numbers: int) -> None:
        """Stop these brokers, or all, as an operator does."""
        self._end(numbers, signal.SIGTERM)

    def kill(self, *numbers: int) -> None:
        """`kill -9` these brokers, or all."""
        self._end(numbers, signal.SIGKILL)

    def restart(self, number: int = 0) -> None:
        self.stop(number)
        self.start(number)

    def freeze(self, number: int = 0) -> None:
        """A broker that is there and answers nothing."""
        self._process(number).send_signal(signal.SIGSTOP)

    def thaw(self, number: int = 0) -> None:
        self._process(number).send_signal(signal.SIGCONT)

    def running(self) -> list[int]:
        return [one.number for one in self._brokers if one.process is not None and one.process.poll() is None]

    def close(self) -> None:
        atexit.unregister(self.close)
        self.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def log_of(self, number: int = 0) -> str:
        return self._brokers[number].log.read_text(encoding="utf-8", errors="replace")

    def _process(self, number: int) -> subprocess.Popen[bytes]:
        process = self._brokers[number].process
        assert process is not None, f"broker {number} does not run"
        return process

    def _java(self, main: str, *arguments: str) -> list[str]:
        return [
            "java", f"-Xmx{self.heap_mb}m", "-Xms64m", "-XX:+UseSerialGC",
            *(("-XX:TieredStopAtLevel=1",) if self.quick_start else ()),
            f"-Dlog4j2.configurationFile={self.folder / 'log4j2.xml'}",
            "-cp", f"{self._jars}/*", main, *arguments,
        ]  # fmt: skip

    def _format(self) -> None:
        """Kafka formats the first broker's folder; the others' differ from it by their number alone."""
        for broker in self._brokers:
            broker.folder.mkdir(exist_ok=True)
            (broker.folder / "server.properties").write_text(self._properties(broker), encoding="utf-8")
        first = self._brokers[0]
        if (first.folder / "data" / "meta.properties").exists():
            return
        told = ["format", "-t", _kafka_uuid(), "-c", str(first.folder / "server.properties")]
        if self.secured is not None:
            told += ["--add-scram", f"SCRAM-SHA-512=[name={self.secured.username},password={self.secured.password}]"]
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", *told), capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode != 0:
            raise NoKafka(f"Kafka could not format its storage: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        for broker in self._brokers[1:]:
            shutil.copytree(first.folder / "data", broker.folder / "data")
            meta = broker.folder / "data" / "meta.properties"
            lines = [
                f"node.id={broker.number}" if line.startswith("node.id=")
                else f"directory.id={_kafka_uuid()}" if line.startswith("directory.id=")
                else line
                for line in meta.read_text(encoding="utf-8").splitlines()
            ]  # fmt: skip
            meta.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _properties(self, broker: _Broker) -> str:
        copies = min(3, self.brokers)
        clients = "SASL_SSL" if self.secured is not None else "PLAINTEXT"
        told = {
            "node.id": broker.number,
            "process.roles": "broker,controller",
            "controller.quorum.voters": ",".join(f"{one.number}@127.0.0.1:{one.quorum_port}" for one in self._brokers),
            "listeners": f"CLIENTS://127.0.0.1:{broker.port},QUORUM://127.0.0.1:{broker.quorum_port}",
            "advertised.listeners": f"CLIENTS://127.0.0.1:{broker.port}",
            "listener.security.protocol.map": f"CLIENTS:{clients},QUORUM:PLAINTEXT",
            "controller.listener.names": "QUORUM",
            "inter.broker.listener.name": "CLIENTS",
            "log.dirs": broker.folder / "data",
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": copies,
            "group.initial.rebalance.delay.ms": 0,
            "num.network.threads": 2,
            "num.io.threads": 4,
            "broker.session.timeout.ms": 6000,
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        }
        if self.secured is not None:
            login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
            told |= {
                "sasl.enabled.mechanisms": "SCRAM-SHA-512",
                "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
                "listener.name.clients.scram-sha-512.sasl.jaas.config": (
                    f'{login} username="{self.secured.username}" password="{self.secured.password}";'
                ),
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": self.folder / "broker.pem",
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": self.folder / "ca.pem",
            }
        return "".join(f"{name}={value}\n" for name, value in (told | self.settings).items())

    def _launch(self, broker: _Broker) -> None:
        if broker.process is not None and broker.process.poll() is None:
            return
        with broker.log.open("ab") as log:
            broker.process = subprocess.Popen(
                self._java("kafka.Kafka", str(broker.folder / "server.properties")),
                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip

    def _await(self, broker: _Broker) -> None:
        ends = time.monotonic() + STARTING_S
        while not self._answers(broker):
            if broker.process is None or broker.process.poll() is not None or time.monotonic() > ends:
                raise NoKafka(f"broker {broker.number} did not start: {self.log_of(broker.number)[-3000:]}")
            time.sleep(0.1)

    def _answers(self, broker: _Broker) -> bool:
        try:
            socket.create_connection(("127.0.0.1", broker.port), timeout=1).close()
        except OSError:
            return False
        try:
            admin = KafkaAdminClient(
                bootstrap_servers=f"127.0.0.1:{broker.port}", bootstrap_timeout_ms=5_000, **self._client()
            )
        except (errors.KafkaError, OSError):
            return False
        try:
            return any(one["broker_id"] == broker.number for one in admin.describe_cluster()["brokers"])
        except (errors.KafkaError, OSError):
            return False
        finally:
            admin.close()

    def _client(self) -> dict[str, Any]:
        if self.secured is None:
            return {}
        return {
            "security_protocol": "SASL_SSL",
            "ssl_cafile": str(self.folder / "ca.pem"),
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": self.secured.username,
            "sasl_plain_password": self.secured.password,
        }

    def _end(self, numbers: tuple[int, ...], how: signal.Signals) -> None:
        ending = [self._brokers[number] for number in numbers or range(self.brokers)]
        for broker in ending:
            if broker.process is not None and broker.process.poll() is None:
                broker.process.send_signal(how)
        for broker in ending:
            if broker.process is not None:
                try:
                    broker.process.wait(STOPPING_S)
                except subprocess.TimeoutExpired:
                    broker.process.kill()
                    broker.process.wait(STOPPING_S)


def make_certificates(folder: Path) -> None:
    """`ca.pem`, an authority for this folder, and `broker.pem`, a certificate of it for 127.0.0.1 with its key."""
    subject = "/CN=busyness test authority"
    _openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", subject,
        "-keyout", folder / "ca.key", "-out", folder / "ca.pem",
    )  # fmt: skip
    _openssl(
        "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
        "-keyout", folder / "broker.key", "-out", folder / "broker.csr",
    )  # fmt: skip
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", encoding="utf-8")
    _openssl(
        "x509", "-req", "-in", folder / "broker.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
        "-CAcreateserial", "-days", "2", "-extfile", folder / "names", "-out", folder / "broker.crt",
    )  # fmt: skip
    parts = [(folder / name).read_text(encoding="utf-8") for name in ("broker.key", "broker.crt", "ca.pem")]
    (folder / "broker.pem").write_text("".join(parts), encoding="utf-8")


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def _kafka_uuid() -> str:
    """An id as Kafka writes them: 16 bytes in Base64, for addresses, without padding, not beginning with a dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
