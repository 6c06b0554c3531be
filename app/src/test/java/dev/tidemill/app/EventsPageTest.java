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

            Whatever changes in a project appends an event in the same transaction. They are read in pages (`tidemill events list --type model. --subject model/churn`,
            `GET .../projects/PROJECT/events?type=model.&subject=model/churn&user=ada`), as a stream (`.../events/stream`, server-sent events from `Last-Event-ID` on), and are
            sent to webhooks (`tidemill webhooks create URL --events deployment.,monitor.`): each in order, at least once, signed, as a
            [CloudEvent](https://cloudevents.io) 1.0 whose `id` tells repetitions. How webhooks retry: [operations](operations.md).

            Events of the server itself, such as of its users, are of **no project**: administrators of the server read them (`tidemill events list --all-projects`,
            `GET /api/tidemill/v1/events`), and no project's list, stream or webhook has them; one that asks for them is refused. Who did what: [audit](audit.md).

            An event has `type` (`dev.tidemill.` and a type of the table; either is taken where events are asked for), `subject` (what it happened to), `recordedtime` (when it was
            told), `time` (the data's time where it is about data, otherwise when it was told), `actor` (`user:NAME`; `user:NAME/token:ID` for a program of theirs; or a word such
            as `system`), `user` (the user who is or stands behind the actor), `cause` (what led to it, such as the pipeline run) and `data`. Types, subjects and fields
            stay as they are within a major version; fields may be added. CloudEvents that other systems send to `POST /api/tidemill/v1/events` become events of the
            type `external.` and theirs.

            This page is made from [`spec/events.yaml`](../spec/events.yaml); `tidemill webhooks types` prints the list of the server that it talks to.

            | type | subject | told when | data |
            |---|---|---|---|
            """;

    @Test
    void pageSaysWhatTheCatalogueSays() throws Exception {
        Path page = SharedData.repository().resolve("docs/events.md");
        String expected = HEAD
                + EventCatalogue.shipped().types().stream()
                        .map(type -> "| `" + type.type() + "` | `" + type.subject() + "` | " + type.when()
                                + (type.server() ? "; of no project" : "")
                                + " | "
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
