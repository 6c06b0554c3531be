package dev.tidemill.platform.sql;

import dev.tidemill.platform.ids.StorableText;
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
        SqlStatements statements = jdbi.getConfig(SqlStatements.class).setUnusedBindingAllowed(true);
        StatementTexts.configure(statements);
        jdbi.registerArgument(new TextArgument());
        jdbi.registerArgument(new InstantArgument());
        jdbi.registerArgument(new DurationArgument());
        jdbi.registerArgument((ArgumentFactory) (type, value, config) -> value instanceof TypedId id
                ? java.util.Optional.of((position, statement, context) -> statement.setString(position, id.value()))
                : java.util.Optional.empty());
        return jdbi;
    }

    /** Refuses what no database keeps, whichever way it came in: what came in over HTTP has been asked already. */
    private static final class TextArgument extends AbstractArgumentFactory<String> {
        TextArgument() {
            super(Types.VARCHAR);
        }

        @Override
        protected Argument build(String value, ConfigRegistry config) {
            StorableText.require("A text", value);
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
