"""One file a camera, `CAMERA.json`: read with errors that name line and key, written so that people can review it.

The same site always makes the same text: keys in the order of the record, what is null left out, a list of numbers or
of points on one line where it fits.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from busyness.explaining import explain
from core.errors import ConfigError
from core.site import Site

SUFFIX = ".json"
LINE = 119  # and a comma
FolderState = frozenset[tuple[str, int, int]]
"""Names, times of change and sizes of the files of a folder: another one as soon as any of them changes."""


def site_paths(folder: Path) -> list[Path]:
    """The site files of a folder, by name; hidden files and other kinds are none. Raises `ConfigError`."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith("."))
    except OSError as error:
        raise ConfigError(
            f"sites: the folder {folder} cannot be read: {error.strerror}",
            remedy="make it, as busyness calibrate CONFIG CAMERA --new does, or mend sites:",
        ) from error


def folder_state(folder: Path | None) -> FolderState | None:
    """What changes with the site files of a folder; None where there is no such folder."""
    if folder is None:
        return None
    found = set()
    try:
        for path in site_paths(folder):
            info = path.stat()
            found.add((path.name, info.st_mtime_ns, info.st_size))
    except (ConfigError, OSError):  # it has gone, or a file of it while it was looked at: it is another state then
        return None
    return frozenset(found)


def read_site(path: Path) -> Site:
    """The site that a file holds. Whether its ground is fitted to what it says now, `Sites` asks.

    Raises `ConfigError` that names the file, the line and the key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no site file {path}", remedy=f"busyness calibrate CONFIG {path.stem} --new makes it"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the site file {path} cannot be read: {error}") from error
    try:
        content = json.loads(text, object_pairs_hook=_each_key_once)
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{path}, line {error.lineno}: this is no JSON: {error.msg}", remedy="mend the line it names"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be used: {error}", remedy="mend it, or make it anew") from error
    try:
        site = Site.model_validate(content)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(explain(path, _with_lines(text), error)), remedy="docs/operations.md explains site files"
        ) from error
    if site.camera != path.stem:
        raise ConfigError(
            f"{path} is of camera {site.camera!r}", remedy=f"call it {site.camera}{SUFFIX}, or mend `camera` in it"
        )
    return site


def write_site(path: Path, site: Site) -> None:
    """Put a site into its file. Raises `ConfigError`."""
    write_whole(path, text_of(site).encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, also where another process writes it too. Raises `ConfigError`."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        try:
            fresh.write_bytes(content)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}", remedy="check the folder, its rights and its room"
        ) from error


def text_of(site: Site) -> str:
    """A site as the text of its file."""
    return _pretty(_said(site.model_dump(mode="json")), 0) + "\n"


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON lets a key stand twice and keeps the last; that hides mistakes, so it is refused."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one place")
        found[key] = value
    return found


def _with_lines(text: str) -> yaml.Node | None:
    """Where each key stands: JSON is YAML, but for tabs and some characters."""
    try:
        return yaml.compose(text.replace("\t", " "), Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None


def _said(value: Any) -> Any:
    """Without nulls; whole numbers as people write them: 352 and not 352.0."""
    if isinstance(value, dict):
        return {key: _said(held) for key, held in value.items() if held is not None}
    if isinstance(value, list):
        return [_said(held) for held in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _pretty(value: Any, indent: int, before: int = 0) -> str:
    """JSON in which what holds no object is one line, where it fits; longer lists of numbers are filled lines.

    `before` is how many characters stand before it on its line.
    """
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or (len(flat) <= LINE - before and "{" not in flat[1:]):
        return flat
    deeper = indent + 2
    inner = " " * deeper
    if isinstance(value, dict):
        keys = [f"{json.dumps(key)}: " for key in value]
        held = zip(keys, value.values(), strict=True)
        parts = [key + _pretty(one, deeper, deeper + len(key)) for key, one in held]
        opened, closed = "{", "}"
    else:
        parts = [_pretty(one, deeper, deeper) for one in value]
        opened, closed = "[", "]"
        if not any(isinstance(one, dict | str) or "\n" in part for one, part in zip(value, parts, strict=True)):
            parts = _filled(parts, LINE - deeper)
    return f"{opened}\n{inner}" + f",\n{inner}".join(parts) + f"\n{' ' * indent}{closed}"


def _filled(parts: list[str], width: int) -> list[str]:
    """As many to a line as fit."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + 2 > width:
            lines.append(part)
        else:
            lines[-1] += f", {part}"
    return lines
