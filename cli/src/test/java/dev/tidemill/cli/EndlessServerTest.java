package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server that never comes to an end is left, with a word about it. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EndlessServerTest {
    @Test
    void aPageThatComesAgainEndsEverySearch() throws IOException {
        JsonNode run = Api.object();
        ((com.fasterxml.jackson.databind.node.ObjectNode) run)
                .putObject("data")
                .putArray("metrics")
                .addObject()
                .put("key", "loss");
        // Two tokens in turn, so that none follows upon itself.
        var count = new java.util.concurrent.atomic.AtomicInteger();
        try (var server = new ScriptedServer(
                        (method, path, body) -> "{\"next_page_token\":\"t" + count.getAndIncrement() % 2 + "\"}");
                var source = source(server)) {
            for (ThrowingCallable search : new ThrowingCallable[] {
                () -> source.experiments(),
                () -> source.runs("1", each -> {}),
                () -> source.points(run, each -> {}),
                () -> source.loggedModels("1", each -> {}),
                () -> source.traces("1", each -> {}),
                () -> source.models(),
                () -> source.versions("m")
            }) {
                server.received().clear();
                assertThatThrownBy(search)
                        .isInstanceOf(CliException.class)
                        .hasMessageContaining("page")
                        .hasMessageContaining(server.address());
                assertThat(server.received()).hasSize(3);
            }
        }
    }

    @Test
    void olderTracesEndToo() throws IOException {
        try (var server = new ScriptedServer(
                        (method, path, body) -> path.contains("/api/3.0/") ? "" : "{\"next_page_token\":\"t\"}");
                var source = source(server)) {
            assertThatThrownBy(() -> source.traces("1", each -> {})).hasMessageContaining("page");
        }
    }

    @Test
    void foldersThatHoldThemselvesEnd() throws IOException {
        try (var server = new ScriptedServer((method, path, body) ->
                        "{\"files\":[{\"path\":\"d\",\"is_dir\":true},{\"path\":\"e\",\"is_dir\":true}]}");
                var source = source(server)) {
            assertThatThrownBy(() -> source.files("mlflow-artifacts:/1/r"))
                    .isInstanceOf(CliException.class)
                    .hasMessageContaining("100 folders");
            assertThat(server.received()).hasSizeLessThan(200);
        }
    }

    private static ServerSource source(ScriptedServer server) throws IOException {
        return new ServerSource(
                server.address(),
                null,
                Optional.empty(),
                LocalFiles.named(List.of()),
                Duration.ofMillis(1),
                AnswerBounds.USUAL);
    }
}
