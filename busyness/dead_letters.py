"""`busyness dead-letters`: what no worker of a cluster could handle, to look at, to send again, to drop."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from rich.console import Console

from busyness.config import Config
from busyness.table import Table, print_table
from core.clock import SystemClock
from core.errors import ConfigError, NotFound
from core.kafka.letters import DeadLetters
from core.kafka.settings import KafkaConfig
from core.letters import DeadLetter

_REASON_SHOWN = 200


class Action(StrEnum):
    """What is to be done with the letters."""

    LIST = "list"
    SHOW = "show"
    REPLAY = "replay"
    DROP = "drop"


@dataclass(frozen=True)
class Asked:
    """What, and with which: those of these ids, or all; of this topic alone, where one is named."""

    action: Action = Action.LIST
    ids: tuple[str, ...] = ()
    topic: str | None = None
    everything: bool = False


def answer(config: Config, asked: Asked, console: Console, *, as_json: bool) -> int:
    """Do what is asked, and say it. Returns how many letters could not be sent again.

    Raises `ConfigError`, `NotFound`, `BusError`.
    """
    with _letters(config) as letters:
        chosen = _chosen(letters.all(), asked)
        if asked.action is Action.LIST:
            _list(chosen, console, as_json=as_json)
        elif asked.action is Action.SHOW:
            _show(chosen, console, as_json=as_json)
        elif asked.action is Action.DROP:
            letters.drop(chosen)
            console.print(f"dropped {len(chosen)} letters", highlight=False)
        else:
            return _replay(letters, chosen, console)
    return 0


@contextmanager
def _letters(config: Config) -> Iterator[DeadLetters]:
    if not isinstance(config.bus, KafkaConfig):
        raise ConfigError(
            "dead letters are kept on Kafka, and this configuration has none",
            remedy="name the configuration of the cluster; in one process they are in its log",
        )
    with DeadLetters(config.bus, "dead-letters", SystemClock()) as letters:
        yield letters


def _chosen(found: Sequence[DeadLetter], asked: Asked) -> list[DeadLetter]:
    of_topic = [letter for letter in found if asked.topic in (None, letter.topic)]
    if asked.ids:
        by_id = {letter.id: letter for letter in of_topic}
        for name in asked.ids:
            if name not in by_id:
                raise NotFound(f"there is no dead letter {name!r}", remedy="busyness dead-letters CONFIG lists them")
        return [by_id[name] for name in dict.fromkeys(asked.ids)]
    if asked.action is not Action.LIST and not asked.everything:
        raise ConfigError(f"which letters to {asked.action}?", remedy="name their ids, or say --all")
    return of_topic


def _replay(letters: DeadLetters, chosen: Sequence[DeadLetter], console: Console) -> int:
    whole = [letter for letter in chosen if letter.whole]
    for letter in whole:
        letters.replay(letter)
    console.print(f"sent {len(whole)} records to their topics again", highlight=False)
    for letter in chosen:
        if not letter.whole:
            words = f"{letter.id} cannot be sent again: its letter does not hold the whole record"
            console.print(words, style="red", markup=False, highlight=False)
    return len(chosen) - len(whole)


def _list(letters: Sequence[DeadLetter], console: Console, *, as_json: bool) -> None:
    if as_json:
        for letter in letters:
            told = letter.model_dump(mode="json", exclude={"payload", "headers"})
            sys.stdout.write(json.dumps({"id": letter.id} | told) + "\n")
        return
    rows = tuple(
        (letter.id, f"{letter.at:%Y-%m-%d %H:%M:%S}", letter.key or "", letter.worker, letter.reason[:_REASON_SHOWN])
        for letter in letters
    )
    print_table(Table(f"{len(letters)} dead letters", ("id", "at, UTC", "key", "by", "reason"), rows, texts=5), console)


def _show(letters: Sequence[DeadLetter], console: Console, *, as_json: bool) -> None:
    for letter in letters:
        if as_json:
            sys.stdout.write(json.dumps({"id": letter.id} | letter.model_dump(mode="json")) + "\n")
            continue
        console.print(letter.id, style="bold", markup=False, highlight=False)
        for name, value in letter.model_dump(mode="json", exclude={"payload"}).items():
            console.print(f"  {name:<10} {value}", markup=False, highlight=False, soft_wrap=True)
        encoded = ", in Base64" if letter.encoded else ""
        console.print(f"  payload{encoded}:", markup=False, highlight=False)
        console.print(letter.payload, markup=False, highlight=False, soft_wrap=True)
