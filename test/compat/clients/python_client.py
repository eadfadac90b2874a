"""kafka-python against a broker: RECORDS records with each acks and each codec, read back without a group and compared.

    python_client.py HOST:PORT TOPIC-PREFIX RECORDS        closes with the line "done"
"""
import sys
import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

SECONDS = 60
CASES = [(acks, None) for acks in (0, 1, "all")] + [("all", codec) for codec in ("gzip", "snappy", "lz4", "zstd")]


def record(number):
    """Key, value and headers of a record; every thousandth value is null, every other one repeats itself."""
    value = None if number % 1000 == 999 else f"{number:08}{'abcdefghij' * (number % 12)}".encode()
    return f"key {number}".encode(), value, [("number", str(number).encode())]


def produce(bootstrap, partition, acks, codec, records):
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks=acks, compression_type=codec, linger_ms=5, max_block_ms=SECONDS * 1000)
    futures = []
    for number in range(records):
        key, value, headers = record(number)
        futures.append(producer.send(partition.topic, key=key, value=value, headers=headers, partition=partition.partition,
                                     timestamp_ms=1_700_000_000_000 + number))
    producer.flush(SECONDS)
    offsets = [future.get(SECONDS).offset for future in futures]
    producer.close(SECONDS)
    if acks != 0 and offsets != list(range(records)):
        raise SystemExit(f"other offsets than 0 to {records - 1}: {offsets[:3]}, {offsets[-3:]}")


def read(bootstrap, partition, records):
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    found, end = [], time.monotonic() + SECONDS
    while len(found) < records and time.monotonic() < end:
        for part in consumer.poll(timeout_ms=200).values():
            found += part
    ends = consumer.end_offsets([partition])[partition]
    by_time = consumer.offsets_for_times({partition: 1_700_000_000_000 + records // 2})[partition].offset
    consumer.close()
    if ends != records or by_time != records // 2:
        raise SystemExit(f"the end is {ends}, not {records}, or the offset by time {by_time}, not {records // 2}")
    return found


def compare(found, records):
    if len(found) != records:
        raise SystemExit(f"{len(found)} records were read within {SECONDS} s, not {records}")
    for number, each in enumerate(found):
        key, value, headers = record(number)
        if (each.offset, each.timestamp, each.key, each.value, list(each.headers)) != (number, 1_700_000_000_000 + number, key, value, headers):
            raise SystemExit(f"record {number} is {each}")


def main():
    bootstrap, prefix, records = sys.argv[1], sys.argv[2], int(sys.argv[3])
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    for number, (acks, codec) in enumerate(CASES):
        begin = time.monotonic()
        partition = TopicPartition(f"{prefix}-{number}", 1)
        admin.create_topics([NewTopic(partition.topic, num_partitions=2, replication_factor=1,
                                       topic_configs={"retention.ms": "-1"})])  # the records are years old
        produce(bootstrap, partition, acks, codec, records)
        compare(read(bootstrap, partition, records), records)
        print(f"acks {acks}, codec {codec}: {records} records in {time.monotonic() - begin:.1f} s", flush=True)
    admin.delete_topics([f"{prefix}-{number}" for number in range(len(CASES))])
    admin.close()
    print("done")


main()
