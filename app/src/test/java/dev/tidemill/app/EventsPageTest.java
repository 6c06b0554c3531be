package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.events.EventCatalogue;
import dev.tidemill.testkit.SharedData;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Holds {@code docs/events.md} against the catalogue; {@code TIDEMILL_RENEW_DOCS=true} writes it anew. */
class EventsPageTest {
    private static final String HEAD = """
            # Events

            Whatever changes in a project appends an event in the same transaction. They are read in pages (`GET .../projects/PROJECT/events?type=model.&subject=model/churn`),
            as a stream (`.../events/stream`, server-sent events from `Last-Event-ID` on), and are sent to webhooks (`tidemill webhooks create URL --events deployment.,monitor.`):
            each in order, at least once, signed, as a [CloudEvent](https://cloudevents.io) 1.0 whose `id` tells repetitions. How webhooks retry: [operations](operations.md).

            An event has `type`, `subject` (what it happened to), `time` (when it was told), `actor` (a user, a token or `system`), `cause` (what led to it, such as the pipeline
            run), `eventTime` (where it is about data: the data's time) and `data`. Types, subjects and fields stay as they are within a major version; fields may be added.
            CloudEvents that other systems send to `POST /api/tidemill/v1/events` become events of the type `external.` and theirs.

            This page is made from [`spec/events.yaml`](../spec/events.yaml); `tidemill webhooks types` prints the list of the server that it talks to.

            | type | subject | told when | data |
            |---|---|---|---|
            """;

    @Test
    void pageSaysWhatTheCatalogueSays() throws Exception {
        Path page = SharedData.repository().resolve("docs/events.md");
        String expected = HEAD
                + EventCatalogue.shipped().types().stream()
                        .map(type -> "| `" + type.type() + "` | `" + type.subject() + "` | " + type.when() + " | "
                                + type.data().entrySet().stream()
                                        .map(field -> "`" + field.getKey() + "`: " + field.getValue())
                                        .collect(Collectors.joining("<br>"))
                                + " |\n")
                        .collect(Collectors.joining());
        if (Boolean.parseBoolean(System.getenv("TIDEMILL_RENEW_DOCS"))) {
            Files.writeString(page, expected);
        }
        assertThat(Files.readString(page))
                .as(
                        "docs/events.md is out of date; TIDEMILL_RENEW_DOCS=true mvn test -pl app -Dtest=EventsPageTest renews it")
                .isEqualTo(expected);
    }
}
