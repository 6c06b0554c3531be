package dev.tidemill.platform.definitions;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SuggestionsTest {
    private static final List<String> KNOWN = List.of("model", "monitor", "name", "view");

    /** Of neighbours in each other's place too, which are the commonest slip. */
    @ParameterizedTest
    @CsvSource({
        "modle, model",
        "mdoel, model",
        "omdel, model",
        "naem, name",
        "veiw, view",
        "modl, model",
        "modell, model",
        "mxdel, model",
        "MODLE, model",
        "mnoitro, monitor",
    })
    void aSlipOfTheHandIsUnderstood(String word, String meant) {
        assertThat(Suggestions.nearest(word, KNOWN)).contains(meant);
    }

    @ParameterizedTest
    @CsvSource({"ledom", "mlode", "m", "mane", "wevi"})
    void whatIsFartherAwayIsNot(String word) {
        assertThat(Suggestions.nearest(word, KNOWN)).isEmpty();
    }
}
