package dev.tidemill.platform.json;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonWeightTest {
    /** The bytes that parsing allocates are no less than what stays, so the estimate is held against both. */
    @ParameterizedTest
    @ValueSource(
            strings = {"[]", "{}", "{\"a\":0}", "0", "0.1234", "\"text of some length\"", "[1,2]", "{\"a\":[],\"b\":{}}"
            })
    void itIsNoLessThanWhatStaysAndNoMoreThanAFewTimesWhatIsAllocated(String element) {
        byte[] body = ("[" + (element + ",").repeat(50_000) + element + "]").getBytes(StandardCharsets.UTF_8);
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        Json.read(new String(body, StandardCharsets.UTF_8));
        long before = threads.getCurrentThreadAllocatedBytes();
        Object kept = Json.read(new String(body, StandardCharsets.UTF_8));
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertThat(kept).isNotNull();
        assertThat(JsonWeight.of(body, body.length)).isBetween(allocated / 3, allocated * 4);
    }
}
