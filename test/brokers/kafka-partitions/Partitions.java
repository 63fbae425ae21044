// Writes keys and their partitions of 6, 12 and 16, as Kafka's own Java client chooses them. From the root of the clone:
//   java -cp '.estafet/kafka/4.1.0/*' test/brokers/kafka-partitions/Partitions.java > test/brokers/kafka-partitions/java.tsv
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;

public class Partitions {
  public static void main(String[] args) {
    List<String> keys = new ArrayList<>(List.of("", "a", "ab", "abc", "abcd", "abcde", "1", "customer-42", "task:12345",
        "The quick brown fox jumps over the lazy dog", "é", "日本語", "🚀", "naïve-ключ-42", " ", "x".repeat(4096)));
    for (int n = 0; n < 100; n++) keys.add("key-" + n);
    for (int n = 0; n < 100; n++) keys.add(UUID.nameUUIDFromBytes(("" + n).getBytes(StandardCharsets.UTF_8)).toString());
    for (int n = 0; n < 50; n++) keys.add("ключ/" + n + "/🚀é".repeat(n % 4));
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String key : keys) {
      byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
      out.print(key);
      for (int partitions : new int[] {6, 12, 16}) out.print("\t" + BuiltInPartitioner.partitionForKey(bytes, partitions));
      out.print("\n");
    }
  }
}
