package dev.tidemill.inference.python;

import dev.tidemill.inference.domain.ModelFolder;
import dev.tidemill.platform.errors.TidemillException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The maker's word that a model answers each row by itself, which no one else can know of a program: {@code max_batch_size}, the most
 * rows of a call, as Triton's and MLServer's configurations have it. It is read from {@code config.pbtxt}, {@code model-settings.json} or
 * the {@code metadata} of {@code MLmodel}, the first that says it.
 */
final class MostRows {
    private static final String KEY = "max_batch_size";
    private static final Pattern PROTOBUF_TEXT = Pattern.compile("(?m)^[ \\t]*+" + KEY + "[ \\t]*+:[ \\t]*+(-?\\d+)");
    private static final Pattern JSON = Pattern.compile("\"" + KEY + "\"\\s*:\\s*(-?\\d+)");

    private MostRows() {}

    /**
     * The most rows of a joined call; 0 if the folder says nothing, or 0.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} for what is no such number
     */
    static int of(ModelFolder folder) {
        Optional<String> told = in(folder, "config.pbtxt", PROTOBUF_TEXT)
                .or(() -> in(folder, "model-settings.json", JSON))
                .or(() -> folder.description().metadata(KEY));
        if (told.isEmpty()) {
            return 0;
        }
        String text = told.get();
        if (!text.matches("\\d{1,9}")) {
            throw folder.unusable("its " + KEY + " is '" + text + "', which is no number of rows");
        }
        return Integer.parseInt(text);
    }

    private static Optional<String> in(ModelFolder folder, String file, Pattern pattern) {
        if (!folder.has(file)) {
            return Optional.empty();
        }
        Matcher found = pattern.matcher(new String(folder.read(file), StandardCharsets.UTF_8));
        return found.find() ? Optional.of(found.group(1)) : Optional.empty();
    }
}
