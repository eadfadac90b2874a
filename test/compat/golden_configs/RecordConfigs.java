// Writes what a broker answers to DescribeConfigs, one key a line, tabs between:
//   name  value  source  type  read_only  sensitive  synonym…   (\N: null; a synonym is SOURCE:name=value)
// and, with "errors", what it says to topic configurations that are wrong. Documentation is left out: it is not ours to copy.
//
//   RecordConfigs BOOTSTRAP describe TOPIC|BROKER NAME
//   RecordConfigs BOOTSTRAP errors FILE          each line of FILE: key=value, with tabs between several
//   RecordConfigs BOOTSTRAP alter NAME key=value…      NAME is a broker's number, or "" for all
import java.nio.file.*;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.config.ConfigResource;

public class RecordConfigs {
  static String text(String value) { return value == null ? "\\N" : value; }

  static void describe(Admin admin, String type, String name) throws Exception {
    var resource = new ConfigResource(ConfigResource.Type.valueOf(type), name);
    var options = new DescribeConfigsOptions().includeSynonyms(true);
    var lines = new TreeSet<String>();
    for (var entry : admin.describeConfigs(List.of(resource), options).all().get().get(resource).entries()) {
      var fields = new ArrayList<String>(List.of(entry.name(), text(entry.value()), entry.source().toString(), entry.type().toString(),
          String.valueOf(entry.isReadOnly()), String.valueOf(entry.isSensitive())));
      for (var synonym : entry.synonyms()) fields.add(synonym.source() + ":" + synonym.name() + "=" + text(synonym.value()));
      lines.add(String.join("\t", fields));
    }
    lines.forEach(System.out::println);
  }

  static void errors(Admin admin, String file) throws Exception {
    for (String line : Files.readAllLines(Path.of(file))) {
      if (line.isEmpty()) continue;
      var configs = new HashMap<String, String>();
      for (String pair : line.split("\t")) {
        int equals = pair.indexOf('=');
        configs.put(pair.substring(0, equals), pair.substring(equals + 1));
      }
      var topic = new NewTopic("validated-only", 1, (short) 1).configs(configs);
      String answer = "OK";
      try {
        admin.createTopics(List.of(topic), new CreateTopicsOptions().validateOnly(true)).all().get();
      } catch (java.util.concurrent.ExecutionException error) {
        answer = error.getCause().getClass().getSimpleName() + "\t" + error.getCause().getMessage();
      }
      System.out.println(line + "\n\t" + answer);
    }
  }

  static void alter(Admin admin, String[] args) throws Exception {
    var resource = new ConfigResource(ConfigResource.Type.BROKER, args[2]);
    var operations = new ArrayList<AlterConfigOp>();
    for (int i = 3; i < args.length; i++) {
      int equals = args[i].indexOf('=');
      var entry = new ConfigEntry(args[i].substring(0, equals), args[i].substring(equals + 1));
      operations.add(new AlterConfigOp(entry, AlterConfigOp.OpType.SET));
    }
    admin.incrementalAlterConfigs(Map.of(resource, operations)).all().get();
  }

  public static void main(String[] args) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
      if (args[1].equals("describe")) describe(admin, args[2], args[3]);
      if (args[1].equals("errors")) errors(admin, args[2]);
      if (args[1].equals("alter")) alter(admin, args);
    }
  }
}
