"""The bus on Apache Kafka. kafka-python is imported in this package alone."""
