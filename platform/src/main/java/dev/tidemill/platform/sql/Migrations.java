package dev.tidemill.platform.sql;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.output.MigrateResult;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Applies each domain's scripts in {@code db/<domain>}, one Flyway history a domain. */
final class Migrations {
    private static final Logger LOG = LoggerFactory.getLogger(Migrations.class);

    private Migrations() {}

    static void run(DataSource source, Dialect dialect, List<String> domains) {
        var newest = new LinkedHashMap<String, String>();
        domains.forEach(domain -> newest.put(domain, "latest"));
        run(source, dialect, newest);
    }

    /** @param versions up to which to apply, by domain */
    static void run(DataSource source, Dialect dialect, Map<String, String> versions) {
        for (Map.Entry<String, String> wanted : versions.entrySet()) {
            String domain = wanted.getKey();
            Flyway flyway = Flyway.configure(Migrations.class.getClassLoader())
                    .dataSource(source)
                    .locations("classpath:db/" + domain)
                    .table("schema_history_" + domain)
                    .placeholders(dialect.migrationPlaceholders())
                    .baselineOnMigrate(true)
                    .baselineVersion("0")
                    .target(wanted.getValue())
                    .load();
            try {
                refuseNewer(flyway, domain);
                MigrateResult result = flyway.migrate();
                if (result.migrationsExecuted > 0) {
                    LOG.debug("Schema {}: {} scripts applied", domain, result.migrationsExecuted);
                }
            } catch (FlywayException e) {
                // Flyway has connections of its own. A script that failed has left nothing, so that it runs again.
                throw new SqlFailures(dialect)
                        .passing(e)
                        .orElseGet(() -> new TidemillException(
                                        ErrorCode.FAILED_PRECONDITION,
                                        "The schema of '" + domain + "' could not be brought up to date: "
                                                + e.getMessage())
                                .causedBy(e));
            }
        }
    }

    private static void refuseNewer(Flyway flyway, String domain) {
        for (var applied : flyway.info().applied()) {
            if (applied.getState().isFailed()
                    || applied.getState() == org.flywaydb.core.api.MigrationState.FUTURE_SUCCESS) {
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "The schema of '" + domain + "' is at version " + applied.getVersion()
                                        + ", which this version of Tidemill does not know")
                        .remedy("Start the version of Tidemill that wrote this database, or a newer one");
            }
        }
    }
}
