// Serialises requests and responses with Kafka's own generated classes, at every version, for the test that decodes and encodes them again:
//
//   java -cp 'LIBS/*' GoldenFrames.java SEED API... > frames.txt
//
// One line per frame: API key, "request" or "response", version, variant, hex of header and body. Variants: "default" (nothing set), "full"
// (every field of the version set), "nulls" (every nullable field null, arrays of one element), "null-arrays" (nullable arrays null).
// The fields and their versions come from the schemas inside kafka-clients.jar; the bytes from its classes.
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.SimpleRecord;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.ResponseHeader;

public class GoldenFrames {
  enum Variant { FULL, NULLS, NULL_ARRAYS }

  static final ObjectMapper JSON = new ObjectMapper().configure(JsonParser.Feature.ALLOW_COMMENTS, true);
  static Random random;

  static boolean contains(String versions, int version) {
    if (versions == null || versions.equals("none")) return false;
    if (versions.endsWith("+")) return version >= Integer.parseInt(versions.substring(0, versions.length() - 1));
    String[] ends = versions.split("-");
    return version >= Integer.parseInt(ends[0]) && version <= Integer.parseInt(ends[ends.length - 1]);
  }

  static String text(JsonNode node, String name) {
    return node.has(name) ? node.get(name).asText() : null;
  }

  static Object number(String type) {
    long bits = random.nextLong();
    return switch (type) {
      case "int8" -> (byte) bits;
      case "int16" -> (short) bits;
      case "uint16" -> (int) (bits & 0xffff);
      case "int32" -> (int) bits;
      case "uint32" -> bits & 0xffffffffL;
      case "int64" -> bits;
      case "float64" -> (double) bits / 3;
      case "bool" -> true;
      case "uuid" -> new Uuid(bits, random.nextLong());
      case "string" -> "text-" + Long.toString(bits & 0xffffff, 36) + (random.nextInt(4) == 0 ? "-\u00e4\u20ac" : "");
      default -> null;
    };
  }

  static MemoryRecords records() {
    SimpleRecord[] some = new SimpleRecord[1 + random.nextInt(3)];
    for (int i = 0; i < some.length; i++) some[i] = new SimpleRecord(1700000000000L + i, ("key" + i).getBytes(), ("value" + i).getBytes());
    return MemoryRecords.withRecords(Compression.NONE, some);
  }

  static Class<?> nested(Class<?> root, String name) throws ClassNotFoundException {
    return Class.forName(root.getName() + "$" + name);
  }

  static Method setter(Class<?> type, String field) {
    String name = "set" + Character.toUpperCase(field.charAt(0)) + field.substring(1);
    for (Method method : type.getMethods()) {
      if (method.getName().equals(name)) return method;
    }
    throw new IllegalStateException(type + " has no " + name);
  }

  @SuppressWarnings("unchecked")
  static Object array(JsonNode field, String type, Class<?> collection, Class<?> root, JsonNode schema, int version, Variant variant)
      throws Exception {
    Collection<Object> made = collection == List.class ? new ArrayList<>() : (Collection<Object>) collection.getConstructor().newInstance();
    int count = variant == Variant.FULL ? 2 + random.nextInt(2) : 1;
    for (int i = 0; i < count; i++) made.add(value(field, type, root, schema, version, variant));
    return made;
  }

  static Object value(JsonNode field, String type, Class<?> root, JsonNode schema, int version, Variant variant) throws Exception {
    Object simple = number(type);
    if (simple != null) return simple;
    if (type.equals("records")) return records();
    if (type.equals("bytes")) return new byte[] {1, 2, (byte) 0xff};
    Object made = nested(root, type).getConstructor().newInstance();
    JsonNode fields = field.get("fields");
    if (fields == null) {
      for (JsonNode common : schema.get("commonStructs")) {
        if (common.get("name").asText().equals(type)) fields = common.get("fields");
      }
    }
    fill(made, fields, root, schema, version, variant);
    return made;
  }

  static void fill(Object message, JsonNode fields, Class<?> root, JsonNode schema, int version, Variant variant) throws Exception {
    for (JsonNode field : fields) {
      if (!contains(text(field, "versions"), version)) continue;
      Method set = setter(message.getClass(), field.get("name").asText());
      String type = field.get("type").asText();
      boolean nullable = contains(text(field, "nullableVersions"), version);
      boolean isArray = type.startsWith("[]");
      if (nullable && (isArray ? variant == Variant.NULL_ARRAYS : variant != Variant.FULL)) {
        set.invoke(message, new Object[] {null});
      } else if (isArray) {
        set.invoke(message, array(field, type.substring(2), set.getParameterTypes()[0], root, schema, version, variant));
      } else if (type.equals("bytes") && set.getParameterTypes()[0] == ByteBuffer.class) {
        set.invoke(message, ByteBuffer.wrap(new byte[] {1, 2, (byte) 0xff}));
      } else {
        set.invoke(message, value(field, type, root, schema, version, variant));
      }
    }
  }

  static byte[] bytes(Message message, short version) {
    ObjectSerializationCache cache = new ObjectSerializationCache();
    ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
    message.write(new ByteBufferAccessor(buffer), cache, version);
    return buffer.array();
  }

  static byte[] header(ApiKeys key, boolean request, short version) {
    int correlation = random.nextInt();
    if (request) {
      RequestHeader header = new RequestHeader(key, version, "golden-client", correlation);
      return bytes(header.data(), header.headerVersion());
    }
    ResponseHeader header = new ResponseHeader(correlation, key.responseHeaderVersion(version));
    return bytes(header.data(), header.headerVersion());
  }

  static void print(ApiKeys key, boolean request, short version, String variant, ApiMessage message) {
    HexFormat hex = HexFormat.of();
    System.out.println(key.id + " " + (request ? "request" : "response") + " " + version + " " + variant + " "
        + hex.formatHex(header(key, request, version)) + hex.formatHex(bytes(message, version)));
  }

  static void generate(ApiKeys key, boolean request) throws Exception {
    String name = key.name + (request ? "Request" : "Response");
    JsonNode schema;
    try (InputStream in = ApiKeys.class.getResourceAsStream("/common/message/" + name + ".json")) {
      schema = JSON.readTree(in);
    }
    for (short version = key.oldestVersion(); version <= key.latestVersion(true); version++) {
      ApiMessage empty = request ? key.messageType.newRequest() : key.messageType.newResponse();
      print(key, request, version, "default", empty);
      for (Variant variant : Variant.values()) {
        ApiMessage message = request ? key.messageType.newRequest() : key.messageType.newResponse();
        fill(message, schema.get("fields"), message.getClass(), schema, version, variant);
        print(key, request, version, variant.name().toLowerCase().replace('_', '-'), message);
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    random = new Random(Long.parseLong(arguments[0]));
    System.out.println("# Made by GoldenFrames.java with the classes of kafka-clients 3.9.2: key, kind, version, variant, header and body.");
    for (int i = 1; i < arguments.length; i++) {
      ApiKeys key = ApiKeys.valueOf(arguments[i]);
      generate(key, true);
      generate(key, false);
    }
  }
}
