"""What a kustomization comes to, as far as ours go: kustomize itself is not on every machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deployed import documents

NAMES = ("kustomization.yaml", "Kustomization")
"""In configs/ it is the second: there every *.yaml is a configuration."""

HANDLED = {
    "apiVersion", "kind", "namespace", "resources", "components", "configMapGenerator", "replicas", "images", "labels",
}  # fmt: skip


def built(folder: Path) -> list[dict[str, Any]]:
    """The objects of a kustomization; names of made ConfigMaps are without the hash of their content."""
    (path,) = (folder / name for name in NAMES if (folder / name).exists())
    (told,) = documents(path)
    unknown = set(told) - HANDLED
    assert not unknown, f"{folder}: {unknown} is not known here: teach it, or compare with kubectl kustomize"
    objects: list[dict[str, Any]] = []
    for entry in (*told.get("resources", ()), *told.get("components", ())):
        path = (folder / entry).resolve()
        objects += built(path) if path.is_dir() else documents(path)
    for made in told.get("configMapGenerator", ()):
        content = {(folder / file).name: (folder / file).read_text(encoding="utf-8") for file in made["files"]}
        metadata = {"name": made["name"]}
        objects.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": content})
    for replicas in told.get("replicas", ()):
        (scaled,) = [one for one in objects if named(one) == replicas["name"] and "template" in one.get("spec", {})]
        scaled["spec"]["replicas"] = replicas["count"]
    return objects


def named(one: dict[str, Any]) -> str:
    return str(one["metadata"]["name"])


def pods(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pod of each workload, by its name."""
    specs = {named(one): one["spec"] for one in objects if one["kind"] in ("Deployment", "StatefulSet")}
    specs |= {named(one): one["spec"]["jobTemplate"]["spec"] for one in objects if one["kind"] == "CronJob"}
    return {name: spec["template"] for name, spec in specs.items()}
