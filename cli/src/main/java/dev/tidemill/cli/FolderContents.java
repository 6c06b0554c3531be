package dev.tidemill.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * What an {@code mlruns} folder holds, each file within bounds: somebody else has written them. What is beyond them, or may not be read,
 * is noted and left out.
 */
final class FolderContents {
    private static final int YAML_BYTES = 4 << 20;
    /** What a server keeps of a value is far less. */
    private static final int ENTRY_BYTES = 1 << 20;
    /** Of all params, or tags, of one thing: as much as a server takes at once. */
    private static final long ENTRIES_BYTES = 16L << 20;
    /** What an entry takes beside its key and value. */
    private static final int ENTRY_BYTES_AROUND = 64;

    private static final int LINE_BYTES = 16 << 10;
    private static final int MOST_ODD_LINES = 20;

    private final Path root;
    private final ReadableFolders readable;
    private final Omissions omissions;

    FolderContents(Path root, ReadableFolders readable, Omissions omissions) {
        this.root = root;
        this.readable = readable;
        this.omissions = omissions;
    }

    private void damaged(Path file, String why) {
        omissions.add("file " + root.relativize(file), why);
    }

    /** Whether a place may be read; that it may not is noted. */
    private boolean isReadable(Path place) {
        Optional<String> refusal = readable.refusal(place);
        refusal.ifPresent(why -> damaged(place, why));
        return refusal.isEmpty();
    }

    /** Whether a folder's name is a text; that it is none is noted. */
    private boolean isNamed(Path folder) {
        Optional<String> refusal = FileNames.refusal(root, folder);
        refusal.ifPresent(why -> omissions.add("folder " + FileNames.bytesBelow(root, folder), why));
        return refusal.isEmpty();
    }

    List<Path> folders(Path parent) throws IOException {
        if (!Files.isDirectory(parent) || !isReadable(parent)) {
            return List.of();
        }
        try (var entries = Files.list(parent)) {
            return entries.filter(Files::isDirectory)
                    .filter(this::isNamed)
                    .filter(this::isReadable)
                    .sorted()
                    .toList();
        }
    }

    /** Files below a folder that may be read; others are noted. */
    List<ReadableFolders.Found> contents(Path folder) throws IOException {
        if (!Files.isDirectory(folder) || !isReadable(folder)) {
            return List.of();
        }
        var list = new ArrayList<ReadableFolders.Found>();
        for (ReadableFolders.Found found : readable.files(folder)) {
            found.refusal().ifPresentOrElse(why -> damaged(folder.resolve(found.path()), why), () -> list.add(found));
        }
        return list;
    }

    Optional<ObjectNode> meta(Path folder) throws IOException {
        return yaml(folder.resolve("meta.yaml"));
    }

    Optional<ObjectNode> yaml(Path file) throws IOException {
        if (!Files.isRegularFile(file) || !isReadable(file)) {
            return Optional.empty();
        }
        try {
            Optional<ObjectNode> mapping = BoundedYaml.mapping(text(file, YAML_BYTES));
            if (mapping.isEmpty()) {
                damaged(file, "it is no mapping");
            }
            return mapping;
        } catch (CliException e) {
            damaged(file, String.valueOf(e.getMessage()));
        } catch (YamlEngineException | CharacterCodingException e) {
            damaged(
                    file,
                    "it is no YAML: "
                            + String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
        } catch (FileSystemException e) {
            damaged(file, "it cannot be read: " + e.getMessage());
        }
        return Optional.empty();
    }

    /**
     * A whole file as a text.
     *
     * @throws CliException if it has more bytes than {@code most}
     */
    private static String text(Path file, int most) throws IOException {
        try (InputStream content = Files.newInputStream(file)) {
            byte[] bytes = content.readNBytes(most + 1);
            if (bytes.length > most) {
                throw new CliException(
                        Exit.FAILURE, "it has " + Files.size(file) + " bytes, and at most " + most + " are read");
            }
            return UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        }
    }

    /** Files whose names, folders among them, are keys and whose contents are values. */
    ArrayNode entries(Path folder) throws IOException {
        ArrayNode list = Api.JSON.createArrayNode();
        long left = ENTRIES_BYTES;
        for (ReadableFolders.Found found : contents(folder)) {
            try {
                String value = text(found.file(), ENTRY_BYTES);
                left -= ENTRY_BYTES_AROUND + found.path().length() + value.length();
                if (left < 0) {
                    damaged(
                            folder,
                            "it holds more than " + ENTRIES_BYTES + " bytes; '" + found.path()
                                    + "' and what follows is left out");
                    return list;
                }
                list.addObject().put("key", found.path()).put("value", value);
            } catch (CharacterCodingException e) {
                damaged(folder.resolve(found.path()), "it is no UTF-8");
            } catch (CliException e) {
                damaged(folder.resolve(found.path()), String.valueOf(e.getMessage()));
            } catch (FileSystemException e) {
                damaged(folder.resolve(found.path()), "it cannot be read: " + e.getMessage());
            }
        }
        return list;
    }

    /** Every point of a metric's file, with all words of its line; what is no point is noted. */
    void lines(Path folder, ReadableFolders.Found found, long most, BiConsumer<ObjectNode, String[]> each)
            throws IOException {
        Path named = folder.resolve(found.path());
        long points = 0;
        int odd = 0;
        try (var lines = new BoundedLines(Files.newInputStream(found.file()), LINE_BYTES)) {
            for (Optional<String> line = lines.next(); line.isPresent(); line = lines.next()) {
                String[] words = line.get().strip().split(" ");
                Optional<ObjectNode> point = point(found.path(), words);
                if (point.isPresent() && points++ < most) {
                    each.accept(point.get(), words);
                } else if (point.isPresent()) {
                    damaged(named, "of its points the first " + most + " are taken");
                    return;
                } else if (odd++ < MOST_ODD_LINES) {
                    String shown = line.get().substring(0, Math.min(line.get().length(), 80));
                    damaged(named, "'" + shown + "' is no line of a metric");
                } else {
                    damaged(named, "more than " + MOST_ODD_LINES + " lines are none of a metric; the rest is left out");
                    return;
                }
            }
        } catch (BoundedLines.TooLong e) {
            damaged(named, e.getMessage() + "; it and what follows is left out");
        } catch (FileSystemException e) {
            damaged(named, "it cannot be read: " + e.getMessage());
        }
    }

    /** A line of time, value and, since MLflow 1.0, step; of a model's metrics also the run, and name and digest of the data. */
    private static Optional<ObjectNode> point(String key, String[] words) {
        try {
            ObjectNode point = Api.object()
                    .put("key", key)
                    .put("timestamp", Long.parseLong(words[0]))
                    .put("step", words.length > 2 ? Long.parseLong(words[2]) : 0L);
            switch (words[1].toLowerCase(java.util.Locale.ROOT)) {
                case "nan" -> point.put("value", "NaN");
                case "inf", "infinity" -> point.put("value", "Infinity");
                case "-inf", "-infinity" -> point.put("value", "-Infinity");
                default -> point.put("value", Double.parseDouble(words[1]));
            }
            return Optional.of(point);
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }
}
