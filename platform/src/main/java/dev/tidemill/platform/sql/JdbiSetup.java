package dev.tidemill.platform.sql;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.TypedId;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import javax.sql.DataSource;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.argument.AbstractArgumentFactory;
import org.jdbi.v3.core.argument.Argument;
import org.jdbi.v3.core.argument.ArgumentFactory;
import org.jdbi.v3.core.config.ConfigRegistry;
import org.jdbi.v3.core.statement.SqlStatements;

/** How Java values become column values: instants as epoch milliseconds, durations in ISO 8601, typed ids as text. */
final class JdbiSetup {
    private JdbiSetup() {}

    static Jdbi create(DataSource dataSource) {
        Jdbi jdbi = Jdbi.create(dataSource);
        jdbi.getConfig(SqlStatements.class).setUnusedBindingAllowed(true);
        jdbi.registerArgument(new TextArgument());
        jdbi.registerArgument(new InstantArgument());
        jdbi.registerArgument(new DurationArgument());
        jdbi.registerArgument((ArgumentFactory) (type, value, config) -> value instanceof TypedId id
                ? java.util.Optional.of((position, statement, context) -> statement.setString(position, id.value()))
                : java.util.Optional.empty());
        return jdbi;
    }

    /** Refuses what PostgreSQL cannot store in a text, on every database and whichever way it came in. */
    private static final class TextArgument extends AbstractArgumentFactory<String> {
        private static final int SHOWN = 40;

        TextArgument() {
            super(Types.VARCHAR);
        }

        @Override
        protected Argument build(String value, ConfigRegistry config) {
            int at = value.indexOf('\0');
            if (at >= 0) {
                throw new TidemillException(
                                ErrorCode.INVALID_ARGUMENT,
                                "A text holds the character NUL (U+0000) at position " + at + ": '"
                                        + value.substring(Math.max(0, at - SHOWN), at) + "\\u0000...'")
                        .remedy("Leave it out, or encode binary values, for example in base64");
            }
            return (position, statement, context) -> statement.setString(position, value);
        }
    }

    private static final class InstantArgument extends AbstractArgumentFactory<Instant> {
        InstantArgument() {
            super(Types.BIGINT);
        }

        @Override
        protected Argument build(Instant value, ConfigRegistry config) {
            return (position, statement, context) -> statement.setLong(position, value.toEpochMilli());
        }
    }

    private static final class DurationArgument extends AbstractArgumentFactory<Duration> {
        DurationArgument() {
            super(Types.VARCHAR);
        }

        @Override
        protected Argument build(Duration value, ConfigRegistry config) {
            return (position, statement, context) -> statement.setString(position, value.toString());
        }
    }
}
