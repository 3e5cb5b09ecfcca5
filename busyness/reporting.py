"""`busyness report`: a planner's report of a district and a period, as a page and as a PDF."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import ValidationError
from rich.console import Console

from aggregate.answers import Answers
from api.reports import ReportFormat, ReportQuestion, made
from busyness.config import Config
from busyness.keeping import lasts, open_store
from busyness.progress import progress_bar
from busyness.running import ask
from busyness.wiring import about, effects_of, open_clock, usual_of
from core.errors import BusynessError, ConfigError, QueryError, SourceError

ASK_S = 300.0
_OPTIONS = {"first": "from", "last": "to", "camera": "cameras"}
"""What the command calls parameters of /v1/report that have another name there."""


@dataclass(frozen=True)
class Asked:
    """What the report is of, as the parameters of /v1/report have it, and the file or folder that it is written to."""

    parameters: dict[str, str]
    out: Path


def report(config: Config, asked: Asked, console: Console) -> tuple[Path, ...]:
    """Write the report; returns its files: the one that `asked.out` names (.html or .pdf), or both into that folder.

    Asked of the installation that runs with this configuration or, where none does, of its store. Raises
    `BusynessError`.
    """
    files = _files(asked.out)
    try:
        questions = {
            path: ReportQuestion.model_validate(asked.parameters | {"format": dialect.value})
            for path, dialect in files.items()
        }
    except ValidationError as error:
        first = error.errors()[0]
        option = _OPTIONS.get(str(first["loc"][0]), str(first["loc"][0]))
        remedy = first.get("ctx", {}).get("remedy", "see busyness report --help")
        raise QueryError(f"--{option}: {first['msg']}", remedy=remedy) from error
    with progress_bar(console) as progress:
        task = progress.add_task("report", total=len(files))
        for path, question in questions.items():
            told = ask(config, "/v1/report", asked.parameters | {"format": question.format.value}, timeout_s=ASK_S)
            _write(path, _of_store(config, question) if told is None else _checked(told))
            progress.advance(task)
    return tuple(files)


def _files(out: Path) -> dict[Path, ReportFormat]:
    if out.suffix in (".html", ".pdf"):
        return {out: ReportFormat(out.suffix[1:])}
    if out.suffix:
        raise ConfigError(f"{out}: a report is .html or .pdf", remedy="name such a file, or a folder for both")
    return {out / f"report.{dialect.value}": dialect for dialect in ReportFormat}


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror}", remedy="give another --out") from error


def _checked(told: httpx.Response) -> bytes:
    if told.is_success:
        return told.content
    try:
        problem = told.json()
        raise QueryError(str(problem["detail"]), remedy=str(problem.get("remedy") or ""))
    except (ValueError, KeyError):
        raise BusynessError(f"the running installation answers {told.status_code}") from None


def _of_store(config: Config, question: ReportQuestion) -> bytes:
    if not lasts(config):
        raise ConfigError("no installation answers, and this one keeps nothing", remedy="start it, or set store.path")
    with closing(open_store(config, read_only=True)) as store:
        clock = open_clock(config)
        answers = Answers(store, clock, usual=usual_of(config, store), beside=config.beside)
        return made(question, answers, effects_of(config, store, answers), about(config), clock.now())
