package dev.tidemill.trees;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models that XGBoost stopped training early, with what its scikit-learn interface ({@code best}) and its {@code Booster} ({@code all})
 * say of eight rows; the one of three classes grows two trees a class and round.
 */
class EarlyStoppingTest {
    private static byte[] resource(String name) throws IOException {
        try (InputStream in = Objects.requireNonNull(EarlyStoppingTest.class.getResourceAsStream(name), name)) {
            return in.readAllBytes();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"regression", "binary", "classes", "dart", "quantiles"})
    void predictsWithTheRoundsThatTheInterfacePredictsWith(String name) throws IOException {
        byte[] model = resource("early-" + name + ".ubj");
        JsonNode expected = new ObjectMapper().readTree(resource("early-expected.json"));
        BoostedTrees all = XgboostModel.parse(model);
        BoostedTrees best = XgboostModel.parse(model, XgboostModel.Rounds.UNTIL_BEST);
        for (int row = 0; row < expected.path("rows").size(); row++) {
            double[] given = numbers(expected.path("rows").path(row));
            assertSame(
                    all.predict(given), numbers(expected.path(name).path("all").path(row)));
            double[] wanted = numbers(expected.path(name).path("best").path(row));
            // Of two classes the library tells the share of each.
            assertSame(best.predict(given), name.equals("binary") ? new double[] {wanted[1]} : wanted);
        }
    }

    private static void assertSame(double[] ours, double[] theirs) {
        assertThat(ours).hasSameSizeAs(theirs);
        for (int i = 0; i < ours.length; i++) {
            assertThat(ours[i]).isCloseTo(theirs[i], within(2e-6));
        }
    }

    private static double[] numbers(JsonNode list) {
        double[] numbers = new double[list.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = list.path(i).asDouble();
        }
        return numbers;
    }
}
