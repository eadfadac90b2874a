// kafkajs against a broker, without groups and transactions: admin, and produce with every codec.
//   kafkajs_client.js HOST:PORT TOPIC RECORDS    a line for each operation and its answer, then "done"; the caller reads what was produced
const { Kafka, logLevel, CompressionTypes, CompressionCodecs, ConfigResourceTypes } = require('kafkajs');
const lz4 = require('lz4js');
const zstd = require('@bokuweb/zstd-wasm');

CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy');
// lz4js says that its blocks depend on each other, which no broker takes; the one block of a small batch depends on none.
function independent(frame) {
  frame.set([0x60, 0x70, 0x73], 4);
  return frame;
}
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async (encoder) => Buffer.from(independent(lz4.compress(encoder.buffer))),
  decompress: async (buffer) => Buffer.from(lz4.decompress(buffer)),
});
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async (encoder) => Buffer.from(zstd.compress(encoder.buffer)),
  decompress: async (buffer) => Buffer.from(zstd.decompress(buffer)),
});

const [bootstrap, topic, records] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const say = (operation, answer) => console.log(`${operation}\t${JSON.stringify(answer)}`);

async function said(operation, work) {
  try {
    say(operation, await work());
  } catch (error) {
    const cause = error.errors ? error.errors[0] : error;
    say(operation, `${cause.name} ${cause.type || ''}`.trim());
  }
}

const sorted = (list, key) => list.slice().sort((left, right) => (left[key] < right[key] ? -1 : 1));
const offsets = (list) => sorted(list, 'partition').map(({ partition, offset, high, low }) => ({ partition, offset, high, low }));

async function topics(admin) {
  await said('createTopics', () => admin.createTopics({ waitForLeaders: true, topics: [
    { topic, numPartitions: 6, replicationFactor: 1, configEntries: [{ name: 'retention.ms', value: '-1' }] }] })); // the records are years old
  await said('createTopics again', () => admin.createTopics({ topics: [{ topic }] }));
  await said('createTopics with a bad name', () => admin.createTopics({ topics: [{ topic: 'a b' }] }));
  await said('createTopics with too many replicas', () => admin.createTopics({ topics: [{ topic: `${topic}-x`, replicationFactor: 9 }] }));
  await said('createTopics, to validate', () => admin.createTopics({ validateOnly: true, waitForLeaders: false, topics: [{ topic: `${topic}-x`, numPartitions: 2 }] }));
  await said('createPartitions', () => admin.createPartitions({ topicPartitions: [{ topic, count: 7 }] }));
  await said('createPartitions, fewer', () => admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }));
  await said('listTopics', async () => (await admin.listTopics()).filter((name) => name.startsWith(topic)));
  await said('fetchTopicMetadata', async () => sorted((await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions, 'partitionId'));
}

async function configurations(admin) {
  const resource = { type: ConfigResourceTypes.TOPIC, name: topic };
  const describe = async (names) => sorted((await admin.describeConfigs({ includeSynonyms: true, resources: [{ ...resource, configNames: names }] }))
    .resources[0].configEntries, 'configName');
  await said('describeConfigs', () => describe(['retention.ms', 'cleanup.policy', 'segment.bytes']));
  await said('alterConfigs', async () => (await admin.alterConfigs({ resources: [{ ...resource, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }] }))
    .resources.map(({ errorCode }) => errorCode));
  await said('describeConfigs, altered', () => describe(['retention.ms', 'cleanup.policy']));
  await said('alterConfigs with a bad value', () => admin.alterConfigs({ resources: [{ ...resource, configEntries: [{ name: 'cleanup.policy', value: 'x' }] }] }));
  await said('alterConfigs back', async () => (await admin.alterConfigs({ resources: [{ ...resource, configEntries: [] }] })).resources.length);
  await said('describeConfigs of the broker', async () => (await admin.describeConfigs({ resources: [
    { type: ConfigResourceTypes.BROKER, name: '0', configNames: ['log.segment.bytes', 'num.io.threads'] }] })).resources[0].configEntries);
}

async function produced(kafka, options, partition, send) {
  const producer = kafka.producer({ allowAutoTopicCreation: false, ...options });
  await producer.connect();
  const messages = [...Array(records).keys()].map((number) => ({ partition, key: `key ${number}`, value: number % 100 === 99 ? null : `value ${number}`,
    headers: { number: `${number}` }, timestamp: `${1700000000000 + number}` }));
  try {
    return (await producer.send({ topic, messages, ...send })).map(({ errorCode, baseOffset }) => ({ errorCode, baseOffset }));
  } finally {
    await producer.disconnect();
  }
}

(async () => {
  await zstd.init();
  const kafka = new Kafka({ clientId: topic, brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await said('describeCluster', async () => ({ brokers: (await admin.describeCluster()).brokers.length, controller: (await admin.describeCluster()).controller }));
  await topics(admin);
  await configurations(admin);
  for (const [partition, codec] of ['None', 'GZIP', 'Snappy', 'LZ4', 'ZSTD'].entries()) {
    await said(`produce, codec ${codec}`, () => produced(kafka, {}, partition, { acks: -1, compression: CompressionTypes[codec] }));
  }
  await said('produce, idempotent', () => produced(kafka, { idempotent: true, maxInFlightRequests: 1 }, 5, {}));
  await said('produce, acks 1', () => produced(kafka, {}, 6, { acks: 1 }));
  await said('produce, acks 0', () => produced(kafka, {}, 6, { acks: 0 }));
  await said('fetchTopicOffsets', async () => offsets(await admin.fetchTopicOffsets(topic)).slice(0, 6));
  await said('fetchTopicOffsetsByTimestamp', async () => offsets(await admin.fetchTopicOffsetsByTimestamp(topic, 1700000000007)));
  console.log('done');
  await admin.disconnect();
})().catch((error) => { console.error(error); process.exit(1); });
