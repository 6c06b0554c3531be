package dev.tidemill.platform.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SettingsTest {
    @TempDir
    Path directory;

    @BeforeAll
    static void keepTheLibraryQuiet() {
        Logging.quiet();
    }

    private static Settings load(Setting setting, String value) {
        return Settings.load(Optional.empty(), Map.of(setting.variable(), value), Map.of());
    }

    /** Values that the rule must not let through: another type, and just out of range. */
    private static List<String> wrong(SettingRule rule) {
        return switch (rule) {
            case SettingRule.Text text -> List.of();
            case SettingRule.Secret secret -> List.of();
            case SettingRule.Name name -> List.of("", "  ");
            case SettingRule.Whole whole ->
                List.of(
                        "",
                        "abc",
                        "1.5",
                        "-1",
                        "+1",
                        "1e3",
                        "0x10",
                        "99999999999999999999",
                        String.valueOf(whole.least() - 1L),
                        String.valueOf(whole.most() + 1L));
            case SettingRule.Share share -> List.of("", "abc", "-0.1", "1.1", "NaN", "Infinity", "10 %");
            case SettingRule.Words words -> List.of("", "other", words.words().getFirst() + "x", "true,");
            case SettingRule.HttpAddress address -> List.of("host:80", "ftp://host/", "http://", "http://a b/", "://");
            case SettingRule.Bucket bucket ->
                List.of(
                        "bucket",
                        "s3://",
                        "s3://B/x",
                        "s3://bucket/",
                        "s3://bucket/a//b",
                        "s3://bucket/../b",
                        "s3://bucket/a b",
                        "https://bucket/x");
            case SettingRule.Existing existing -> List.of("/not/there", existing.folder() ? "/etc/hostname" : "/etc");
            case SettingRule.Key key -> List.of("no Base64!", "AAAA");
        };
    }

    /** Values at the bounds of what the rule lets through. */
    private List<String> right(SettingRule rule) throws IOException {
        return switch (rule) {
            case SettingRule.Text text -> List.of("", "anything at all");
            case SettingRule.Secret secret -> List.of("", "abc");
            case SettingRule.Name name -> List.of("name");
            case SettingRule.Whole whole -> List.of(String.valueOf(whole.least()), String.valueOf(whole.most()));
            case SettingRule.Share share -> List.of("0", "1", "0.25", "1e-3");
            case SettingRule.Words words -> words.several() ? List.of(String.join(", ", words.words())) : words.words();
            case SettingRule.HttpAddress address -> List.of("", "http://host:4318", "https://[::1]:8443/x");
            case SettingRule.Bucket bucket -> List.of("", "s3://bucket", "s3://my.bucket-1/team/a_b.c");
            case SettingRule.Existing existing ->
                List.of(
                        "",
                        (existing.folder() ? directory : Files.writeString(directory.resolve("file"), "content"))
                                .toString());
            case SettingRule.Key key -> List.of("", "A".repeat(43) + "=");
        };
    }

    @ParameterizedTest
    @EnumSource
    void whatASettingMayNotBeIsRefusedAtTheStartByNameWithItsValue(Setting setting) {
        for (String value : wrong(setting.rule())) {
            assertThatThrownBy(() -> load(setting, value))
                    .as(setting.key() + "=" + value)
                    .isInstanceOfSatisfying(TidemillException.class, refusal -> {
                        assertThat(refusal.field()).contains(setting.key());
                        assertThat(refusal.message())
                                .startsWith(setting.key() + ": ")
                                .endsWith("(from environment)");
                        if (setting.rule().secret()) {
                            assertThat(refusal.message()).doesNotContain(value);
                        } else {
                            assertThat(refusal.message()).contains("'" + value + "'");
                        }
                    });
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatASettingMayBeIsTaken(Setting setting) throws IOException {
        for (String value : right(setting.rule())) {
            assertThat(load(setting, value).text(setting)).isEqualTo(value);
        }
        assertThat(setting.rule().fault(setting.defaultValue())).isEmpty();
    }

    @Test
    void allThatIsWrongIsToldAtOnceWithWhereItComesFrom() throws IOException {
        Path file = Files.writeString(directory.resolve("server.properties"), "retention.deleted-days=abc\n");
        assertThatThrownBy(() -> Settings.load(
                        Optional.of(file), Map.of("TIDEMILL_WORKERS", "many"), Map.of("http.port", "65536")))
                .hasMessageContaining("http.port: '65536' is not a whole number from 0 to 65535 (from flag)")
                .hasMessageContaining("workers: 'many' is not a whole number from 0 to 10000 (from environment)")
                .hasMessageContaining(
                        "retention.deleted-days: 'abc' is not a whole number from 0 to 999999 (from " + file + ")");
    }

    @ParameterizedTest
    @EnumSource
    void aMisspeltSettingIsRefusedInTheFileAndToldOfInTheEnvironment(Setting setting) throws IOException {
        String misspelt = setting.key() + "s";
        Path file = Files.writeString(directory.resolve("server.properties"), misspelt + "=1\n");
        assertThatThrownBy(() -> Settings.load(Optional.of(file), Map.of(), Map.of()))
                .hasMessageContaining("there is no setting '" + misspelt + "'; did you mean '")
                .hasMessageContaining("'" + setting.key() + "'?");
        String variable = setting.variable() + "S";
        if (setting.variable().substring(Setting.VARIABLES.length()).contains("_")) {
            assertThat(Settings.strange(Map.of(variable, "1", setting.variable(), "1")))
                    .containsExactly(variable + " sets nothing; did you mean " + setting.variable() + "?");
        }
    }

    /** Variables of the command line, the launcher and the clients. */
    @Test
    void variablesOfOthersAreNotStrange() {
        for (String name : List.of(
                "TIDEMILL_SERVER",
                "TIDEMILL_PROJECT",
                "TIDEMILL_TOKEN",
                "TIDEMILL_HEAP",
                "TIDEMILL_SUPERVISE",
                "TIDEMILL_LAUNCHER",
                "TIDEMILL_JAVA_HOME",
                "TIDEMILL_SHARED",
                "TIDEMILL_TEST_POSTGRES",
                "TIDEMILL_OUTBOX",
                "TIDEMILL_E2E_SHOTS",
                "OTHER_HTTP_PORTS")) {
            assertThat(Settings.strange(Map.of(name, "1"))).as(name).isEmpty();
        }
    }

    @Test
    void secretsAreNotShown() {
        var settings = Settings.load(
                Optional.empty(),
                Map.of("TIDEMILL_CONTROL_TOKEN", "hush", "TIDEMILL_DATABASE", "postgresql://u:hush@h/d"),
                Map.of());
        assertThat(settings.table()).doesNotContain("hush").contains("postgresql://u:****@h/d");
        assertThatThrownBy(() ->
                        Settings.load(Optional.empty(), Map.of("TIDEMILL_PAYLOADS_SINK", "ftp://u:hush@h/d"), Map.of()))
                .hasMessageContaining("ftp://u:****@h/d")
                .message()
                .doesNotContain("hush");
    }

    @Test
    void theHomeIsWhatTheEnvironmentSays() {
        assertThat(UserHome.of(Map.of("HOME", "/elsewhere"), "/home/ada")).isEqualTo(Path.of("/elsewhere"));
        for (Map<String, String> none : List.of(Map.<String, String>of(), Map.of("HOME", ""), Map.of("HOME", "here"))) {
            assertThat(UserHome.of(none, "/home/ada")).isEqualTo(Path.of("/home/ada"));
        }
    }
}
