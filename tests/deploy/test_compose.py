"""compose.yaml starts every worker of the cluster, reachable by nobody but through `serve`."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from deployed import DEPLOY, ROOT, WORKERS, cluster, documents, refused, said_in_code

(COMPOSE,) = documents(ROOT / "compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", *WORKERS)
TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")


def test_it_is_a_compose_file() -> None:
    """By the Compose specification's own schema, which knows no field that is misspelt."""
    schema = files("check_jsonschema").joinpath("builtin_schemas", "vendor", "compose-spec.json")
    jsonschema.Draft7Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(COMPOSE)


def test_every_service_is_there_and_calls_what_exists() -> None:
    assert set(SERVICES) == {"kafka", "postgres", *OURS}
    for name in OURS:
        assert refused(SERVICES[name]["command"]) is None
        assert SERVICES[name]["command"][-1] == "/etc/busyness/cluster.yaml"
        assert SERVICES[name]["volumes"] == ["./configs:/etc/busyness:ro"]
    assert [SERVICES[name]["command"][0] for name in WORKERS] == list(WORKERS)


@pytest.mark.parametrize("name", OURS)
def test_a_worker_may_do_little(name: str) -> None:
    worker = SERVICES[name]
    assert worker["read_only"] is True
    assert worker["cap_drop"] == ["ALL"]
    assert worker["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in worker  # that of the image, which is none of root's
    assert not {"privileged", "cap_add", "devices", "network_mode", "pid"} & set(worker)
    assert [mount.split(":")[0] for mount in worker["tmpfs"]] == ["/tmp"]
    assert {"cpus", "memory"} == set(worker["deploy"]["resources"]["limits"])


def test_only_the_answers_can_be_reached_and_from_this_machine_alone() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["serve"]
    (port,) = SERVICES["serve"]["ports"]
    assert re.fullmatch(rf"127\.0\.0\.1:\$\{{BUSYNESS_PORT:-\d+\}}:{cluster().api.port}", port)
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_of_all_of_them_ingest_alone_reaches_the_internet() -> None:
    """`serve` has a network of its own to be reached by: an internal one publishes no port."""
    outside = {name: sorted(set(service["networks"]) - {"inside"}) for name, service in SERVICES.items()}
    assert {name: networks for name, networks in outside.items() if networks} == {
        "ingest": ["outside"],
        "serve": ["front"],
    }


def test_clips_are_lent_by_a_name_that_others_borrow_from() -> None:
    ingest = SERVICES["ingest"]
    name = ingest["environment"]["BUSYNESS_LEND_HOST"]
    assert name in ingest["networks"]["inside"]["aliases"]
    assert cluster().ingest.lend.may_borrow_from(name)
    assert not cluster().ingest.lend.may_borrow_from("example.org")


def test_workers_start_once_tables_and_broker_are_there_and_come_back_by_themselves() -> None:
    for name in WORKERS:
        assert SERVICES[name]["depends_on"] == {
            "kafka": {"condition": "service_healthy"},
            "migrate": {"condition": "service_completed_successfully"},
        }
        assert SERVICES[name]["restart"] == "unless-stopped"
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > 10  # they drain within ten
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert all("healthcheck" in SERVICES[name] for name in ("kafka", "postgres"))


def test_secrets_come_from_the_environment_file_and_each_worker_has_its_own() -> None:
    """Those that have to be there are asked for by name; none is written down here."""
    example = (DEPLOY / "secrets.env.example").read_text(encoding="utf-8")
    offered = set(re.findall(r"^([A-Z_]+)=$", example, re.MULTILINE))
    needed = set(re.findall(r"\$\{([A-Z_]+):\?", TEXT))
    assert needed <= offered
    assert offered - needed == {"TFL_APP_KEY"}
    assert re.search(r"^/\.env$", (ROOT / ".gitignore").read_text(encoding="utf-8"), re.MULTILINE)
    users = {name: SERVICES[name]["environment"]["PGUSER"] for name in OURS}
    assert users == dict.fromkeys(OURS, "busyness") | {"serve": "busyness_api"}
    assert [name for name in OURS if "BUSYNESS_LEND_TOKEN" in SERVICES[name]["environment"]] == ["ingest", "detect"]
    assert [name for name in OURS if "TFL_APP_KEY" in SERVICES[name]["environment"]] == ["ingest"]


def test_every_variable_of_a_worker_is_one_that_the_code_reads() -> None:
    """Those that begin with PG are libpq's."""
    named = {name for service in OURS for name in SERVICES[service]["environment"]}
    assert {name for name in named if not name.startswith("PG")} <= said_in_code()


def test_kafka_is_the_release_that_the_tests_run_with() -> None:
    pom = ElementTree.parse(ROOT / "tests" / "services" / "pom.xml")
    (version,) = [
        found.findtext("{*}version")
        for found in pom.iter("{http://maven.apache.org/POM/4.0.0}dependency")
        if (found.findtext("{*}artifactId") or "").startswith("kafka_")
    ]
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version}"
    assert SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{cluster().bus.servers[0]}"
