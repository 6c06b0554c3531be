package dev.tidemill.platform.config;

import dev.tidemill.platform.definitions.Suggestions;
import dev.tidemill.platform.errors.TidemillException;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;

/**
 * The settings in force: defaults, then the configuration file, then the environment ({@code TIDEMILL_HTTP_PORT} for
 * {@code http.port}), then flags. Immutable.
 */
public final class Settings {
    private static final int FILE = 200;
    private static final int ENVIRONMENT = 300;
    private static final int FLAGS = 400;

    private final SmallRyeConfig config;

    private Settings(SmallRyeConfig config) {
        this.config = config;
    }

    /**
     * Loads the settings, and holds every one of them to its rule.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for a file that cannot be read, a setting nobody knows, and settings that are
     *     not what they may be: all of them by name, with their values (but secrets) and where they come from
     */
    public static Settings load(Optional<Path> file, Map<String, String> environment, Map<String, String> flags) {
        var builder = new SmallRyeConfigBuilder();
        var defaults = new TreeMap<String, String>();
        for (Setting setting : Setting.values()) {
            defaults.put(setting.key(), setting.defaultValue());
        }
        builder.withSources(new PropertiesConfigSource(defaults, "default", 100));
        file.ifPresent(
                path -> builder.withSources(new PropertiesConfigSource(fileEntries(path), path.toString(), FILE)));
        builder.withSources(new PropertiesConfigSource(environmentEntries(environment), "environment", ENVIRONMENT));
        builder.withSources(new PropertiesConfigSource(flags, "flag", FLAGS));
        var settings = new Settings(builder.build());
        settings.check();
        return settings;
    }

    private static Map<String, String> fileEntries(Path path) {
        var properties = new Properties();
        try (Reader reader = Files.newBufferedReader(path)) {
            properties.load(reader);
        } catch (IOException e) {
            throw TidemillException.invalid(
                    "config", "The configuration file " + path + " cannot be read: " + e.getMessage());
        }
        var entries = new TreeMap<String, String>();
        for (String key : properties.stringPropertyNames()) {
            if (Setting.find(key).isEmpty()) {
                throw TidemillException.invalid(
                                "config", path + ": there is no setting '" + key + "'" + meant(key, Setting.keys()))
                        .remedy("The settings are: " + String.join(", ", Setting.keys()));
            }
            entries.put(key, properties.getProperty(key));
        }
        return entries;
    }

    private static Map<String, String> environmentEntries(Map<String, String> environment) {
        var entries = new TreeMap<String, String>();
        for (Setting setting : Setting.values()) {
            Optional.ofNullable(environment.get(setting.variable()))
                    .ifPresent(value -> entries.put(setting.key(), value));
        }
        return entries;
    }

    private void check() {
        var faults = new ArrayList<String>();
        String first = "";
        for (Setting setting : Setting.values()) {
            Optional<String> fault = setting.rule().fault(text(setting));
            if (fault.isPresent()) {
                String value = setting.rule().secret() ? "" : "'" + masked(setting, text(setting)) + "' ";
                faults.add(setting.key() + ": " + value + fault.get() + " (from "
                        + origin(config.getConfigValue(setting.key()).getSourceName()) + ")");
                first = first.isEmpty() ? setting.key() : first;
            }
        }
        if (faults.isEmpty() && whole(Setting.HTTP_PORT) != 0 && whole(Setting.HTTP_PORT) == whole(Setting.GRPC_PORT)) {
            first = Setting.GRPC_PORT.key();
            faults.add(first + ": " + whole(Setting.GRPC_PORT) + " is http.port too; each needs a port of its own");
        }
        if (!faults.isEmpty()) {
            throw TidemillException.invalid(first, String.join("\n  ", faults))
                    .remedy("Every setting with its meaning: tidemill server --print-settings");
        }
    }

    /**
     * Variables of the environment that look like settings and are none, each with what was probably meant. Others that begin alike
     * belong to the command line, the launcher and clients.
     */
    public static List<String> strange(Map<String, String> environment) {
        List<String> known =
                Arrays.stream(Setting.values()).map(Setting::variable).toList();
        return environment.keySet().stream()
                .filter(name -> name.startsWith(Setting.VARIABLES) && !known.contains(name))
                .sorted()
                .flatMap(name -> near(name.substring(Setting.VARIABLES.length()), known).stream()
                        .map(meant -> name + " sets nothing; did you mean " + meant + "?"))
                .toList();
    }

    /** What begins alike says nothing, so the rest is compared. */
    private static Optional<String> near(String rest, List<String> variables) {
        return Suggestions.nearest(
                        rest,
                        variables.stream()
                                .map(name -> name.substring(Setting.VARIABLES.length()))
                                .toList())
                .filter(meant -> Math.abs(meant.length() - rest.length()) <= 2 && rest.contains("_"))
                .map(meant -> Setting.VARIABLES + meant);
    }

    private static String meant(String key, List<String> known) {
        return Suggestions.nearest(key, known)
                .map(nearest -> "; did you mean '" + nearest + "'?")
                .orElse("");
    }

    public String text(Setting setting) {
        return config.getOptionalValue(setting.key(), String.class).orElse("");
    }

    public Optional<String> optional(Setting setting) {
        return Optional.of(text(setting)).filter(text -> !text.isBlank());
    }

    public List<String> list(Setting setting) {
        var values = new ArrayList<String>();
        for (String part : text(setting).split(",")) {
            if (!part.isBlank()) {
                values.add(part.strip());
            }
        }
        return List.copyOf(values);
    }

    public boolean flag(Setting setting) {
        return Boolean.parseBoolean(text(setting));
    }

    /** A whole number, within the setting's bounds. */
    public int whole(Setting setting) {
        return Integer.parseInt(text(setting));
    }

    /** A number of megabytes, in bytes. */
    public long megabytes(Setting setting) {
        return whole(setting) * 1024L * 1024L;
    }

    /** A share from 0 to 1. */
    public double share(Setting setting) {
        return Double.parseDouble(text(setting));
    }

    /** The effective settings as a table of key, value, origin and meaning; passwords are masked. */
    public String table() {
        var rows = new ArrayList<String[]>();
        rows.add(new String[] {"SETTING", "VALUE", "FROM", "MEANING"});
        for (Setting setting : Setting.values()) {
            var value = config.getConfigValue(setting.key());
            String shown = String.valueOf(value.getValue() == null ? "" : value.getValue());
            rows.add(new String[] {
                setting.key(), masked(setting, shown), origin(value.getSourceName()), setting.meaning()
            });
        }
        int key = rows.stream().mapToInt(row -> row[0].length()).max().orElse(0);
        int value = rows.stream().mapToInt(row -> row[1].length()).max().orElse(0);
        int from = rows.stream().mapToInt(row -> row[2].length()).max().orElse(0);
        var table = new StringBuilder();
        for (String[] row : rows) {
            table.append(pad(row[0], key))
                    .append("  ")
                    .append(pad(row[1], value))
                    .append("  ");
            table.append(pad(row[2], from)).append("  ").append(row[3]).append('\n');
        }
        return table.toString();
    }

    private static String masked(Setting setting, String value) {
        return setting.rule().secret() && !value.isEmpty()
                ? "****"
                : value.replaceAll("(://[^:/@]+):[^@]*@", "$1:****@");
    }

    /** The library wraps a source's name in its class's. */
    private static String origin(@org.jspecify.annotations.Nullable String source) {
        return source == null ? "default" : source.replaceAll("^\\w+\\[source=(.*)]$", "$1");
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(width - text.length());
    }
}
