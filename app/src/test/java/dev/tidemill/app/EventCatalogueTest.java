package dev.tidemill.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.deployments.domain.Decision;
import dev.tidemill.pipelines.domain.RunState;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.EventCatalogue;
import dev.tidemill.testkit.SharedData;
import dev.tidemill.tracking.domain.Run;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Holds the catalogue of events against the places that tell them. */
class EventCatalogueTest {
    /** A call that appends an event, up to the type's literal; what lies between are the arguments before the type. */
    private static final Pattern TOLD = Pattern.compile(
            "(?:Event\\.of|append|tagged)\\((?:[^\"();]|\\([^\"();]*\\))*\"([a-z-]+(?:\\.[a-z_-]+)+)\"[,\\s]");

    private static final List<String> DOMAINS = List.of(
            "platform",
            "identity",
            "datasets",
            "features",
            "pipelines",
            "tracking",
            "registry",
            "deployments",
            "monitoring",
            "training",
            "inference",
            "artifacts");

    private final EventCatalogue catalogue = EventCatalogue.shipped();

    private Set<String> types() {
        return catalogue.types().stream().map(EventCatalogue.Type::type).collect(Collectors.toCollection(TreeSet::new));
    }

    private static Stream<String> lowercase(String prefix, Enum<?>... values) {
        return Arrays.stream(values).map(value -> prefix + value.name().toLowerCase(Locale.ROOT));
    }

    /** Types whose last word is a state. */
    private static Set<String> states() {
        return Stream.of(
                        lowercase("deployment.", Decision.Action.values()),
                        lowercase("run.", Run.Status.values()),
                        lowercase("pipeline.run.", RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED),
                        Stream.of(
                                "model.version.archived", "model.version.stage-changed", "monitor.retraining.started"))
                .flatMap(words -> words)
                .collect(Collectors.toSet());
    }

    private static Set<String> told() throws IOException {
        var found = new TreeSet<String>();
        for (String domain : DOMAINS) {
            try (Stream<Path> sources =
                    Files.walk(SharedData.repository().resolve(domain).resolve("src/main/java"))) {
                sources.filter(file -> file.toString().endsWith(".java")).forEach(file -> {
                    try {
                        TOLD.matcher(Files.readString(file)).results().forEach(call -> found.add(call.group(1)));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
            }
        }
        return found;
    }

    @Test
    void everyEventThatIsToldIsInTheCatalogueAndNoOther() throws Exception {
        var expected = new TreeSet<>(told());
        expected.addAll(states());
        assertThat(types()).isEqualTo(expected);
    }

    @Test
    void eachTypeIsThereOnceWithSubjectAndOccasion() {
        assertThat(catalogue.types()).hasSameSizeAs(types()).allSatisfy(type -> {
            assertThat(type.subject()).matches("[a-z-]+/[A-Z/]+");
            assertThat(type.when()).isNotBlank().isNotEqualTo("null");
            assertThat(type.data().values())
                    .allMatch(meaning -> meaning.matches("(string|integer|number|boolean|object|list).*"));
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "model", "model.", "deployment.promoted", "external", "external.github.push"})
    void beginningsOfTypesAreTaken(String beginning) {
        assertThat(catalogue.beginningInProject("types", beginning)).isEqualTo(beginning);
    }

    @ParameterizedTest
    @CsvSource({
        "dev.tidemill.model.renamed, model.renamed",
        "dev.tidemill.model., model.",
        "dev.tidemill., ''",
        "dev.tide, ''",
        "dev.tidemill.external.github.push, external.github.push"
    })
    void typesAreTakenAsTheyStandInACloudEvent(String told, String beginning) {
        assertThat(catalogue.beginning("type", told)).isEqualTo(beginning);
    }

    @ParameterizedTest
    @ValueSource(strings = {"user.", "u", "dev.tidemill.token.created"})
    void whatBelongsToNoProjectIsRefusedThere(String beginning) {
        catalogue.beginning("type", beginning);
        assertThat(catalogue.isServerOnly("user.")).isTrue();
        assertThatThrownBy(() -> catalogue.beginningInProject("type", beginning))
                .isInstanceOfSatisfying(TidemillException.class, e -> {
                    assertThat(e.message()).contains("'" + beginning + "' are of no project");
                    assertThat(e.remedy().orElseThrow()).contains("GET /api/tidemill/v1/events");
                });
    }

    @Test
    void whatIsNearNoTypeIsAnsweredWithTheFirstWordsOfAll() {
        assertThatThrownBy(() -> catalogue.beginning("type", "zzz"))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        e -> assertThat(e.remedy().orElseThrow())
                                .contains("model., pipeline., deployment., monitor. or external."));
    }

    @Test
    void aTextThatIsTooLongForATypeIsComparedWithNone() {
        assertThatThrownBy(() -> catalogue.beginning("types", "deployment.promoted".repeat(800_000)))
                .isInstanceOfSatisfying(TidemillException.class, e -> {
                    assertThat(e.message()).hasSizeLessThan(300);
                    assertThat(e.remedy().orElseThrow()).contains("docs/events.md");
                });
    }

    @Test
    void whatNothingBeginsWithIsRefusedWithWhatWasMeant() {
        assertThatThrownBy(() -> catalogue.beginning("types", "deployment.promotted"))
                .isInstanceOfSatisfying(TidemillException.class, e -> {
                    assertThat(e.message()).isEqualTo("No type of event begins with 'deployment.promotted'");
                    assertThat(e.remedy()).contains("Did you mean 'deployment.promoted'?");
                });
    }
}
