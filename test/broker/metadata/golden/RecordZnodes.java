// Prints znodes.tsv: the payloads that Kafka 3.9's own encoders (kafka.zk.ZkData) write, one "name<TAB>payload" a line. With Kafka's jars:
//   java -cp 'libs/*' RecordZnodes.java > znodes.tsv
// Timestamps are replaced by 1700000000000: registrations read the system's clock.
import java.nio.charset.StandardCharsets;
import java.util.*;
import kafka.cluster.*;
import kafka.controller.*;
import kafka.zk.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.feature.*;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.server.common.*;
import scala.jdk.javaapi.CollectionConverters;

public class RecordZnodes {
  static void line(String name, byte[] payload) {
    String text = payload == null ? "" : new String(payload, StandardCharsets.UTF_8);
    System.out.println(name + "\t" + text.replaceAll("\"timestamp\":\"\\d+\"", "\"timestamp\":\"1700000000000\""));
  }
  static scala.collection.immutable.Seq<Object> ids(Integer... ids) {
    List<Object> list = new ArrayList<>(Arrays.asList(ids));
    return CollectionConverters.asScala(list).toSeq();
  }
  static ReplicaAssignment assignment(scala.collection.immutable.Seq<Object> replicas) { return ReplicaAssignment.apply(replicas, ids(), ids()); }
  static byte[] topic(Uuid id, SortedMap<Integer, ReplicaAssignment> partitions) {
    Map<TopicPartition, ReplicaAssignment> map = new LinkedHashMap<>();
    partitions.forEach((p, a) -> map.put(new TopicPartition("t", p), a));
    return TopicZNode.encode(id == null ? scala.Option.empty() : scala.Option.apply(id), CollectionConverters.asScala(map));
  }
  static EndPoint endpoint(String host, int port, String listener, SecurityProtocol protocol) {
    return new EndPoint(host, port, new ListenerName(listener), protocol);
  }
  static byte[] broker(int id, String rack, EndPoint... endpoints) {
    var broker = Broker.apply(id, CollectionConverters.asScala(Arrays.asList(endpoints)).toSeq(), scala.Option.apply(rack), org.apache.kafka.common.feature.Features.emptySupportedFeatures());
    return BrokerIdZNode.encode(BrokerInfo.apply(broker, MetadataVersion.IBP_3_9_IV0, -1));
  }
  static byte[] config(String... pairs) {
    Properties properties = new Properties();
    // Set by ascending key: keys that collide in the hash table stand in the order of their insertion.
    TreeMap<String, String> sorted = new TreeMap<>();
    for (int i = 0; i < pairs.length; i += 2) sorted.put(pairs[i], pairs[i + 1]);
    sorted.forEach(properties::setProperty);
    return ConfigEntityZNode.encode(properties);
  }
  static byte[] state(int leader, int epoch, int controllerEpoch, boolean recovering, Integer... isr) {
    List<org.apache.kafka.common.message.AlterPartitionRequestData.BrokerState> list = new ArrayList<>();
    for (int member : isr) list.add(new org.apache.kafka.common.message.AlterPartitionRequestData.BrokerState().setBrokerId(member));
    var recovery = recovering ? org.apache.kafka.metadata.LeaderRecoveryState.RECOVERING : org.apache.kafka.metadata.LeaderRecoveryState.RECOVERED;
    var leaderAndIsr = new kafka.api.LeaderAndIsr(leader, epoch, recovery, CollectionConverters.asScala(list).toList(), 0);
    return TopicPartitionStateZNode.encode(LeaderIsrAndControllerEpoch.apply(leaderAndIsr, controllerEpoch));
  }

  public static void main(String[] arguments) {
    Uuid id = Uuid.fromString("JrSaDkNnTtevCS24LqpTfA");
    for (int count : new int[] {1, 3, 9, 11, 12, 13, 23, 24, 25, 48, 100, 200, 1000}) {
      SortedMap<Integer, ReplicaAssignment> partitions = new TreeMap<>();
      for (int p = 0; p < count; p++) partitions.put(p, assignment(ids(p % 3, (p + 1) % 3)));
      line("topic." + count, topic(id, partitions));
    }
    SortedMap<Integer, ReplicaAssignment> moving = new TreeMap<>();
    moving.put(0, ReplicaAssignment.apply(ids(3, 4, 1, 2), ids(3, 4), ids(1, 2)));
    moving.put(1, ReplicaAssignment.apply(ids(1, 2), ids(), ids()));
    moving.put(2, ReplicaAssignment.apply(ids(1, 2, 3), ids(3), ids()));
    moving.put(3, ReplicaAssignment.apply(ids(1, 2, 3), ids(), ids(3)));
    line("topic.moving", topic(id, moving));
    line("topic.without-id", topic(null, moving));

    line("state", state(0, 0, 1, false, 0));
    line("state.isr", state(1001, 7, 12, false, 1001, 1002, 3));
    line("state.leaderless", state(-1, 8, 12, false, 1001));
    line("state.recovering", state(2, 9, 13, true, 2));

    line("broker.plaintext", broker(0, null, endpoint("127.0.0.1", 9092, "PLAINTEXT", SecurityProtocol.PLAINTEXT)));
    line("broker.rack", broker(0, "r1", endpoint("127.0.0.1", 9092, "PLAINTEXT", SecurityProtocol.PLAINTEXT)));
    line("broker.ipv6", broker(7, null, endpoint("::1", 9092, "PLAINTEXT", SecurityProtocol.PLAINTEXT)));
    line("broker.secure", broker(1, "zone-a", endpoint("broker.example", 9093, "SSL", SecurityProtocol.SSL), endpoint("broker.example", 9094, "SASL_SSL", SecurityProtocol.SASL_SSL)));
    line("broker.listeners", broker(1, "zone-a", endpoint("a", 1, "INTERNAL", SecurityProtocol.SASL_PLAINTEXT), endpoint("b", 2, "CONTROL", SecurityProtocol.SSL), endpoint("c", 3, "OPEN", SecurityProtocol.PLAINTEXT), endpoint("d", 4, "EXTERNAL", SecurityProtocol.SASL_SSL)));
    line("broker.many-listeners", broker(1, null, endpoint("a", 1, "INTERNAL", SecurityProtocol.PLAINTEXT), endpoint("b", 2, "CONTROL", SecurityProtocol.SSL), endpoint("c", 3, "OPEN", SecurityProtocol.PLAINTEXT), endpoint("d", 4, "EXTERNAL", SecurityProtocol.SASL_SSL), endpoint("e", 5, "NODEPORT", SecurityProtocol.SSL), endpoint("f", 6, "INGRESS", SecurityProtocol.SSL), endpoint("g", 7, "REPLICATION", SecurityProtocol.SSL)));

    line("config.empty", config());
    line("config.one", config("retention.ms", "1000"));
    line("config.two", config("retention.ms", "1000", "cleanup.policy", "compact,delete"));
    line("config.many", config("cleanup.policy", "compact", "compression.type", "zstd", "min.insync.replicas", "2", "retention.ms", "-1", "retention.bytes", "-1", "segment.bytes", "1048576", "max.message.bytes", "2000000", "flush.messages", "1", "unclean.leader.election.enable", "false"));
    line("config.more", config("cleanup.policy", "compact", "compression.type", "zstd", "min.insync.replicas", "2", "retention.ms", "-1", "retention.bytes", "-1", "segment.bytes", "1048576", "max.message.bytes", "2000000", "flush.messages", "1", "unclean.leader.election.enable", "false", "message.timestamp.type", "CreateTime", "preallocate", "false", "segment.ms", "1", "segment.jitter.ms", "2", "delete.retention.ms", "3", "file.delete.delay.ms", "4", "index.interval.bytes", "4096", "segment.index.bytes", "10485760"));
    line("config.escapes", config("leader.replication.throttled.replicas", "a\"b\\c/d\u00e9\u0001\n\t"));

    line("change", ConfigEntityChangeNotificationSequenceZNode.encode("topics/my-topic"));
    line("change.user-client", ConfigEntityChangeNotificationSequenceZNode.encode("users/<default>/clients/c1"));
    line("controller", ControllerZNode.encode(1, 1700000000000L, -1));
    line("controller.kraft", ControllerZNode.encode(3000, 1700000000000L, 5));
    line("cluster-id", ClusterIdZNode.toJson("IKyVStOSTBGjee1z24bHaw"));
    line("producer-ids", ProducerIdBlockZNode.generateProducerIdBlockJson(new ProducerIdsBlock(0, 0, 1000)));
    line("producer-ids.later", ProducerIdBlockZNode.generateProducerIdBlockJson(new ProducerIdsBlock(1001, 123456789000L, 1000)));
    line("feature", FeatureZNode.encode(FeatureZNode.apply(2, (FeatureZNodeStatus) FeatureZNodeStatus.withNameOpt(1).get(), (scala.collection.Map) scala.collection.immutable.Map$.MODULE$.empty())));
    List<String> paths = new ArrayList<>(CollectionConverters.asJava(ZkData.PersistentZkPaths()));
    line("paths.persistent", String.join(" ", paths).getBytes(StandardCharsets.UTF_8));
    line("paths.topic", TopicZNode.path("t").getBytes());
    line("paths.partition-state", TopicPartitionStateZNode.path(new TopicPartition("t", 3)).getBytes());
    line("paths.broker", BrokerIdZNode.path(3).getBytes());
    line("paths.config", ConfigEntityZNode.path("topics", "t").getBytes());
    line("paths.change", ConfigEntityChangeNotificationSequenceZNode.createPath().getBytes());
    line("paths.delete-topic", DeleteTopicsTopicZNode.path("t").getBytes());
    line("paths.controller", ControllerZNode.path().getBytes());
    line("paths.controller-epoch", ControllerEpochZNode.path().getBytes());
    line("paths.cluster-id", ClusterIdZNode.path().getBytes());
    line("paths.producer-ids", ProducerIdBlockZNode.path().getBytes());
    line("paths.broker-sequence", BrokerSequenceIdZNode.path().getBytes());
    line("paths.feature", FeatureZNode.path().getBytes());
  }
}
