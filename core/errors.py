"""One family of errors. Each says what is wrong, with which input, and what to do about it."""

from __future__ import annotations


class BusynessError(Exception):
    """Base of every error raised on purpose.

    `message` names the input and what is wrong with it; `remedy` says what the reader can do.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message


class ConfigError(BusynessError):
    """A configuration file or value cannot be used."""


class SourceError(BusynessError):
    """A source of clips (folder, feed, stream) cannot be read."""


class ModelError(BusynessError):
    """A counting model cannot be loaded or has been changed."""


class StoreError(BusynessError):
    """The store cannot be opened, read or written."""


class Unstorable(StoreError):
    """The store is there, and does not take this: waiting does not help."""


class BusError(BusynessError):
    """The bus between the stages cannot be reached, or does not take what is published."""


class Unpublishable(BusError):
    """The bus is there, and never takes this record: waiting does not help."""


class QueryError(BusynessError):
    """A question to the store or the API is malformed."""


class NotFound(BusynessError):
    """A camera, zone or other thing asked for does not exist."""


class AlreadyThere(BusynessError):
    """Something of this id is there already."""


class CalibrationRefused(BusynessError):
    """What was said of a camera's ground or zones cannot be true, or is not enough: `message` names which point."""


class BackgroundRefused(BusynessError):
    """There is no picture of a street that may be shown: too few clips, or somebody would still be in it."""


class MissingExtra(BusynessError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed", remedy=f"pip install '.[{extra}]'")


class PixelLeak(BusynessError):
    """Something tried to take pixels out of memory: to pickle, serialise, print or write a frame."""
