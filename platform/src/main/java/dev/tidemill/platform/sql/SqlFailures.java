package dev.tidemill.platform.sql;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Set;

/** Turns what a database driver throws into coded errors. */
final class SqlFailures {
    /** PostgreSQL's state for a regular expression that it cannot read. */
    private static final String INVALID_PATTERN = "2201B";

    private static final Set<String> GOING_OR_COMING = Set.of("57P01", "57P02", "57P03", "57P05");

    private final Dialect dialect;

    SqlFailures(Dialect dialect) {
        this.dialect = dialect;
    }

    RuntimeException translate(RuntimeException failure) {
        if (failure instanceof TidemillException) {
            return failure;
        }
        SQLException sql = sqlException(failure);
        if (sql == null) {
            return failure;
        }
        if (dialect.isUniqueViolation(sql)) {
            return new TidemillException(ErrorCode.ALREADY_EXISTS, "A row with the same key exists already")
                    .causedBy(failure);
        }
        if (dialect.isFull(sql)) {
            return new TidemillException(ErrorCode.STORAGE_FULL, "The database has no room left; nothing was written")
                    .remedy("Free disk space where the database lives; a server that runs writes again by itself")
                    .causedBy(failure);
        }
        if (INVALID_PATTERN.equals(sql.getSQLState())) {
            return TidemillException.invalid("filter", "The database does not take it: " + sql.getMessage())
                    .causedBy(failure);
        }
        if (dialect.isOverdue(sql)) {
            return new TidemillException(ErrorCode.TIMEOUT, "The database did not answer the query in time")
                    .remedy(
                            "Ask for less: fewer clauses, simpler patterns, fewer experiments, or a narrower range of time")
                    .causedBy(failure);
        }
        if (isConnectionLoss(sql)) {
            return new TidemillException(ErrorCode.UNAVAILABLE, "The database cannot be reached")
                    .remedy("Try again shortly")
                    .causedBy(failure);
        }
        if (dialect.isMomentary(sql)) {
            String said = String.valueOf(sql.getMessage()).lines().findFirst().orElse("");
            return new TidemillException(ErrorCode.UNAVAILABLE, "The database cannot be used now: " + said)
                    .remedy("Try again shortly")
                    .causedBy(failure);
        }
        return failure;
    }

    /** What a failure to set the database up says, if it is one that passes. */
    Optional<TidemillException> passing(RuntimeException failure) {
        return translate(failure) instanceof TidemillException told
                        && (told.code() == ErrorCode.UNAVAILABLE || told.code() == ErrorCode.STORAGE_FULL)
                ? Optional.of(told)
                : Optional.empty();
    }

    boolean isRetryable(RuntimeException failure) {
        SQLException sql = sqlException(failure);
        return sql != null && dialect.isRetryable(sql);
    }

    boolean isUniqueViolation(RuntimeException failure) {
        SQLException sql = failure instanceof TidemillException ? null : sqlException(failure);
        return sql != null && dialect.isUniqueViolation(sql);
    }

    /** The constraint, and the key that is taken; empty if the failure is another one. */
    Optional<String> violatedKey(RuntimeException failure) {
        if (!isUniqueViolation(failure)) {
            return Optional.empty();
        }
        SQLException sql = sqlException(failure);
        // What a batch says holds its statement, in which other values may differ.
        if (sql instanceof BatchUpdateException && sql.getNextException() != null) {
            sql = sql.getNextException();
        }
        return Optional.ofNullable(sql).map(SQLException::getMessage);
    }

    private static boolean isConnectionLoss(SQLException sql) {
        return sql instanceof java.sql.SQLTransientConnectionException
                || (sql.getSQLState() != null && sql.getSQLState().startsWith("08"))
                // what the pool says of a connection that it has found broken meanwhile
                || (sql.getSQLState() == null && "Connection is closed".equals(sql.getMessage()))
                // PostgreSQL shuts down, has crashed, or is just starting
                || GOING_OR_COMING.contains(String.valueOf(sql.getSQLState()));
    }

    private static @org.jspecify.annotations.Nullable SQLException sqlException(Throwable failure) {
        for (Throwable t = failure; t != null; t = t.getCause()) {
            if (t instanceof SQLException sql) {
                return sql;
            }
        }
        return null;
    }
}
