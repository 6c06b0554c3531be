package dev.tidemill.platform.sql;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jdbi.v3.core.cache.JdbiCache;
import org.jdbi.v3.core.cache.JdbiCacheBuilder;
import org.jdbi.v3.core.cache.JdbiCacheLoader;
import org.jdbi.v3.core.statement.ColonPrefixSqlParser;
import org.jdbi.v3.core.statement.DefinedAttributeTemplateEngine;
import org.jdbi.v3.core.statement.ParsedSql;
import org.jdbi.v3.core.statement.SqlParser;
import org.jdbi.v3.core.statement.SqlStatements;
import org.jdbi.v3.core.statement.StatementContext;
import org.jdbi.v3.core.statement.TemplateEngine;

/**
 * Reads the texts of statements, and keeps what it has read of the short ones. JDBI's own caches keep the latest thousand, however
 * long they are: callers who search with long lists and filters would fill the heap with texts that never come again. Thread-safe.
 */
final class StatementTexts implements TemplateEngine, SqlParser {
    /** Characters of a text that is kept. The statements that come again and again are shorter. */
    private static final int LONGEST_KEPT = 5_000;

    private static final int MOST_KEPT = 1_000;

    private final DefinedAttributeTemplateEngine templates = new DefinedAttributeTemplateEngine();
    private final ColonPrefixSqlParser parser = new ColonPrefixSqlParser();
    private final Map<String, Function<StatementContext, String>> kept = new ConcurrentHashMap<>();

    static void configure(SqlStatements statements) {
        var texts = new StatementTexts();
        // It is asked before the engine, and keeps the text in its key.
        statements.setTemplateCache(new NothingKept());
        statements.setTemplateEngine(texts);
        statements.setSqlParser(texts);
    }

    @Override
    public String render(String template, StatementContext context) {
        if (template.length() > LONGEST_KEPT) {
            return templates.render(template, context);
        }
        if (kept.size() >= MOST_KEPT) {
            kept.clear();
        }
        return kept.computeIfAbsent(
                        template,
                        text -> templates
                                .parse(text, context.getConfig())
                                .orElseGet(() -> now -> templates.render(text, now)))
                .apply(context);
    }

    @Override
    public ParsedSql parse(String sql, StatementContext context) {
        return (sql.length() > LONGEST_KEPT ? new ColonPrefixSqlParser() : parser).parse(sql, context);
    }

    @Override
    public String nameParameter(String name, StatementContext context) {
        return parser.nameParameter(name, context);
    }

    /** Builds caches that load whatever is asked for. */
    private static final class NothingKept implements JdbiCacheBuilder {
        @Override
        public <K, V> JdbiCache<K, V> build() {
            return new JdbiCache<>() {
                @Override
                public V get(K key) {
                    throw new UnsupportedOperationException("a cache without a loader is asked with one");
                }

                @Override
                public V getWithLoader(K key, JdbiCacheLoader<K, V> loader) {
                    return loader.create(key);
                }

                @Override
                public <T> T getStats() {
                    throw new UnsupportedOperationException("nothing is kept");
                }
            };
        }

        @Override
        public <K, V> JdbiCache<K, V> buildWithLoader(JdbiCacheLoader<K, V> loader) {
            throw new UnsupportedOperationException("the cache of templates is built without a loader");
        }

        @Override
        public JdbiCacheBuilder maxSize(int size) {
            return this;
        }
    }
}
