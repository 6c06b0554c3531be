package dev.tidemill.registry.mlflow;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.platform.definitions.YamlBounds;
import dev.tidemill.platform.json.Json;
import dev.tidemill.registry.domain.ModelDescription;
import dev.tidemill.registry.domain.ModelFiles;
import dev.tidemill.registry.domain.ModelFiles.Pickle;
import dev.tidemill.registry.domain.ModelFiles.Verdict;
import dev.tidemill.registry.domain.ModelInspector;
import dev.tidemill.registry.domain.PickleScan;
import dev.tidemill.registry.domain.Signature;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** Looks into model folders that MLflow's clients have made: {@code MLmodel}, requirements, and every pickle. */
public final class FolderInspector implements ModelInspector {
    private static final String DESCRIPTION = "MLmodel";
    private static final int LARGEST_SCHEMA = 64 * 1024 * 1024;
    private static final int LARGEST_TEXT = 4 * 1024 * 1024;
    private static final List<String> PICKLE_ENDINGS = List.of(
            ".pkl", ".pickle", ".p", ".joblib", ".cloudpickle", ".pt", ".pth", ".bin", ".ckpt", ".dill", ".skops");
    /** Endings of files that hold numbers and nothing that runs. */
    private static final List<String> PLAIN_ENDINGS = List.of(
            ".yaml",
            ".yml",
            ".txt",
            ".json",
            ".csv",
            ".ubj",
            ".md",
            ".onnx",
            ".safetensors",
            ".parquet",
            ".lgb",
            ".xgb");

    private final BlobStore blobs;

    public FolderInspector(BlobStore blobs) {
        this.blobs = blobs;
    }

    @Override
    public ModelFiles inspect(Folder folder) {
        var remarks = new ArrayList<String>();
        Map<?, ?> described = Map.of();
        Optional<String> text = text(folder, DESCRIPTION);
        var unclear = new ArrayList<String>();
        if (folder.file(DESCRIPTION).isEmpty()) {
            remarks.add("There is no MLmodel file: nothing says how to load this model");
        } else if (text.isEmpty()) {
            unclear.add("MLmodel is larger than " + LARGEST_TEXT + " bytes, and is not read");
        } else {
            try {
                described = parsed(text.get());
            } catch (YamlEngineException e) {
                unclear.add("MLmodel is not valid YAML, which other readers may take");
            }
            unclear.addAll(FolderCode.lineEnds(DESCRIPTION, text.get()));
        }
        List<String> flavors = flavors(described).keySet().stream().sorted().toList();
        Optional<Signature> signature = signature(described.get("signature"));
        if (text.isPresent() && signature.isEmpty()) {
            remarks.add(
                    "It has no signature: what it takes and gives is not known (infer_signature in Python tells it)");
        }
        List<Pickle> pickles = pickles(folder, FolderCode.openedAsPickles(described, folder));
        pickles.stream()
                .filter(pickle -> pickle.verdict() != Verdict.ALLOWED)
                .forEach(pickle -> remarks.add(pickle.path()
                        + " may run code beside the allow-list where it is opened: "
                        + String.join(", ", pickle.refused().stream().limit(8).toList())));
        // What Python would open by a description that is not understood here is not known.
        unclear.addAll(FolderCode.in(described, folder, path -> text(folder, path)));
        List<String> code = List.copyOf(unclear);
        boolean withoutPython = folder.files().containsKey(ModelFiles.ENCODING);
        code.stream()
                .filter(finding -> !withoutPython)
                .forEach(finding -> remarks.add("Held until it is trusted, where Python runs it: " + finding));
        List<String> requirements = text(folder, "requirements.txt")
                .map(lines -> lines.lines()
                        .map(String::strip)
                        .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                        .limit(500)
                        .toList())
                .orElse(List.of());
        return new ModelFiles(
                flavors,
                signature,
                example(described.get("saved_input_example_info"), folder),
                requirements,
                folder.files().size(),
                folder.size(),
                pickles,
                code,
                withoutPython,
                remarks);
    }

    @Override
    public ModelDescription describe(Folder folder) {
        try {
            Map<?, ?> described = text(folder, DESCRIPTION)
                    .<Map<?, ?>>map(FolderInspector::parsed)
                    .orElse(Map.of());
            return new ModelDescription(
                    flavors(described), signature(described.get("signature")), metadata(described.get("metadata")));
        } catch (YamlEngineException e) {
            return new ModelDescription(Map.of(), Optional.empty());
        }
    }

    private static Map<String, String> metadata(@org.jspecify.annotations.Nullable Object told) {
        var metadata = new TreeMap<String, String>();
        if (told instanceof Map<?, ?> map) {
            map.forEach((name, value) -> {
                if (value instanceof String || value instanceof Number || value instanceof Boolean) {
                    metadata.put(String.valueOf(name), String.valueOf(value));
                }
            });
        }
        return metadata;
    }

    static Map<?, ?> parsed(String text) {
        LoadSettings settings =
                LoadSettings.builder().setCodePointLimit(LARGEST_TEXT).build();
        YamlBounds.require(DESCRIPTION, settings, text);
        Object loaded = new Load(settings).loadFromString(text);
        return loaded instanceof Map<?, ?> map ? map : Map.of();
    }

    private static Map<String, Map<String, Object>> flavors(Map<?, ?> described) {
        var flavors = new TreeMap<String, Map<String, Object>>();
        if (described.get("flavors") instanceof Map<?, ?> map) {
            map.forEach((name, settings) -> {
                var kept = new TreeMap<String, Object>();
                if (settings instanceof Map<?, ?> told) {
                    told.forEach((key, value) -> {
                        if (value != null) {
                            kept.put(String.valueOf(key), value);
                        }
                    });
                }
                flavors.put(String.valueOf(name), kept);
            });
        }
        return flavors;
    }

    private Optional<String> text(Folder folder, String path) {
        return folder.file(path)
                .filter(blob -> blob.size() <= LARGEST_TEXT)
                .map(blob -> new String(blobs.read(blob.digest()), StandardCharsets.UTF_8));
    }

    private static Optional<String> example(@org.jspecify.annotations.Nullable Object info, Folder folder) {
        return info instanceof Map<?, ?> map && map.get("artifact_path") instanceof String path
                ? Optional.of(path).filter(name -> folder.file(name).isPresent())
                : Optional.empty();
    }

    private static Optional<Signature> signature(@org.jspecify.annotations.Nullable Object described) {
        if (!(described instanceof Map<?, ?> map)) {
            return Optional.empty();
        }
        var signature = new Signature(fields(map.get("inputs")), fields(map.get("outputs")));
        return signature.inputs().isEmpty() && signature.outputs().isEmpty()
                ? Optional.empty()
                : Optional.of(signature);
    }

    /** MLflow keeps each side as JSON within the YAML. */
    private static List<Signature.Field> fields(@org.jspecify.annotations.Nullable Object side) {
        if (!(side instanceof String text) || text.isBlank() || !text.strip().startsWith("[")) {
            return List.of();
        }
        var fields = new ArrayList<Signature.Field>();
        JsonNode list;
        try {
            list = Json.objectMapper().readTree(text);
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            return List.of();
        }
        for (JsonNode field : list) {
            JsonNode tensor = field.path("tensor-spec");
            String type = tensor.isObject()
                    ? tensor.path("dtype").asText() + tensor.path("shape")
                    : field.path("type").asText();
            boolean optional = !field.path("required").asBoolean(true);
            fields.add(new Signature.Field(field.path("name").asText(""), type, optional));
        }
        return fields;
    }

    /** @param opened files that are opened as pickles whatever their names end with */
    private List<Pickle> pickles(Folder folder, Set<String> opened) {
        var pickles = new ArrayList<Pickle>();
        folder.files().forEach((path, blob) -> {
            String name = path.toLowerCase(Locale.ROOT);
            boolean named = opened.contains(path) || PICKLE_ENDINGS.stream().anyMatch(name::endsWith);
            boolean plain = path.equals(DESCRIPTION) || PLAIN_ENDINGS.stream().anyMatch(name::endsWith);
            try (var content = new BufferedInputStream(blobs.open(blob.digest()), 1 << 16)) {
                content.mark(8);
                byte[] start = content.readNBytes(4);
                content.reset();
                boolean looks = start.length >= 2 && (start[0] & 0xff) == 0x80 && start[1] >= 2 && start[1] <= 5;
                boolean zip = start.length >= 4 && start[0] == 'P' && start[1] == 'K';
                if (zip && (named || !plain)) {
                    PlainArchive.require(blobs.localFile(blob.digest()));
                    zipped(path, content, pickles);
                } else if (named || (looks && !plain)) {
                    add(path, PickleScan.scan(content), pickles);
                }
            } catch (IOException e) {
                pickles.add(new Pickle(path, Verdict.UNREADABLE, List.of("cannot be read: " + e.getMessage())));
            }
        });
        return pickles;
    }

    /** PyTorch's files are archives with a pickle inside. An archive that holds none, or cannot be read, is not let pass. */
    private static void zipped(String path, InputStream content, List<Pickle> pickles) throws IOException {
        var archive = new ZipInputStream(content);
        int before = pickles.size();
        ZipEntry entry;
        while ((entry = archive.getNextEntry()) != null) {
            String name = entry.getName().toLowerCase(Locale.ROOT);
            if (name.equals("schema.json")) {
                add(path, skops(archive), pickles);
            } else if (PICKLE_ENDINGS.stream().anyMatch(name::endsWith)) {
                add(path + "!" + entry.getName(), PickleScan.scan(new BufferedInputStream(archive)), pickles);
            }
        }
        if (pickles.size() == before) {
            pickles.add(
                    new Pickle(path, Verdict.UNREADABLE, List.of("cannot be read: an archive of unknown contents")));
        }
    }

    /** Skops names every type in one JSON document; what it rebuilds is judged by the same list as a pickle. */
    private static PickleScan.Found skops(InputStream archive) throws IOException {
        byte[] content = archive.readNBytes(LARGEST_SCHEMA + 1);
        if (content.length > LARGEST_SCHEMA) {
            return new PickleScan.Found(Verdict.UNREADABLE, List.of("cannot be read: its schema is too large"));
        }
        return SkopsScan.scan(content);
    }

    private static void add(String path, PickleScan.Found found, List<Pickle> pickles) {
        pickles.add(new Pickle(path, found.verdict(), found.refused()));
    }
}
