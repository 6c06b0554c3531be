package dev.tidemill.platform.events;

import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.secrets.SecretCipher;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;

/** Webhooks in the database. */
public final class WebhookStore {
    private final Database database;
    private final SecretCipher cipher;

    /** @param cipher secrets are stored encrypted by it */
    public WebhookStore(Database database, SecretCipher cipher) {
        this.database = database;
        this.cipher = cipher;
    }

    /** Encrypts what an earlier version stored in the clear. */
    public void encryptAll() {
        database.writing(handle -> {
            var clear = handle.createQuery("SELECT id, secret FROM webhook WHERE sealed_secret = ''")
                    .map((row, context) -> java.util.Map.entry(row.getString("id"), row.getString("secret")))
                    .list();
            for (var webhook : clear) {
                handle.createUpdate("UPDATE webhook SET sealed_secret = :sealed, secret = '' WHERE id = :id")
                        .bind("sealed", cipher.encrypt(webhook.getValue()))
                        .bind("id", webhook.getKey())
                        .execute();
            }
            return clear.size();
        });
    }

    void insert(Webhook webhook) {
        database.writing(handle -> handle.createUpdate("""
                        INSERT INTO webhook (id, project, url, secret, sealed_secret, types, created_at, position, name, description, format,
                                             active, updated_at)
                        VALUES (:id, :project, :url, '', :sealed, :types, :createdAt, :position, :name, :description, :format,
                                :active, :updatedAt)
                        """)
                .bindMethods(webhook)
                .bind("types", Json.write(webhook.types()))
                .bind("sealed", cipher.encrypt(webhook.secret()))
                .execute());
    }

    void update(Webhook webhook) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE webhook
                        SET position = :position, attempts = :attempts, next_attempt = :nextAttempt,
                            delivered = :delivered, given_up = :givenUp, last_failure = :lastFailure,
                            broken = :broken
                        WHERE id = :id
                        """).bindMethods(webhook).execute());
    }

    void change(Webhook webhook) {
        database.writing(handle -> handle.createUpdate("""
                        UPDATE webhook
                        SET name = :name, description = :description, url = :url, types = :types,
                            active = :active, updated_at = :updatedAt,
                            sealed_secret = CASE WHEN :secret = '' THEN sealed_secret ELSE :sealed END
                        WHERE id = :id
                        """)
                .bindMethods(webhook)
                .bind("types", Json.write(webhook.types()))
                .bind("sealed", cipher.encrypt(webhook.secret()))
                .execute());
    }

    List<Webhook> due(Instant now) {
        return database.reading(handle -> handle.createQuery("SELECT * FROM webhook WHERE next_attempt <= :now")
                .bind("now", now)
                .map((row, context) -> webhook(row))
                .list());
    }

    /** How many cannot be used. */
    int broken() {
        return database.reading(handle -> handle.createQuery("SELECT COUNT(*) FROM webhook WHERE broken IS NOT NULL")
                .mapTo(Integer.class)
                .one());
    }

    List<Webhook> list(String project) {
        return database.reading(
                handle -> handle.createQuery("SELECT * FROM webhook WHERE project = :project ORDER BY id")
                        .bind("project", project)
                        .map((row, context) -> webhook(row))
                        .list());
    }

    boolean delete(String project, String id) {
        return database.writing(
                        handle -> handle.createUpdate("DELETE FROM webhook WHERE project = :project AND id = :id")
                                .bind("project", project)
                                .bind("id", id)
                                .execute())
                > 0;
    }

    private Webhook webhook(ResultSet row) throws SQLException {
        return new Webhook(
                row.getString("id"),
                row.getString("project"),
                row.getString("url"),
                cipher.find(row.getString("sealed_secret")).orElse(""),
                List.of(Json.read(row.getString("types"), String[].class)),
                Columns.instant(row, "created_at"),
                row.getLong("position"),
                row.getInt("attempts"),
                row.getLong("next_attempt"),
                row.getLong("delivered"),
                row.getLong("given_up"),
                Columns.optionalText(row, "last_failure").orElse(""),
                row.getString("name"),
                row.getString("description"),
                row.getString("format"),
                row.getBoolean("active"),
                Columns.instant(row, "updated_at"),
                Columns.optionalText(row, "broken"));
    }
}
