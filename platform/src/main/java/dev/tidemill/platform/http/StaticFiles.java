package dev.tidemill.platform.http;

import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import io.javalin.http.Context;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** The packaged UI: files from the class path below {@code /ui}; any other page address gets the application's shell. */
public final class StaticFiles {
    private static final Pattern ASSET = Pattern.compile("/assets/[A-Za-z0-9_.-]{1,120}");
    private static final Map<String, String> TYPES = Map.of(
            "js", "text/javascript",
            "css", "text/css",
            "svg", "image/svg+xml",
            "png", "image/png",
            "woff2", "font/woff2",
            "json", "application/json",
            "html", "text/html; charset=utf-8",
            "ico", "image/x-icon");
    private static final String POLICY =
            "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline';"
                    + " script-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

    private StaticFiles() {}

    public static List<Route> routes() {
        return List.of(
                Route.get("/", Access.open(), (context, caller) -> shell(context)),
                Route.get("/assets/{file}", Access.open(), (context, caller) -> asset(context)),
                Route.get("/favicon.svg", Access.open(), (context, caller) -> send(context, "/favicon.svg", "svg")),
                Route.get("/ui/<page>", Access.open(), (context, caller) -> shell(context)));
    }

    private static void shell(Context context) throws IOException {
        context.header("Content-Security-Policy", POLICY).header("Cache-Control", "no-cache");
        if (!send(context, "/index.html", "html")) {
            context.contentType("text/html; charset=utf-8")
                    .result("<!doctype html><title>Tidemill</title><p>This build carries no user interface."
                            + " Run <code>make ui</code> and start again; the API is at"
                            + " <code>/api/tidemill/v1</code>.</p>");
        }
    }

    private static void asset(Context context) throws IOException {
        String path = context.path();
        if (!ASSET.matcher(path).matches()) {
            throw TidemillException.notFound("file", path);
        }
        context.header("Cache-Control", "public, max-age=31536000, immutable");
        if (!send(context, path, path.substring(path.lastIndexOf('.') + 1))) {
            throw new TidemillException(ErrorCode.NOT_FOUND, "There is no file " + path);
        }
    }

    private static boolean send(Context context, String path, String extension) throws IOException {
        try (var stream = StaticFiles.class.getResourceAsStream("/ui" + path)) {
            if (stream == null) {
                return false;
            }
            context.contentType(TYPES.getOrDefault(extension, "application/octet-stream"));
            context.result(stream.readAllBytes());
            return true;
        }
    }
}
