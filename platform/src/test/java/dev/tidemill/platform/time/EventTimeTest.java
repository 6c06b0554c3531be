package dev.tidemill.platform.time;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventTimeTest {
    @Test
    void timesOfFourDigitYearsAreRead() {
        for (String text :
                List.of("1000-01-01T00:00:00Z", "2011-04-01T08:00:00.5Z", "9999-12-31T23:59:59.999999999Z")) {
            assertThat(EventTime.instant("at", text)).isEqualTo(Instant.parse(text));
        }
    }

    @Test
    void othersAreRefusedWithFieldAndValue() {
        for (String text : List.of(
                "-292275055-05-16T16:47:04.192Z",
                "+292278994-08-17T07:12:55.807Z",
                "0999-12-31T23:59:59.999Z",
                "+10000-01-01T00:00:00Z")) {
            assertThatThrownBy(() -> EventTime.instant("at", text))
                    .isInstanceOf(TidemillException.class)
                    .hasMessageContaining(text)
                    .hasMessageContaining("1000 to 9999");
        }
        assertThatThrownBy(() -> EventTime.instant("at", "yesterday"))
                .hasMessageContaining("'yesterday' is not a time");
    }
}
