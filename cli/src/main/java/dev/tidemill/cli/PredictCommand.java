package dev.tidemill.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
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
    private static final Pattern NUMBER =
            Pattern.compile("[+-]?(\\d{1,400}(\\.\\d{0,400})?|\\.\\d{1,400})([eE][+-]?\\d{1,9})?");
    /** The words that the import of data sets takes for truths. */
    private static final Map<String, Boolean> TRUTHS = Map.of(
            "true", true, "t", true, "yes", true, "y", true, "1", true, "false", false, "f", false, "no", false, "n",
            false, "0", false);

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
        Map<String, String> datatypes = datatypes(api.get(
                "/v2/models/" + Api.encode(name) + (version == null ? "" : "/versions/" + Api.encode(version))));
        ArrayNode all = Api.JSON.createArrayNode();
        JsonNode classes = Api.JSON.createArrayNode();
        for (int from = 0; from < rows.size(); from += BATCH) {
            ArrayNode batch = Api.JSON.createArrayNode();
            for (Map<String, String> row : rows.subList(from, Math.min(rows.size(), from + BATCH))) {
                ObjectNode one = batch.addObject();
                row.forEach((column, text) -> put(one, column, text, datatypes.getOrDefault(column, "")));
            }
            JsonNode answer = api.post(
                    "/deployments/" + Api.encode(name) + "/predict"
                            + (version == null ? "" : "?version=" + Api.encode(version)),
                    batch);
            answer.path("predictions").forEach(all::add);
            classes = answer.path("classes");
        }
        if (connection.json()) {
            ObjectNode told = Api.object();
            if (!classes.isEmpty()) {
                told.set("classes", classes);
            }
            System.out.println(told.set("predictions", all));
        } else {
            if (!classes.isEmpty()) {
                System.err.println(
                        classes.size() == 2
                                ? "Probability of " + classes.get(1)
                                : "Probabilities of " + classes + ", in this order");
            }
            all.forEach(one -> System.out.println(one.isTextual() ? one.asText() : one.toString()));
        }
        return Exit.OK;
    }

    private static Map<String, String> datatypes(JsonNode metadata) {
        var datatypes = new HashMap<String, String>();
        metadata.path("inputs")
                .forEach(input -> datatypes.put(
                        input.path("name").asText(), input.path("datatype").asText()));
        return datatypes;
    }

    /** Numbers go as they are written: what the model's type cannot hold is for the server to refuse. */
    static void put(ObjectNode row, String column, String text, String datatype) {
        String plain = text.strip();
        if (datatype.equals("BYTES") ? text.isEmpty() : plain.isEmpty()) {
            row.putNull(column);
        } else if (datatype.equals("BOOL") && TRUTHS.containsKey(plain.toLowerCase(Locale.ROOT))) {
            row.put(column, TRUTHS.get(plain.toLowerCase(Locale.ROOT)));
        } else if (datatype.equals("BYTES") || !NUMBER.matcher(plain).matches()) {
            row.put(column, text); // the server says so if the model takes none
        } else if (plain.matches("[+-]?\\d+")) {
            row.put(column, new BigInteger(plain));
        } else {
            row.put(column, new BigDecimal(plain));
        }
    }
}
