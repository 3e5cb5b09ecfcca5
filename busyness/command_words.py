"""What the commands share: their common arguments, and where their words go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

ConfigPath = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="a configuration file, for instance configs/demo.yaml")
]
ModelSpec = Annotated[
    str, typer.Option("--model", help="a model of models/, ultralytics:WEIGHTS, openvino:FILE.xml, yolox:FILE.onnx")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of a table")]


def open_console(*, stderr: bool = False) -> Console:
    """Where words stay as they are: rich would draw the `:b:` of a zone's id as a picture."""
    return Console(stderr=stderr, emoji=False)


def names(text: str) -> tuple[str, ...]:
    """The names in a list as a,b,c."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
