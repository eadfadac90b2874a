// Keys and values of groups of the new protocol (KIP-848) made by the classes of Kafka 4, for the test that decodes and encodes them again:
//
//   java -cp 'LIBS_4/*' GoldenConsumerGroupRecords.java > consumer_group_records.txt
//
//   TYPE HEX   the bytes with the version in front
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.*;
import org.apache.kafka.coordinator.group.generated.*;
import java.util.*;

class GoldenConsumerGroupRecords {
  static final Uuid TOPIC = new Uuid(0x0102030405060708L, 0x090a0b0c0d0e0f10L);

  static void key(String type, int version, Message message) {
    System.out.println(type + " " + HexFormat.of().formatHex(MessageUtil.toVersionPrefixedBytes((short) version, message)));
  }
  static void value(String type, Message message) { key(type, 0, message); }

  static ConsumerGroupMemberMetadataValue member() {
    return new ConsumerGroupMemberMetadataValue().setClientId("client").setClientHost("/127.0.0.1").setSubscribedTopicNames(List.of("a", "b"))
        .setRebalanceTimeoutMs(300000).setInstanceId(null).setRackId(null).setSubscribedTopicRegex(null).setServerAssignor(null);
  }
  static ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions partitions(Integer... partitions) {
    return new ConsumerGroupCurrentMemberAssignmentValue.TopicPartitions().setTopicId(TOPIC).setPartitions(List.of(partitions));
  }
  public static void main(String[] arguments) {
    key("ConsumerGroupMetadataKey", 3, new ConsumerGroupMetadataKey().setGroupId("grüppe"));
    value("ConsumerGroupMetadataValue", new ConsumerGroupMetadataValue().setEpoch(42));
    value("ConsumerGroupMetadataValue/hash", new ConsumerGroupMetadataValue().setEpoch(42).setMetadataHash(77));
    key("ConsumerGroupPartitionMetadataKey", 4, new ConsumerGroupPartitionMetadataKey().setGroupId("grüppe"));
    value("ConsumerGroupPartitionMetadataValue", new ConsumerGroupPartitionMetadataValue().setTopics(List.of(
        new ConsumerGroupPartitionMetadataValue.TopicMetadata().setTopicId(TOPIC).setTopicName("a").setNumPartitions(6).setPartitionMetadata(List.of()))));
    value("ConsumerGroupPartitionMetadataValue/racks", new ConsumerGroupPartitionMetadataValue().setTopics(List.of(
        new ConsumerGroupPartitionMetadataValue.TopicMetadata().setTopicId(TOPIC).setTopicName("a").setNumPartitions(1).setPartitionMetadata(List.of(
            new ConsumerGroupPartitionMetadataValue.PartitionMetadata().setPartition(0).setRacks(List.of("r1", "r2")))))));
    key("ConsumerGroupMemberMetadataKey", 5, new ConsumerGroupMemberMetadataKey().setGroupId("grüppe").setMemberId("member-1"));
    value("ConsumerGroupMemberMetadataValue", member());
    value("ConsumerGroupMemberMetadataValue/full", member().setInstanceId("instance").setRackId("rack").setSubscribedTopicRegex("a.*").setServerAssignor("range"));
    value("ConsumerGroupMemberMetadataValue/classic", member().setClassicMemberMetadata(
        new ConsumerGroupMemberMetadataValue.ClassicMemberMetadata().setSessionTimeoutMs(45000).setSupportedProtocols(List.of(
            new ConsumerGroupMemberMetadataValue.ClassicProtocol().setName("range").setMetadata(new byte[] {0, 1, 2})))));
    key("ConsumerGroupTargetAssignmentMetadataKey", 6, new ConsumerGroupTargetAssignmentMetadataKey().setGroupId("grüppe"));
    value("ConsumerGroupTargetAssignmentMetadataValue", new ConsumerGroupTargetAssignmentMetadataValue().setAssignmentEpoch(42));
    key("ConsumerGroupTargetAssignmentMemberKey", 7, new ConsumerGroupTargetAssignmentMemberKey().setGroupId("grüppe").setMemberId("member-1"));
    value("ConsumerGroupTargetAssignmentMemberValue", new ConsumerGroupTargetAssignmentMemberValue().setTopicPartitions(List.of(
        new ConsumerGroupTargetAssignmentMemberValue.TopicPartition().setTopicId(TOPIC).setPartitions(List.of(0, 1, 5)))));
    key("ConsumerGroupCurrentMemberAssignmentKey", 8, new ConsumerGroupCurrentMemberAssignmentKey().setGroupId("grüppe").setMemberId("member-1"));
    value("ConsumerGroupCurrentMemberAssignmentValue", new ConsumerGroupCurrentMemberAssignmentValue().setMemberEpoch(43).setPreviousMemberEpoch(42)
        .setState((byte) 1).setAssignedPartitions(List.of(partitions(0, 1))).setPartitionsPendingRevocation(List.of(partitions(5))));
    value("ConsumerGroupCurrentMemberAssignmentValue/epochs", new ConsumerGroupCurrentMemberAssignmentValue().setMemberEpoch(43).setPreviousMemberEpoch(42)
        .setState((byte) 0).setAssignedPartitions(List.of(partitions(0, 1).setAssignmentEpochs(List.of(41, 43)))).setPartitionsPendingRevocation(List.of()));
    key("ConsumerGroupRegularExpressionKey", 16, new ConsumerGroupRegularExpressionKey().setGroupId("grüppe").setRegularExpression("a.*"));
    value("ConsumerGroupRegularExpressionValue", new ConsumerGroupRegularExpressionValue().setTopics(List.of("a", "ab")).setVersion(9).setTimestamp(1700000000456L));
  }
}
