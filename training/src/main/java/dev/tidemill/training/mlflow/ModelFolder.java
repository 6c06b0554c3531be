package dev.tidemill.training.mlflow;

import dev.tidemill.platform.json.Json;
import dev.tidemill.registry.domain.Signature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The files of an MLflow model folder that {@code mlflow.pyfunc} opens: the trees as XGBoost's JSON, the encoding of the
 * columns beside them, and the reference profile that monitoring compares with. Holds nothing that changes from one run to
 * the next, so equal models have equal digests.
 */
public final class ModelFolder {
    private static final String MODULE = "tidemill_model";

    private ModelFolder() {}

    /**
     * Puts a folder together.
     *
     * @param trees model in XGBoost's JSON
     * @param encoding of the columns
     * @param profile reference profile, as JSON
     * @param example one row of inputs
     */
    public static Map<String, byte[]> files(
            byte[] trees, byte[] encoding, byte[] profile, Signature signature, Map<String, Object> example) {
        var files = new TreeMap<String, byte[]>();
        files.put("model.json", trees);
        files.put("tidemill/encoding.json", encoding);
        files.put("tidemill/reference-profile.json", profile);
        files.put("code/" + MODULE + ".py", resource("/model/" + MODULE + ".py"));
        files.put("requirements.txt", text("xgboost-cpu\npandas\nnumpy\n"));
        files.put("input_example.json", text(example(example)));
        files.put("MLmodel", text(descriptor(signature)));
        return files;
    }

    private static String descriptor(Signature signature) {
        return """
                flavors:
                  python_function:
                    code: code
                    loader_module: %s
                    data: .
                    env:
                      virtualenv: python_env.yaml
                    python_version: "3.10"
                  tidemill:
                    encoding: tidemill/encoding.json
                    reference_profile: tidemill/reference-profile.json
                    trees: model.json
                saved_input_example_info:
                  artifact_path: input_example.json
                  type: dataframe
                  pandas_orient: split
                signature:
                  inputs: '%s'
                  outputs: '%s'
                  params: null
                """.formatted(MODULE, fields(signature.inputs()), fields(signature.outputs()));
    }

    private static String fields(List<Signature.Field> fields) {
        var list = new ArrayList<Map<String, Object>>();
        for (Signature.Field field : fields) {
            var entry = new LinkedHashMap<String, Object>();
            entry.put("type", field.type());
            entry.put("name", field.name());
            entry.put("required", !field.optional());
            list.add(entry);
        }
        // A single quote is doubled inside YAML's single quotes.
        return Json.write(list).replace("'", "''");
    }

    private static String example(Map<String, Object> row) {
        return Json.write(Map.of("columns", List.copyOf(row.keySet()), "data", List.of(new ArrayList<>(row.values()))));
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] resource(String path) {
        try (var in = ModelFolder.class.getResourceAsStream(path)) {
            if (in == null) {
                throw new IllegalStateException("the build lacks " + path);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
