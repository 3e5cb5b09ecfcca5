"""The roof: configuration, the wiring of the stages, and the command."""
