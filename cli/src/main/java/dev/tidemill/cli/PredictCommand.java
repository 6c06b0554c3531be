package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code tidemill predict}. */
@Command(
        name = "predict",
        description = "Predict rows of a CSV file with a deployment or a registered model.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Examples:",
            "  tidemill predict bikes --data rows.csv",
            "  head -3 rows.csv | tidemill predict churn --of 2 --data -"
        })
final class PredictCommand implements Callable<Integer> {
    private static final int BATCH = 1_000;

    @Mixin
    private Connection connection = new Connection();

    @Parameters(paramLabel = "MODEL", description = "Deployment or registered model")
    private String model = "";

    @Option(
            names = "--data",
            required = true,
            paramLabel = "CSV",
            description = "Rows, plain or gzipped; -: standard input")
    private String data = "";

    @Option(
            names = "--of",
            paramLabel = "VERSION|ALIAS",
            description = "Which version answers. Default: the deployment's choice")
    private @Nullable String version;

    @Override
    public Integer call() throws IOException {
        Api api = connection.api();
        List<Map<String, String>> rows = data.equals("-")
                ? Csv.read(
                        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)), "standard input")
                : Csv.read(Path.of(data));
        if (rows.isEmpty()) {
            throw new CliException(Exit.FAILURE, data + " has no row");
        }
        String name = api.project().equals("default") ? model : api.project() + "~" + model;
        Set<String> texts = texts(api.get(
                "/v2/models/" + Api.encode(name) + (version == null ? "" : "/versions/" + Api.encode(version))));
        ArrayNode all = Api.JSON.createArrayNode();
        for (int from = 0; from < rows.size(); from += BATCH) {
            ArrayNode batch = Api.JSON.createArrayNode();
            for (Map<String, String> row : rows.subList(from, Math.min(rows.size(), from + BATCH))) {
                ObjectNode one = batch.addObject();
                row.forEach((column, text) -> put(one, column, text, texts.contains(column)));
            }
            JsonNode answer = api.post(
                    "/deployments/" + Api.encode(name) + "/predict"
                            + (version == null ? "" : "?version=" + Api.encode(version)),
                    batch);
            answer.path("predictions").forEach(all::add);
        }
        if (connection.json()) {
            System.out.println(Api.object().set("predictions", all));
        } else {
            all.forEach(one -> System.out.println(one.isTextual() ? one.asText() : one.toString()));
        }
        return Exit.OK;
    }

    private static Set<String> texts(JsonNode metadata) {
        var texts = new HashSet<String>();
        metadata.path("inputs").forEach(input -> {
            if (input.path("datatype").asText().equals("BYTES")) {
                texts.add(input.path("name").asText());
            }
        });
        return texts;
    }

    private static void put(ObjectNode row, String column, String text, boolean asText) {
        if (text.isEmpty()) {
            row.putNull(column);
            return;
        }
        if (!asText) {
            try {
                if (text.matches("[+-]?\\d{1,18}")) {
                    row.put(column, Long.parseLong(text));
                } else {
                    row.put(column, Double.parseDouble(text));
                }
                return;
            } catch (NumberFormatException e) {
                // A text after all; the server says so if the model takes none.
            }
        }
        row.put(column, text);
    }
}
