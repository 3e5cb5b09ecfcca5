"""What tests of shelves share."""

from __future__ import annotations

from services.postgres_server import PostgresServer

from aggregate.postgres_config import PostgresConfig
from aggregate.postgres_shelf import TABLE
from core.shelf import Document, Shelf


def put(shelf: Shelf, name: str, text: str, version: int | None = None) -> Document:
    """Keep a document that must be kept."""
    kept = shelf.put(name, text, version=version)
    assert kept is not None
    return Document(text, kept)


def shelved(server: PostgresServer) -> PostgresConfig:
    """A new schema with the table of shelves, and nothing else."""
    config = server.config()
    server.execute(f'CREATE SCHEMA "{config.schema_name}"; SET search_path TO "{config.schema_name}"; {TABLE}')
    return config
