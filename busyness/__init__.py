"""The roof: configuration, the wiring of the stages, and the command."""

DEFAULT_MODEL = "lowres-2"
"""What is counted with unless a configuration or a command names another model."""
