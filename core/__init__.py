"""The ground every stage stands on: records, errors, clock, configuration base and the bus.

Nothing here knows a picture, a model, a database or a network: `core` imports only pydantic and the standard library.
"""
