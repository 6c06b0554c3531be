package dev.tidemill.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.registry.domain.ModelStore;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.registry.domain.Signature;
import dev.tidemill.registry.store.SqlModelStore;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a model store promises, on every database. */
abstract class ModelStoreContract {
    private static final Instant NOW = Instant.parse("2026-11-21T08:00:00Z");

    private Database database;
    private ModelStore store;

    abstract Database open();

    @BeforeEach
    void openStore() {
        database = open();
        store = new SqlModelStore(database);
        store.ensureModel("a", "bikes", NOW);
        store.ensureModel("a", "bikes", NOW);
    }

    @AfterEach
    void closeStore() {
        if (database != null) {
            database.close();
        }
    }

    private static ModelVersion version(int number, String madeBy) {
        return new ModelVersion(
                "a",
                "bikes",
                number,
                ModelVersion.Stage.ACTIVE,
                new Digest("0".repeat(64)),
                new Signature(List.of(new Signature.Field("hour", "double")), List.of()),
                Map.of("error", 41.5),
                Map.of("depth", "4"),
                Optional.of("run"),
                List.of("rows@1"),
                "d",
                "code",
                Optional.of(NOW),
                madeBy,
                NOW);
    }

    @Test
    void aVersionComesBackAsItWas() {
        store.insert(version(1, "m1"));
        assertThat(store.find("a", "bikes", 1)).contains(version(1, "m1"));
        assertThat(store.findMadeBy("a", "bikes", "m1")).contains(version(1, "m1"));
        assertThat(store.find("b", "bikes", 1)).isEmpty();
    }

    @Test
    void versionsAndMakersAreUnique() {
        store.insert(version(1, "m1"));
        assertThatThrownBy(() -> store.insert(version(1, "m2"))).isInstanceOf(TidemillException.class);
        assertThatThrownBy(() -> store.insert(version(2, "m1"))).isInstanceOf(TidemillException.class);
        assertThat(store.newestVersion("a", "bikes")).isEqualTo(1);
        assertThat(store.newestVersion("a", "none")).isZero();
    }

    @Test
    void aliasesMoveAndStagesChange() {
        store.insert(version(1, "m1"));
        store.insert(version(2, "m2"));
        store.setAlias("a", "bikes", "champion", 1);
        store.setAlias("a", "bikes", "champion", 2);
        store.setAlias("a", "bikes", "challenger", 1);
        store.removeAlias("a", "bikes", "challenger");
        store.setStage("a", "bikes", 1, ModelVersion.Stage.ARCHIVED);
        assertThat(store.aliases("a", "bikes")).isEqualTo(Map.of("champion", 2));
        assertThat(store.versions("a", "bikes"))
                .extracting(ModelVersion::stage)
                .containsExactly(ModelVersion.Stage.ACTIVE, ModelVersion.Stage.ARCHIVED);
        assertThat(store.models("a").getFirst().versions()).isEqualTo(2);
    }
}
