package dev.tidemill.platform.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Holds {@code docs/settings.md} against the settings; {@code TIDEMILL_RENEW_DOCS=true} writes it anew. */
class SettingsPageTest {
    private static final String HEAD = """
            # Settings reference

            A setting comes from the command's flag, else from the environment variable, else from the file that `--config` names (a line `key=value` each, `#`
            begins a comment), else from its default. `tidemill server --print-settings` prints what is in force and where each value came from. All values are checked before
            anything is opened: a value that is not allowed ends the start with its name, value and origin.

            The launcher has settings of its own, environment variables alone: `TIDEMILL_JAVA_HOME` (the JDK), `TIDEMILL_HEAP` (the server's heap, such as `4g`; else a quarter of
            the memory) and `TIDEMILL_SUPERVISE=true` (start again when the heap was full). The commands read `TIDEMILL_SERVER`, `TIDEMILL_TOKEN` and `TIDEMILL_PROJECT`.

            This page is made from the code (`platform/config/Setting`).

            | setting | environment variable | default | allowed | meaning |
            |---|---|---|---|---|
            """;

    @Test
    void pageSaysWhatTheSettingsAre() throws Exception {
        var expected = new StringBuilder(HEAD);
        for (Setting setting : Setting.values()) {
            expected.append("| `%s` | `%s` | %s | %s | %s |\n"
                    .formatted(
                            setting.key(),
                            setting.variable(),
                            setting.defaultValue().isEmpty() ? "" : "`" + setting.defaultValue() + "`",
                            allowed(setting.rule()),
                            setting.meaning().replace("|", "\\|")));
        }
        Path page = Path.of("..", "docs", "settings.md");
        if (Boolean.parseBoolean(System.getenv("TIDEMILL_RENEW_DOCS"))) {
            Files.writeString(page, expected);
        }
        assertThat(Files.readString(page))
                .as("docs/settings.md is out of date; "
                        + "TIDEMILL_RENEW_DOCS=true mvn test -pl platform -Dtest=SettingsPageTest renews it")
                .isEqualTo(expected.toString());
    }

    private static String allowed(SettingRule rule) {
        return switch (rule) {
            case SettingRule.Text text -> "any text";
            case SettingRule.Name name -> "a text that is not blank";
            case SettingRule.Secret secret -> "any text, never shown";
            case SettingRule.Whole whole -> "a whole number from " + whole.least() + " to " + whole.most();
            case SettingRule.Share share -> "a number from 0 to 1";
            case SettingRule.Words words ->
                "`" + String.join("`, `", words.words()) + "`" + (words.several() ? "; several with commas" : "");
            case SettingRule.HttpAddress address -> "an address of HTTP or HTTPS";
            case SettingRule.Bucket bucket -> "a bucket with a prefix, `s3://bucket/prefix`";
            case SettingRule.Existing existing ->
                existing.folder() ? "a folder that exists" : "a file that can be read";
            case SettingRule.Key key -> "the Base64 of " + key.bytes() + " bytes, never shown";
        };
    }
}
