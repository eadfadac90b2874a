"""Kafka's clients and tools, unmodified, against a broker: see run."""
