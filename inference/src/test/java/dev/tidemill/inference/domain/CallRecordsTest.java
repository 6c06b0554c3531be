package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.testkit.MovableClock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CallRecordsTest {
    private final MovableClock clock = new MovableClock(Instant.parse("2026-11-27T15:00:00Z"));
    private final CallRecords records = new CallRecords(new PayloadLog(List.of(), 0), clock);

    private void call(String name, int version) {
        clock.advance(Duration.ofSeconds(1));
        var request = InferenceRequest.of(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(Tensor.numbers("x", Datatype.FP64, new long[] {1}, new double[] {3})),
                clock.instant());
        var called = new ServedVersion("p", name, version, new Digest("0".repeat(64)), false);
        records.begin("p", name, request).answered(called, Route.REGISTERED, new Calls.Outcome(List.of(), true), 1_000);
    }

    @Test
    void figuresAreKeptOfTheVersionsThatWereCalledLast() {
        int more = 50;
        for (int version = 1; version <= CallRecords.MOST_VERSIONS + more; version++) {
            call("retrained", version);
            call("steady", 1);
        }
        List<VersionStatistics> kept = records.statistics();
        assertThat(kept).hasSize(CallRecords.MOST_VERSIONS);
        assertThat(kept.getFirst().version()).isEqualTo(more + 2);
        assertThat(kept.getLast().name()).isEqualTo("steady");
        assertThat(kept.getLast().figures().successes())
                .as("what is called all the time loses no figure")
                .isEqualTo(CallRecords.MOST_VERSIONS + more);
    }
}
