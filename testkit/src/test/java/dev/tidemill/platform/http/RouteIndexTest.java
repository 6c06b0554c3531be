package dev.tidemill.platform.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.auth.Access;
import java.util.List;
import org.junit.jupiter.api.Test;

class RouteIndexTest {
    private static Route get(String path) {
        return Route.get(path, Access.open(), (context, caller) -> {});
    }

    private final RouteIndex index = new RouteIndex(List.of(
            get("/"),
            get("/a/{x}"),
            get("/a/b"),
            get("/a/{x}/c"),
            get("/a/{x}/<rest>"),
            Route.post("/a/b", Access.open(), (context, caller) -> {})));

    private String found(String method, String path) {
        return index.find(method, path).map(Route::signature).orElse("");
    }

    @Test
    void theOneDeclaredFirstIsMeant() {
        assertThat(found("GET", "/")).isEqualTo("GET /");
        assertThat(found("GET", "/a/b")).isEqualTo("GET /a/{x}");
        assertThat(found("GET", "/a/q/c")).isEqualTo("GET /a/{x}/c");
        assertThat(found("GET", "/a/q/c/d")).isEqualTo("GET /a/{x}/<rest>");
        assertThat(found("HEAD", "/a/b")).isEqualTo("GET /a/{x}");
        assertThat(found("POST", "/a/b")).isEqualTo("POST /a/b");
        assertThat(found("POST", "/a/c")).isEmpty();
        assertThat(found("GET", "/b")).isEmpty();
    }
}
