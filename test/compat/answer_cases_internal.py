"""Cases of the topics that brokers keep for themselves. The last ones: with them, Kafka's coordinators begin to work."""
from harness.record_bytes import batch

NAMES = ("__consumer_offsets", "__transaction_state")


def cases(script):
    for name in NAMES:
        script.create(name, exactly=True)
    for version in script.versions("Metadata"):
        script.ask("internal topics", "Metadata", version, {"topics": [{"name": name} for name in NAMES]},
                   show=lambda answer: answer["topics"])
    for version in script.versions("Produce"):
        for name in NAMES:
            for acks in (1, -1):
                script.ask(f"to {name}, acks={acks}", "Produce", version, {"acks": acks, "timeout_ms": 5000, "topic_data": [
                    {"name": name, "partition_data": [{"index": 0, "records": batch(b"one")}]}]})
    for name in NAMES:
        keys = ["cleanup.policy", "compression.type", "segment.bytes"]
        script.ask(name, "DescribeConfigs", 1, {"resources": [{"resource_type": 2, "resource_name": name, "configuration_keys": keys}]})
        wanted = {"name": name, "num_partitions": 1, "replication_factor": 1}
        script.ask(f"{name} again", "CreateTopics", 5, {"topics": [wanted], "timeout_ms": 20000})
    script.ask("internal topics", "DeleteTopics", 5, {"topic_names": list(NAMES), "timeout_ms": 20000})
