#!/bin/bash
# Records the files here from Kafka 3.9: record.sh KAFKA_LIBS_FOLDER. A ZooKeeper must listen on 127.0.0.1:2181; its paths
# /golden-plain and /golden-tuned must not be there yet.
set -euo pipefail
libs=$1; here=$(cd "$(dirname "$0")" && pwd); classes=$(mktemp -d)
trap 'kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$classes" /tmp/millrace-golden' EXIT
pids=()
javac -cp "$libs/*" -d "$classes" "$here/RecordConfigs.java"
echo 'log4j.rootLogger=OFF' > "$classes/log4j.properties"
record() { java -cp "$classes:$libs/*" RecordConfigs "$@"; }
start() {  # NAME BOOTSTRAP
  java -Xmx400m -cp "$classes:$libs/*" kafka.Kafka "$here/$1.properties" & pids+=($!)
  for _ in $(seq 60); do record "$2" describe BROKER "$3" > /dev/null 2>&1 && return; sleep 1; done
  echo "the broker $1 did not start" >&2; exit 1
}
topics() { java -cp "$classes:$libs/*" org.apache.kafka.tools.TopicCommand --bootstrap-server "$@"; }

plain=127.0.0.1:19078 tuned=127.0.0.1:19079
start plain $plain 1
topics $plain --create --topic untouched
record $plain describe BROKER 1 > "$here/plain.broker.tsv"
record $plain describe TOPIC untouched > "$here/plain.topic.tsv"
record $plain errors "$here/topic_configs_tried.txt" > "$here/topic_configs_answered.txt"

start tuned $tuned 7
record $tuned alter 7 log.segment.bytes=2097152 log.flush.interval.ms=900
record $tuned alter '' log.segment.bytes=3145728 log.retention.ms=5000000 message.max.bytes=2000000
topics $tuned --create --topic untouched
topics $tuned --create --topic overridden --config segment.bytes=1000000 --config preallocate=TRUE \
  --config min.cleanable.dirty.ratio=0.10 --config cleanup.policy=delete --config leader.replication.throttled.replicas=0:7 \
  --config retention.ms=5000000 --config compression.type=producer --config message.timestamp.before.max.ms=99
record $tuned describe BROKER 7 > "$here/tuned.broker.tsv"
record $tuned describe BROKER '' > "$here/tuned.broker_defaults.tsv"
record $tuned describe TOPIC untouched > "$here/tuned.topic.tsv"
record $tuned describe TOPIC overridden > "$here/tuned.overridden_topic.tsv"
