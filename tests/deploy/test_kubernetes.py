"""The Kubernetes manifests are valid, agree with one another and with the configuration, and give few rights."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from deployed import CLUSTER, DEPLOY, ROOT, WORKERS, cluster, documents, refused, said_in_code
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from kustomized import built, named, pods
from referencing import Registry, Resource

from core.bus import CLIPS, OBSERVATIONS
from core.kafka.settings import KafkaConfig
from core.kafka.topics import name_of

KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = {name: built(KUBERNETES / "overlays" / name) for name in ("small", "city")}
SCHEMAS = Path(str(files("kubernetes_validate"))) / "kubernetes-json-schema"
VERSIONS = (min(each := sorted(path.name for path in SCHEMAS.glob("v*-local-strict"))), max(each))
"""The oldest and the newest Kubernetes whose schemas there are."""

overlays = pytest.mark.parametrize("objects", OVERLAYS.values(), ids=OVERLAYS)


def of_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {named(one): one for one in objects if one["kind"] == kind}


def container(objects: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (one,) = pods(objects)[name]["spec"]["containers"]
    return dict(one)


@cache
def definitions(version: str) -> Registry[Any]:
    """What the schemas of this Kubernetes refer to: a thousand of them, read once."""
    content = json.loads((SCHEMAS / version / "_definitions.json").read_text(encoding="utf-8"))
    return (Resource.from_contents(content) @ Registry()).crawl()


@pytest.mark.parametrize("version", VERSIONS)
@overlays
def test_every_object_is_one_of_its_kind(objects: list[dict[str, Any]], version: str) -> None:
    """By Kubernetes' own schemas, which refuse a field that there is not. KEDA's objects are looked at below."""
    for one in objects:
        group, _, its_version = one["apiVersion"].rpartition("/")
        if group == "keda.sh":
            continue
        name = "-".join(filter(None, (one["kind"].lower(), group.partition(".")[0], its_version)))
        schema = json.loads((SCHEMAS / version / f"{name}.json").read_text(encoding="utf-8"))
        problem = best_match(Draft202012Validator(schema, registry=definitions(version)).iter_errors(one))
        assert problem is None, f"{one['kind']} {named(one)}: {problem.json_path}: {problem.message}"


@overlays
def test_nothing_is_there_twice(objects: list[dict[str, Any]]) -> None:
    names = [(one["kind"], named(one)) for one in objects]
    assert len(names) == len(set(names))


def test_every_file_belongs_to_an_overlay() -> None:
    """And what a kustomization names is there: `built` reads it."""
    read: set[Path] = set()
    for path in KUBERNETES.rglob("kustomization.yaml"):
        (told,) = documents(path)
        read |= {(path.parent / entry).resolve() for entry in (*told.get("resources", ()), *told.get("components", ()))}
    left = {path for path in KUBERNETES.rglob("*.yaml") if path.name != "kustomization.yaml"} - read
    assert not left


@overlays
def test_every_worker_runs_its_stage_with_the_configuration_of_the_cluster(objects: list[dict[str, Any]]) -> None:
    made = of_kind(objects, "ConfigMap")["busyness-config"]["data"]
    assert made["cluster.yaml"] == CLUSTER.read_text(encoding="utf-8")
    words = {name: [name] for name in WORKERS} | {"retain": ["store", "retain"]}
    assert {name for name in pods(objects) if container(objects, name)["image"] == "busyness"} == set(words)
    for name, called in words.items():
        worker = container(objects, name)
        assert worker["args"] == [*called, "/etc/busyness/cluster.yaml"]
        assert refused(worker["args"]) is None
        mounts = {mount["name"]: mount["mountPath"] for mount in worker["volumeMounts"]}
        assert mounts == {"config": "/etc/busyness", "tmp": "/tmp"}
        (config,) = [one for one in pods(objects)[name]["spec"]["volumes"] if one["name"] == "config"]
        items = {item["key"]: item["path"] for item in config["configMap"]["items"]}
        assert set(items) == set(made)
        outlines = cluster().map.outlines
        assert outlines is not None
        assert str(outlines.relative_to(CLUSTER.parent)) in items.values()


def test_the_image_is_that_of_this_version() -> None:
    """Not `latest`: what runs is what was asked for, and it is not pulled anew at every start."""
    (base,) = documents(KUBERNETES / "base" / "kustomization.yaml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert base["images"] == [{"name": "busyness", "newTag": project["version"]}]


@overlays
def test_every_pod_may_do_little(objects: list[dict[str, Any]]) -> None:
    """What Pod Security calls restricted, which the namespace enforces; workers have a read-only root besides."""
    labels = of_kind(objects, "Namespace")["busyness"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, pod in pods(objects).items():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        assert not [volume for volume in spec.get("volumes", ()) if "hostPath" in volume]
        one = container(objects, name)
        rights = one["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} == set(one["resources"]["limits"]) == set(one["resources"]["requests"])
        if one["image"] == "busyness":
            assert rights["readOnlyRootFilesystem"] is True
            assert spec["securityContext"]["runAsUser"] == 10001


@overlays
def test_ports_are_those_of_the_configuration_and_probes_ask_them(objects: list[dict[str, Any]]) -> None:
    config = cluster()
    expected = {
        "ingest": {"clips": config.ingest.lend.port, "worker": config.worker.port},
        "detect": {"worker": config.worker.port},
        "aggregate": {"worker": config.worker.port},
        "serve": {"http": config.api.port, "worker": config.worker.port},
    }
    for name in WORKERS:
        worker = container(objects, name)
        ports = {port["name"]: port["containerPort"] for port in worker["ports"]}
        assert ports == expected[name]
        for probe in ("startupProbe", "livenessProbe"):
            assert worker[probe]["httpGet"] == {"path": "/healthz", "port": "worker"}
        answering = "http" if name == "serve" else "worker"  # what live readings come over may be away
        assert worker["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": answering}


@overlays
def test_services_and_policies_find_their_pods(objects: list[dict[str, Any]]) -> None:
    """A selector that finds nothing is silent, and so is a port of another name."""
    there = pods(objects)

    def found(selector: dict[str, Any]) -> list[str]:
        wanted = dict(selector.get("matchLabels", {}))
        wanted.pop("app.kubernetes.io/part-of", None)
        several = {one["key"]: one["values"] for one in selector.get("matchExpressions", ())}
        return [
            name
            for name, pod in there.items()
            if all(pod["metadata"]["labels"].get(key) == value for key, value in wanted.items())
            and all(pod["metadata"]["labels"].get(key) in values for key, values in several.items())
        ]

    for service in of_kind(objects, "Service").values():
        if service["spec"].get("type") == "ExternalName":
            continue
        (pod,) = found({"matchLabels": service["spec"]["selector"]})
        ports = {port["name"] for port in container(objects, pod)["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    for policy in of_kind(objects, "NetworkPolicy").values():
        to = found(policy["spec"]["podSelector"])
        assert to
        for rule in policy["spec"].get("ingress", ()):
            named_ports = {port["port"] for port in rule.get("ports", ()) if isinstance(port["port"], str)}
            assert all(named_ports <= {port["name"] for port in container(objects, pod)["ports"]} for pod in to)
            assert all(found(peer["podSelector"]) for peer in rule["from"] if "podSelector" in peer)
    for budget in of_kind(objects, "PodDisruptionBudget").values():
        assert found(budget["spec"]["selector"]) == [named(budget)]
    assert set(of_kind(objects, "PodDisruptionBudget")) == set(WORKERS)


@overlays
def test_only_ingest_may_reach_the_internet_and_only_serve_is_reached(objects: list[dict[str, Any]]) -> None:
    policies = of_kind(objects, "NetworkPolicy")
    assert policies["nothing-else"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    leaving = {
        named(policy): policy["spec"]["podSelector"]
        for policy in policies.values()
        for rule in policy["spec"].get("egress", ())
        for peer in rule.get("to", [{}])
        if not peer or "ipBlock" in peer or peer == {"namespaceSelector": {}}
    }
    assert leaving == {"publishers": {"matchLabels": {"app.kubernetes.io/name": "ingest"}}}
    (rule,) = policies["publishers"]["spec"]["egress"]
    refused_networks = {net for peer in rule["to"] for net in peer["ipBlock"]["except"]}
    assert {"10.0.0.0/8", "169.254.0.0/16", "fc00::/7"} <= refused_networks  # a metadata service, among others
    from_anywhere = [
        named(policy)
        for policy in policies.values()
        for rule in policy["spec"].get("ingress", ())
        if {"namespaceSelector": {}} in rule.get("from", [{"namespaceSelector": {}}])
    ]
    assert from_anywhere == ["answers"]


@overlays
def test_clips_are_lent_by_names_that_others_borrow_from(objects: list[dict[str, Any]]) -> None:
    """ingest-0.ingest: the name of a pod of the StatefulSet below its headless Service."""
    service, ingest = of_kind(objects, "Service")["ingest"], of_kind(objects, "StatefulSet")["ingest"]
    assert service["spec"]["clusterIP"] == "None"
    assert ingest["spec"]["serviceName"] == named(service)
    told = {one["name"]: one for one in container(objects, "ingest")["env"]}
    assert told["POD_NAME"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    name = told["BUSYNESS_LEND_HOST"]["value"].replace("$(POD_NAME)", "ingest-1")
    assert name == "ingest-1.ingest"
    assert cluster().ingest.lend.may_borrow_from(name)


@overlays
def test_secrets_are_referred_to_and_each_worker_has_its_own(objects: list[dict[str, Any]]) -> None:
    """None is written down, and every one is made by a command in a kustomization's head."""
    assert not of_kind(objects, "Secret")
    heads = "".join(path.read_text(encoding="utf-8") for path in KUBERNETES.rglob("kustomization.yaml"))
    offered = {
        (name, key)
        for name, rest in re.findall(r"create secret generic (\S+)(.*)", heads)
        for key in re.findall(r"--from-literal=([\w-]+)=", rest)
    }
    read = said_in_code()
    for name in pods(objects):
        told = {one["name"]: one for one in container(objects, name)["env"]}
        for one in told.values():
            reference = one.get("valueFrom", {}).get("secretKeyRef")
            assert reference is None or (reference["name"], reference["key"]) in offered
        if container(objects, name)["image"] == "busyness":
            assert {variable for variable in told if not variable.startswith(("PG", "POD_"))} <= read
            database = told["PGPASSWORD"]["valueFrom"]["secretKeyRef"]
            user = ("busyness_api", "api") if name == "serve" else ("busyness", "worker")
            assert (told["PGUSER"]["value"], database["key"]) == user
            assert ("BUSYNESS_LEND_TOKEN" in told) == (name in ("ingest", "detect"))
            assert ("TFL_APP_KEY" in told) == (name == "ingest")


def test_workers_come_with_the_lag_of_groups_that_there_are_and_never_more_than_share_the_work() -> None:
    objects, config = OVERLAYS["city"], cluster()
    assert isinstance(config.bus, KafkaConfig)
    scaled = of_kind(objects, "ScaledObject")
    groups = {"detect": CLIPS, "aggregate": OBSERVATIONS}
    most = {"detect": config.bus.partitions // config.detect.workers, "aggregate": config.bus.partitions}
    assert set(scaled) == set(groups)
    for name, topic in groups.items():
        spec = scaled[name]["spec"]
        assert spec["scaleTargetRef"] == {"name": name}
        assert (
            "replicas" not in of_kind(objects, "Deployment")[name]["spec"]
        )  # who applies it again would set them back
        assert 1 <= spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"] <= most[name]
        lag, processors = spec["triggers"]
        assert lag["metadata"]["topic"] == name_of(topic, config.bus)
        assert lag["metadata"]["consumerGroup"] == f"{config.bus.prefix}.{name}"
        assert lag["metadata"]["offsetResetPolicy"] == "earliest"
        assert lag["metadata"]["bootstrapServers"] == "kafka.busyness.svc:9092"
        assert processors["type"] == "cpu"
        assert all(isinstance(value, str) for trigger in spec["triggers"] for value in trigger["metadata"].values())
    autoscaler = of_kind(objects, "HorizontalPodAutoscaler")["serve"]
    assert autoscaler["spec"]["scaleTargetRef"]["name"] == "serve"


@overlays
def test_kafka_and_postgresql_have_the_names_that_the_configuration_gives_them(objects: list[dict[str, Any]]) -> None:
    config = cluster()
    assert isinstance(config.bus, KafkaConfig)
    services = of_kind(objects, "Service")
    assert {server.partition(":")[0] for server in config.bus.servers} <= set(services)
    assert re.fullmatch(r"postgresql://postgres:5432/busyness", getattr(config.store, "url", ""))
    assert "postgres" in services


def test_one_node_runs_the_releases_that_compose_runs() -> None:
    """And tells Kafka the same, but for where it is."""
    (compose,) = documents(ROOT / "compose.yaml")
    theirs, ours = compose["services"], OVERLAYS["small"]
    for name in ("kafka", "postgres"):
        assert container(ours, name)["image"] == theirs[name]["image"]
    told = {one["name"]: one["value"] for one in container(ours, "kafka")["env"]}
    elsewhere = {"KAFKA_CONTROLLER_QUORUM_VOTERS", "KAFKA_LISTENERS", "KAFKA_ADVERTISED_LISTENERS", "KAFKA_LOG_DIRS"}
    assert {name: value for name, value in told.items() if name not in elsewhere} == {
        name: value for name, value in theirs["kafka"]["environment"].items() if name not in elsewhere
    }
    assert container(ours, "postgres")["args"] == theirs["postgres"]["command"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_kustomize_comes_to_the_same(name: str) -> None:
    """The whole of it by kustomize itself, where kubectl is: names, and every reference to a made ConfigMap."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not on this machine: what kustomize makes of the manifests is not compared")
    command = [kubectl, "kustomize", str(KUBERNETES / "overlays" / name)]
    made = list(yaml.safe_load_all(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    hashed = re.compile(r"-[a-z0-9]{10}$")
    names = {named(one) for one in made if one["kind"] == "ConfigMap"}
    plain = {(one["kind"], hashed.sub("", named(one)) if one["kind"] == "ConfigMap" else named(one)) for one in made}
    assert plain == {(one["kind"], named(one)) for one in OVERLAYS[name]}
    for pod in pods(made).values():
        used = [volume["configMap"]["name"] for volume in pod["spec"].get("volumes", ()) if "configMap" in volume]
        assert set(used) <= names
        assert pod["metadata"]["labels"].get("app.kubernetes.io/name") in pods(OVERLAYS[name])
    assert all(one["metadata"]["namespace"] == "busyness" for one in made if one["kind"] != "Namespace")
