"""What is wrong with a file that people write, in words: the file, the line, the key, and what is the matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

NO_SUCH_SETTING = "there is no such setting"


def explain(path: Path, tree: yaml.Node | None, error: ValidationError) -> Iterator[str]:
    """A line for each mistake; without a `tree` of the file they name no line of it."""
    for problem in error.errors(include_url=False):
        location = [part for at, part in enumerate(problem["loc"]) if not _is_tag(problem["loc"], at)]
        where = f"{path}, line {line_of(tree, location)}" if tree is not None else str(path)
        key = ".".join(str(part) for part in location) or "(top)"
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = "it is a list now: write sources:, and each with a dash" if key == "source" else NO_SUCH_SETTING
        elif problem["type"] == "string_type" and isinstance(problem["input"], int):
            message = 'this is read as a number: quote it, as in "06710"'
        yield f"{where}: {key}: {message}"


def _is_tag(location: tuple[int | str, ...], at: int) -> bool:
    """Whether this part is the kind of a source, which pydantic names and the file does not: `sources.0.folder`."""
    return at == 2 and location[0] in ("sources", "loops")


def line_of(node: yaml.Node, location: Sequence[int | str]) -> int:
    """The line of the deepest part of `location` that stands in the file."""
    line = node.start_mark.line + 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
