// Groups that grow and shrink at random, and how the assignors of Kafka 4 share out the partitions of their topics:
//
//   java -cp 'LIBS_4/*' GoldenAssignments.java > assignments.txt
//
//   ASSIGNOR TOPICS MEMBER...   TOPICS: NUMBER:PARTITIONS,...   MEMBER: ID|INSTANCE|TOPIC,...|BEFORE|AFTER with BEFORE and AFTER TOPIC:PARTITION.PARTITION,...
//
// A topic's id has its number in the upper eight bytes.
import org.apache.kafka.common.Uuid;
import org.apache.kafka.coordinator.group.api.assignor.*;
import org.apache.kafka.coordinator.group.assignor.*;
import org.apache.kafka.coordinator.group.modern.*;
import java.util.*;
import java.util.stream.*;

class GoldenAssignments {
  static final int STEPS = 8;

  static Uuid topic(int number) { return new Uuid(number, 0); }

  static String text(Map<Uuid, Set<Integer>> partitions) {
    if (partitions.isEmpty()) return "-";
    return new TreeMap<>(partitions).entrySet().stream().map(each -> each.getKey().getMostSignificantBits() + ":"
        + new TreeSet<>(each.getValue()).stream().map(String::valueOf).collect(Collectors.joining("."))).collect(Collectors.joining(","));
  }
  static Set<Integer> someTopics(Random random, int count) {
    Set<Integer> topics = new TreeSet<>();
    while (topics.isEmpty()) for (int topic = 1; topic <= count; topic++) if (random.nextInt(3) != 0) topics.add(topic);
    return topics;
  }

  public static void main(String[] arguments) {
    for (int seed = 1; seed <= 60; seed++) {
      Random random = new Random(seed);
      boolean sameTopics = seed % 2 == 0;
      ConsumerGroupPartitionAssignor assignor = seed % 3 == 0 ? new RangeAssignor() : new UniformAssignor();
      int topicCount = 1 + random.nextInt(4);
      Map<Integer, Integer> topics = new TreeMap<>();
      for (int number = 1; number <= topicCount; number++) topics.put(number, 1 + random.nextInt(9));
      Set<Integer> shared = someTopics(random, topicCount);
      Map<String, Set<Integer>> subscriptions = new TreeMap<>();
      Map<String, Map<Uuid, Set<Integer>>> assigned = new TreeMap<>();
      for (int step = 0; step < STEPS; step++) {
        if (step > 0 && random.nextInt(4) == 0) topics.merge(1 + random.nextInt(topicCount), 1 + random.nextInt(3), Integer::sum);
        if (subscriptions.size() > 1 && random.nextInt(2) == 0) {
          String leaving = new ArrayList<>(subscriptions.keySet()).get(random.nextInt(subscriptions.size()));
          subscriptions.remove(leaving);
          assigned.remove(leaving);
        }
        for (int joining = 0; joining < 1 + random.nextInt(3); joining++)
          subscriptions.putIfAbsent("m" + random.nextInt(20), sameTopics ? shared : someTopics(random, topicCount));
        Map<String, MemberSubscriptionAndAssignmentImpl> members = new TreeMap<>();
        Map<Uuid, Map<Integer, String>> owners = new HashMap<>();
        subscriptions.forEach((id, subscription) -> {
          Map<Uuid, Set<Integer>> before = assigned.getOrDefault(id, Map.of());
          before.forEach((topic, partitions) -> partitions.forEach(each -> owners.computeIfAbsent(topic, k -> new HashMap<>()).put(each, id)));
          members.put(id, new MemberSubscriptionAndAssignmentImpl(Optional.empty(), instance(id), subscription.stream().map(GoldenAssignments::topic)
              .collect(Collectors.toCollection(TreeSet::new)), new Assignment(before)));
        });
        boolean homogeneous = new HashSet<>(subscriptions.values()).size() == 1;
        GroupAssignment result = assignor.assign(new GroupSpecImpl(members, homogeneous ? SubscriptionType.HOMOGENEOUS : SubscriptionType.HETEROGENEOUS, owners),
            new SubscribedTopicDescriber() {
              public int numPartitions(Uuid id) { return topics.getOrDefault((int) id.getMostSignificantBits(), -1); }
              public Set<String> racksForPartition(Uuid id, int partition) { return Set.of(); }
            });
        StringBuilder line = new StringBuilder(assignor.name() + " " + topics.entrySet().stream().map(each -> each.getKey() + ":" + each.getValue())
            .collect(Collectors.joining(",")));
        for (String id : subscriptions.keySet()) {
          Map<Uuid, Set<Integer>> after = result.members().get(id).partitions();
          line.append(" ").append(id).append("|").append(instance(id).orElse("-")).append("|")
              .append(subscriptions.get(id).stream().map(String::valueOf).collect(Collectors.joining(","))).append("|")
              .append(text(assigned.getOrDefault(id, Map.of()))).append("|").append(text(after));
          assigned.put(id, Collections.unmodifiableMap(new HashMap<>(after)));
        }
        System.out.println(line);
      }
    }
  }
  static Optional<String> instance(String id) {
    int number = Integer.parseInt(id.substring(1));
    return number % 5 == 0 ? Optional.of("i" + (99 - number)) : Optional.empty();
  }
}
