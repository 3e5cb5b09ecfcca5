"""The stages as processes of their own, over Kafka and PostgreSQL: the same stages, wired otherwise."""
