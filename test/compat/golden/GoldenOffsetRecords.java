// Keys and values of __consumer_offsets made by Kafka's own classes, at every version, for the test that decodes and encodes them again:
//
//   java -cp 'LIBS/*' GoldenOffsetRecords.java > consumer_offsets_records.txt
//
//   TYPE VERSION HEX   the bytes with the version in front
import org.apache.kafka.common.protocol.*;
import org.apache.kafka.coordinator.group.generated.*;
import java.util.*;

class GoldenOffsetRecords {
  static void print(String type, int version, Message message) {
    System.out.println(type + " " + version + " " + HexFormat.of().formatHex(MessageUtil.toVersionPrefixedBytes((short) version, message)));
  }
  static GroupMetadataValue.MemberMetadata member(String id, String instance, byte[] assignment) {
    return new GroupMetadataValue.MemberMetadata().setMemberId(id).setGroupInstanceId(instance).setClientId("client").setClientHost("/127.0.0.1")
        .setRebalanceTimeout(300000).setSessionTimeout(45000).setSubscription(new byte[] {0, 1, 2}).setAssignment(assignment);
  }
  public static void main(String[] arguments) {
    for (int version = 0; version <= 1; version++)
      print("OffsetCommitKey", version, new OffsetCommitKey().setGroup("grüppe").setTopic("topic").setPartition(7));
    print("GroupMetadataKey", 2, new GroupMetadataKey().setGroup("grüppe"));
    for (int version = 0; version <= 4; version++) {
      print("OffsetCommitValue", version, new OffsetCommitValue().setOffset(1234567890123L).setLeaderEpoch(5).setMetadata("some metadata")
          .setCommitTimestamp(1700000000123L).setExpireTimestamp(1700000600123L));
      print("GroupMetadataValue", version, new GroupMetadataValue().setProtocolType("consumer").setGeneration(42).setProtocol("range").setLeader("client-1")
          .setCurrentStateTimestamp(1700000000456L)
          .setMembers(List.of(member("client-1", "instance-1", new byte[] {9, 8}), member("client-2", null, new byte[0]))));
      print("EmptyGroupMetadataValue", version, new GroupMetadataValue().setProtocolType("").setGeneration(1).setProtocol(null).setLeader(null)
          .setCurrentStateTimestamp(1700000000456L).setMembers(List.of()));
    }
  }
}
