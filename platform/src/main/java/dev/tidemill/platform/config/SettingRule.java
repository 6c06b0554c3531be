package dev.tidemill.platform.config;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What a setting may be; every value is held to it before anything starts. */
sealed interface SettingRule {
    /** What is wrong with a value, as the end of a sentence that begins with it; empty if nothing is. */
    Optional<String> fault(String text);

    /** Whether a value must never be shown. */
    default boolean secret() {
        return false;
    }

    /** Anything, or nothing. */
    record Text() implements SettingRule {
        @Override
        public Optional<String> fault(String text) {
            return Optional.empty();
        }
    }

    /** A text that is not blank. */
    record Name() implements SettingRule {
        @Override
        public Optional<String> fault(String text) {
            return text.isBlank() ? Optional.of("is empty") : Optional.empty();
        }
    }

    /** A text that is kept from everybody's eyes. */
    record Secret() implements SettingRule {
        @Override
        public Optional<String> fault(String text) {
            return Optional.empty();
        }

        @Override
        public boolean secret() {
            return true;
        }
    }

    /** A whole number within bounds, both included. */
    record Whole(int least, int most) implements SettingRule {
        @Override
        public Optional<String> fault(String text) {
            boolean within = text.matches("\\d{1,10}") && Long.parseLong(text) >= least && Long.parseLong(text) <= most;
            return within ? Optional.empty() : Optional.of("is not a whole number from " + least + " to " + most);
        }
    }

    /** A number from 0 to 1. */
    record Share() implements SettingRule {
        @Override
        public Optional<String> fault(String text) {
            try {
                double share = Double.parseDouble(text);
                if (share >= 0 && share <= 1) {
                    return Optional.empty();
                }
            } catch (NumberFormatException e) {
                // told below
            }
            return Optional.of("is not a share from 0 to 1, such as 0.1");
        }
    }

    /** One of some words, in any case; several with commas between them where {@code several}. */
    record Words(List<String> words, boolean several) implements SettingRule {
        @Override
        public Optional<String> fault(String text) {
            String known = String.join(", ", words);
            if (!several) {
                return words.contains(text.toLowerCase(Locale.ROOT))
                        ? Optional.empty()
                        : Optional.of("is none of " + known);
            }
            return Stream.of(text.split(",", -1))
                    .map(String::strip)
                    .filter(word -> !words.contains(word))
                    .findFirst()
                    .map(word -> "has '" + word + "', which is none of " + known);
        }
    }

    /** An address of HTTP, or nothing. */
    record HttpAddress() implements SettingRule {
        @Override
        public Optional<String> fault(String text) {
            if (text.isBlank()) {
                return Optional.empty();
            }
            try {
                URI address = new URI(text.strip());
                if (address.getHost() != null && List.of("http", "https").contains(address.getScheme())) {
                    return Optional.empty();
                }
            } catch (URISyntaxException e) {
                // told below
            }
            return Optional.of("is not an address such as http://host:4318");
        }
    }

    /** A part of a bucket, or nothing. */
    record Bucket() implements SettingRule {
        private static final Pattern PLACE =
                Pattern.compile("s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\\.{1,2}(/|$))[A-Za-z0-9!_.*'()=-]+)*");

        @Override
        public Optional<String> fault(String text) {
            return text.isBlank() || PLACE.matcher(text).matches()
                    ? Optional.empty()
                    : Optional.of("is not a bucket with a prefix such as s3://bucket/prefix");
        }
    }

    /** A file that can be read, or a folder, or nothing. */
    record Existing(boolean folder) implements SettingRule {
        @Override
        public Optional<String> fault(String text) {
            if (text.isBlank()) {
                return Optional.empty();
            }
            try {
                Path path = Path.of(text);
                if (folder ? Files.isDirectory(path) : Files.isRegularFile(path) && Files.isReadable(path)) {
                    return Optional.empty();
                }
            } catch (InvalidPathException e) {
                // told below
            }
            return Optional.of(folder ? "is not a folder" : "is not a file that can be read");
        }
    }

    /** Base64 of a key of so many bytes, or nothing. */
    record Key(int bytes) implements SettingRule {
        @Override
        public Optional<String> fault(String text) {
            try {
                if (text.isBlank() || Base64.getDecoder().decode(text.strip()).length == bytes) {
                    return Optional.empty();
                }
            } catch (IllegalArgumentException e) {
                // told below
            }
            return Optional.of("is not the Base64 of " + bytes + " bytes");
        }

        @Override
        public boolean secret() {
            return true;
        }
    }
}
