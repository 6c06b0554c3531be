package dev.tidemill.platform.config;

import dev.tidemill.platform.errors.TidemillException;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
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
     * Loads the settings.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} for a file that cannot be read or a setting nobody knows
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
        return new Settings(builder.build());
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
                throw TidemillException.invalid("config", path + ": there is no setting '" + key + "'")
                        .remedy("The settings are: " + Setting.keys());
            }
            entries.put(key, properties.getProperty(key));
        }
        return entries;
    }

    private static Map<String, String> environmentEntries(Map<String, String> environment) {
        var entries = new TreeMap<String, String>();
        for (Setting setting : Setting.values()) {
            String name = "TIDEMILL_"
                    + setting.key().toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
            Optional.ofNullable(environment.get(name)).ifPresent(value -> entries.put(setting.key(), value));
        }
        return entries;
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

    public int port(Setting setting) {
        String text = text(setting);
        try {
            int port = Integer.parseInt(text);
            if (port >= 0 && port <= 65535) {
                return port;
            }
        } catch (NumberFormatException e) {
            // refused below, with the value
        }
        throw TidemillException.invalid(setting.key(), "'" + text + "' is not a port from 0 to 65535");
    }

    public boolean flag(Setting setting) {
        return switch (text(setting)) {
            case "true" -> true;
            case "false" -> false;
            default ->
                throw TidemillException.invalid(setting.key(), "'" + text(setting) + "' is neither true nor false");
        };
    }

    /** A whole number that may be 0. */
    public long days(Setting setting) {
        String text = text(setting);
        if (!text.matches("\\d{1,6}")) {
            throw TidemillException.invalid(setting.key(), "'" + text + "' is not a number of days");
        }
        return Long.parseLong(text);
    }

    /** A whole number within bounds. */
    public int whole(Setting setting, int least, int most) {
        String text = text(setting);
        if (text.matches("\\d{1,9}") && Integer.parseInt(text) >= least && Integer.parseInt(text) <= most) {
            return Integer.parseInt(text);
        }
        throw TidemillException.invalid(
                setting.key(), "'" + text + "' is not a whole number from " + least + " to " + most);
    }

    public long megabytes(Setting setting) {
        String text = text(setting);
        try {
            long value = Long.parseLong(text);
            if (value > 0) {
                return value;
            }
        } catch (NumberFormatException e) {
            // refused below, with the value
        }
        throw TidemillException.invalid(setting.key(), "'" + text + "' is not a positive number of megabytes");
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
        return (setting == Setting.CONTROL_TOKEN || setting == Setting.SECRETS_KEY) && !value.isEmpty()
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
