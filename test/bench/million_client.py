"""kafka-python: produces numbered records, or reads them all back and compares each one. Prints the seconds that it took.

    million_client.py produce|consume HOST:PORT TOPIC RECORDS BYTES
"""
import sys
import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition


def value(number, filler):
    return b"%010d" % number + filler


def produce(bootstrap, topic, records, filler):
    failures = []
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, batch_size=65536, max_block_ms=60_000)
    producer.partitions_for(topic)
    begin = time.monotonic()
    for number in range(records):
        producer.send(topic, value(number, filler), partition=0).add_errback(failures.append)
    producer.flush()
    seconds = time.monotonic() - begin
    if failures:
        raise SystemExit(f"{len(failures)} records were refused, the first one by {failures[0]!r}")
    producer.close()
    return seconds


def consume(bootstrap, topic, records, filler):
    partition = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    consumer.assign([partition])
    if consumer.end_offsets([partition])[partition] != records:
        raise SystemExit(f"the partition ends at {consumer.end_offsets([partition])[partition]}, not {records}")
    consumer.seek_to_beginning(partition)
    begin, number = time.monotonic(), 0
    while number < records:
        found = consumer.poll(timeout_ms=60_000, max_records=5000).get(partition)
        if not found:
            raise SystemExit(f"nothing came for 60 s after record {number}")
        for record in found:
            if record.offset != number or record.value != value(number, filler):
                raise SystemExit(f"record {number} is {record}")
            number += 1
    seconds = time.monotonic() - begin
    consumer.close()
    return seconds


def main():
    mode, bootstrap, topic = sys.argv[1:4]
    records, filler = int(sys.argv[4]), b"x" * (int(sys.argv[5]) - 10)
    print(f"{(produce if mode == 'produce' else consume)(bootstrap, topic, records, filler):.3f}")


main()
