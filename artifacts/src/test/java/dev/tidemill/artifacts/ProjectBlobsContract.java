package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.store.SqlProjectBlobs;
import dev.tidemill.platform.sql.Database;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every record of projects' blobs does. */
abstract class ProjectBlobsContract {
    private Database database;
    private SqlProjectBlobs blobs;

    abstract Database open();

    @BeforeEach
    void start() {
        database = open();
        blobs = new SqlProjectBlobs(database);
    }

    @AfterEach
    void stop() {
        // It was never opened where its server is not here and the test was skipped.
        if (database != null) {
            database.close();
        }
    }

    @Test
    void aProjectSeesWhatIsItsOwn() {
        var digest = new Digest("0".repeat(64));
        blobs.add("a", digest);
        blobs.add("a", digest);
        assertThat(blobs.contains("a", digest)).isTrue();
        assertThat(blobs.contains("b", digest)).isFalse();
        assertThat(blobs.contains("a", new Digest("1".repeat(64)))).isFalse();
    }
}
