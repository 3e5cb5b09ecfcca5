"""The files that an installation is started from, as tests read them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import click
import typer
import yaml

from busyness.command import app
from busyness.config import Config, load_config

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "configs" / "cluster.yaml"
DEPLOY = ROOT / "deploy"
ROOMS = ("core", "ingest", "detect", "aggregate", "api", "busyness")
WORKERS = ("ingest", "detect", "aggregate", "serve")


@cache
def cluster() -> Config:
    return load_config(CLUSTER)


@cache
def commands() -> dict[str, click.Command]:
    """By the words that call them, as `store migrate`."""
    whole = typer.main.get_command(app)
    found: dict[str, click.Command] = {}

    def look(command: click.Command, words: tuple[str, ...]) -> None:
        found[" ".join(words)] = command
        for name, part in getattr(command, "commands", {}).items():
            look(part, (*words, name))

    look(whole, ())
    return found


def refused(words: list[str]) -> str | None:
    """Why `busyness WORDS` is no command; None where it is one, with those options."""
    longest = next((end for end in (2, 1) if " ".join(words[:end]) in commands()), None)
    if longest is None:
        return f"there is no command busyness {' '.join(words[:1])}"
    command = commands()[" ".join(words[:longest])]
    known = {"--help"}.union(*(set(option.opts) | set(option.secondary_opts) for option in command.params))
    wrong = [word for word in words[longest:] if word.startswith("-") and word.partition("=")[0] not in known]
    return f"busyness {command.name} takes no {wrong[0]}" if wrong else None


@cache
def said_in_code() -> frozenset[str]:
    """Every word that stands in quotes in the product's code, or begins what does."""
    files = [DEPLOY / "image" / "healthy.py", *(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))]
    return frozenset(word for file in files for word in re.findall(r'"(\w+)', file.read_text(encoding="utf-8")))


def documents(path: Path) -> list[dict[str, Any]]:
    """The YAML documents of a file."""
    return [part for part in yaml.safe_load_all(path.read_text(encoding="utf-8")) if part is not None]
