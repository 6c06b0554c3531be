package dev.tidemill.features;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.features.domain.FeatureView;
import dev.tidemill.features.domain.FeatureViewStore;
import dev.tidemill.features.store.SqlFeatureViewStore;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Contention;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store of feature views does. */
abstract class FeatureViewStoreContract {
    private Database database;
    private FeatureViewStore store;

    abstract Database open();

    @BeforeEach
    void start() {
        database = open();
        store = new SqlFeatureViewStore(database);
    }

    @AfterEach
    void stop() {
        // It was never opened where its server is not here and the test was skipped.
        if (database != null) {
            database.close();
        }
    }

    private static FeatureView view(String sql) {
        return new FeatureView("rentals", sql, "at", "count");
    }

    @Test
    void whatWasSavedLastIsFound() {
        store.save("a", "hourly", view("SELECT 1"));
        store.save("a", "hourly", view("SELECT 'it''s', \"x\"\nFROM source"));
        store.save("a", "daily", view("SELECT 2"));
        store.save("b", "hourly", view("SELECT 3"));
        assertThat(store.find("a", "hourly")).contains(view("SELECT 'it''s', \"x\"\nFROM source"));
        assertThat(store.find("a", "absent")).isEmpty();
        assertThat(store.list("a")).extracting(FeatureViewStore.Named::name).containsExactly("daily", "hourly");
    }

    @Test
    void viewsFromAllSidesAreKept() {
        Contention.of(
                        5,
                        (thread, turn) -> database.write(() -> {
                            store.save("a", "same" + turn, view("SELECT " + thread));
                            store.save("a", thread + "/" + turn, view("SELECT 1"));
                            return true;
                        }))
                .allAnswered();
        assertThat(store.list("a")).hasSize(5 + 5 * Contention.THREADS);
    }
}
