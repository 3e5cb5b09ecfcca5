"""What PostgreSQL's errors mean for an operator."""

from __future__ import annotations

import psycopg
from psycopg import errors

from core.errors import StoreError, Unstorable

_AWAY = (
    errors.ConnectionException,
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.TooManyConnections,
    errors.IdleInTransactionSessionTimeout,
)
"""The server has gone away, or is not there yet."""

_REMEDIES: tuple[tuple[tuple[type[psycopg.Error], ...], str], ...] = (
    (
        (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation),
        "another process writes the same; nothing was changed: the same again may succeed",
    ),
    (
        (errors.InsufficientPrivilege,),
        "grant this user the rights, or use that of the workers; the API needs no more than to read",
    ),
    (
        (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName),
        "bring its tables up to date: busyness store migrate CONFIG",
    ),
    ((errors.InvalidCatalogName,), "create the database (createdb), or mend store.url"),
    ((errors.InvalidPassword, errors.InvalidAuthorizationSpecification), "set PGPASSWORD, or write a password file"),
    ((errors.DiskFull, errors.OutOfMemory, errors.InsufficientResources), "give the server more room; nothing is lost"),
)


def is_away(error: psycopg.Error) -> bool:
    """Whether the server was not there, or has gone away: then the same may succeed once it is back."""
    if isinstance(error, _AWAY):
        return True
    # What the client itself notices has no code of the server.
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and error.sqlstate is None


def explained(error: psycopg.Error, name: str) -> StoreError:
    """The same for an operator; `name` is what the store is called."""
    said = " ".join(str(error).split())[:500] or type(error).__name__
    for kinds, remedy in _REMEDIES:
        if isinstance(error, kinds):
            return StoreError(f"{name} cannot be used: {said}", remedy=remedy)
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return StoreError(f"{name} is open for reading only", remedy="open it with read_only=False")
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError):
        return Unstorable(f"{name} does not take this: {said}", remedy="see where it came from")
    if is_away(error):
        return StoreError(
            f"{name} cannot be reached: {said}",
            remedy="see that PostgreSQL runs there and takes this user (PGPASSWORD, or a password file); "
            "what was committed is safe",
        )
    return StoreError(
        f"{name} cannot be used: {said}", remedy="look into the server's log; what was committed before is safe"
    )
