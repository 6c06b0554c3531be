package dev.tidemill.identity.store;

import dev.tidemill.identity.domain.IdentityStore;
import dev.tidemill.identity.domain.Member;
import dev.tidemill.identity.domain.Project;
import dev.tidemill.identity.domain.Token;
import dev.tidemill.identity.domain.User;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.auth.Scope;
import dev.tidemill.platform.sql.Columns;
import dev.tidemill.platform.sql.Database;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.mapper.RowMapper;

/** Identity in the database. */
public final class SqlIdentityStore implements IdentityStore {
    private static final RowMapper<Project> PROJECT = (row, context) ->
            new Project(row.getString("name"), row.getString("description"), Columns.instant(row, "created_at"));
    private static final RowMapper<User> USER = (row, context) ->
            new User(row.getString("name"), row.getBoolean("administrator"), Columns.instant(row, "created_at"));
    private static final RowMapper<Member> MEMBER = (row, context) ->
            new Member(row.getString("project"), row.getString("user_name"), Role.valueOf(row.getString("role")));
    private static final RowMapper<Token> TOKEN = (row, context) -> token(row);

    private final Database database;

    public SqlIdentityStore(Database database) {
        this.database = database;
    }

    private static Token token(ResultSet row) throws SQLException {
        return new Token(
                row.getString("id"),
                row.getString("user_name"),
                row.getString("label"),
                Columns.optionalText(row, "role_cap").map(Role::valueOf),
                Columns.optionalText(row, "only_project"),
                Columns.optionalText(row, "scope").map(Scope::valueOf),
                Columns.instant(row, "created_at"),
                Columns.instant(row, "expires_at"),
                Columns.optionalInstant(row, "last_used_at"));
    }

    private <T> List<T> list(String sql, Map<String, ?> bindings, RowMapper<T> mapper) {
        return database.reading(
                handle -> handle.createQuery(sql).bindMap(bindings).map(mapper).list());
    }

    private int update(String sql, Map<String, ?> bindings) {
        return database.writing(
                handle -> handle.createUpdate(sql).bindMap(bindings).execute());
    }

    @Override
    public void insertProject(Project project) {
        database.writing(handle -> handle.createUpdate(
                        "INSERT INTO project (name, description, created_at) VALUES (:name, :description, :createdAt)")
                .bindMethods(project)
                .execute());
    }

    @Override
    public Optional<Project> findProject(String name) {
        return list("SELECT * FROM project WHERE name = :name", Map.of("name", name), PROJECT).stream()
                .findFirst();
    }

    @Override
    public List<Project> projects() {
        return list("SELECT * FROM project ORDER BY name", Map.of(), PROJECT);
    }

    @Override
    public List<Project> projectsOf(String user) {
        return list("""
            SELECT project.* FROM project
            JOIN project_member ON project_member.project = project.name
            WHERE project_member.user_name = :user
            ORDER BY project.name
            """, Map.of("user", user), PROJECT);
    }

    @Override
    public void insertUser(User user, String passwordHash) {
        database.writing(handle -> handle.createUpdate("""
            INSERT INTO user_account (name, password_hash, administrator, created_at)
            VALUES (:name, :passwordHash, :administrator, :createdAt)
            """)
                .bindMethods(user)
                .bind("passwordHash", passwordHash)
                .execute());
    }

    @Override
    public Optional<User> findUser(String name) {
        return list("SELECT * FROM user_account WHERE name = :name", Map.of("name", name), USER).stream()
                .findFirst();
    }

    @Override
    public Optional<String> passwordHash(String user) {
        return list(
                        "SELECT password_hash FROM user_account WHERE name = :name",
                        Map.of("name", user),
                        (row, context) -> row.getString("password_hash"))
                .stream()
                .findFirst();
    }

    @Override
    public boolean putPasswordHash(String user, String passwordHash) {
        return update(
                        "UPDATE user_account SET password_hash = :hash WHERE name = :name",
                        Map.of("name", user, "hash", passwordHash))
                > 0;
    }

    @Override
    public boolean replacePasswordHash(String user, String seen, String passwordHash) {
        return update(
                        "UPDATE user_account SET password_hash = :hash WHERE name = :name AND password_hash = :seen",
                        Map.of("name", user, "seen", seen, "hash", passwordHash))
                > 0;
    }

    @Override
    public boolean hold(String user) {
        // An update that changes nothing locks the row on PostgreSQL; SQLite has one writer in any case.
        return update("UPDATE user_account SET name = name WHERE name = :name", Map.of("name", user)) > 0;
    }

    @Override
    public boolean deleteUser(String name) {
        deleteSessions(name);
        deleteTokens(name);
        update("DELETE FROM project_member WHERE user_name = :user", Map.of("user", name));
        return update("DELETE FROM user_account WHERE name = :name", Map.of("name", name)) > 0;
    }

    @Override
    public void deleteSessions(String user) {
        update("DELETE FROM web_session WHERE user_name = :user", Map.of("user", user));
    }

    @Override
    public List<User> users() {
        return list("SELECT * FROM user_account ORDER BY name", Map.of(), USER);
    }

    @Override
    public boolean hasUsers() {
        return !list("SELECT * FROM user_account LIMIT 1", Map.of(), USER).isEmpty();
    }

    @Override
    public boolean hasAdministrator() {
        return !list("SELECT * FROM user_account WHERE administrator = TRUE LIMIT 1", Map.of(), USER)
                .isEmpty();
    }

    @Override
    public boolean hasAdministratorBeside(String user) {
        return !list(
                        "SELECT * FROM user_account WHERE administrator = TRUE AND name <> :name LIMIT 1",
                        Map.of("name", user),
                        USER)
                .isEmpty();
    }

    @Override
    public void putMember(Member member) {
        update("""
            INSERT INTO project_member (project, user_name, role) VALUES (:project, :user, :role)
            ON CONFLICT (project, user_name) DO UPDATE SET role = excluded.role
            """, Map.of("project", member.project(), "user", member.user(), "role", member.role()));
    }

    @Override
    public boolean removeMember(String project, String user) {
        return update(
                        "DELETE FROM project_member WHERE project = :project AND user_name = :user",
                        Map.of("project", project, "user", user))
                > 0;
    }

    @Override
    public Optional<Role> roleOf(String project, String user) {
        return list(
                        "SELECT * FROM project_member WHERE project = :project AND user_name = :user",
                        Map.of("project", project, "user", user),
                        MEMBER)
                .stream()
                .findFirst()
                .map(Member::role);
    }

    @Override
    public List<Member> members(String project) {
        return list(
                "SELECT * FROM project_member WHERE project = :project ORDER BY user_name",
                Map.of("project", project),
                MEMBER);
    }

    @Override
    public void insertToken(Token token, String secretHash) {
        database.writing(handle -> handle.createUpdate("""
            INSERT INTO api_token (id, secret_hash, user_name, label, role_cap, only_project, scope,
                                   created_at, expires_at)
            VALUES (:id, :secretHash, :user, :label, :roleCap, :onlyProject, :scope, :createdAt, :expiresAt)
            """)
                .bindMethods(token)
                .bind("secretHash", secretHash)
                .bind("roleCap", token.roleCap().map(Role::name).orElse(null))
                .bind("onlyProject", token.onlyProject().orElse(null))
                .bind("scope", token.scope().map(Scope::name).orElse(null))
                .execute());
    }

    @Override
    public Optional<Token> findToken(String secretHash) {
        return list("SELECT * FROM api_token WHERE secret_hash = :hash", Map.of("hash", secretHash), TOKEN).stream()
                .findFirst();
    }

    @Override
    public void touchToken(String id, Instant at) {
        update("UPDATE api_token SET last_used_at = :at WHERE id = :id", Map.of("id", id, "at", at));
    }

    @Override
    public List<Token> tokensOf(String user) {
        return list("SELECT * FROM api_token WHERE user_name = :user ORDER BY id", Map.of("user", user), TOKEN);
    }

    @Override
    public boolean deleteToken(String user, String id) {
        return update("DELETE FROM api_token WHERE id = :id AND user_name = :user", Map.of("id", id, "user", user)) > 0;
    }

    @Override
    public int deleteTokens(String user) {
        return update("DELETE FROM api_token WHERE user_name = :user", Map.of("user", user));
    }

    @Override
    public void insertSession(String secretHash, String user, Instant expiresAt) {
        update(
                "INSERT INTO web_session (secret_hash, user_name, expires_at) VALUES (:hash, :user, :expiresAt)",
                Map.of("hash", secretHash, "user", user, "expiresAt", expiresAt));
    }

    @Override
    public Optional<String> sessionUser(String secretHash, Instant now) {
        return list(
                        "SELECT user_name FROM web_session WHERE secret_hash = :hash AND expires_at > :now",
                        Map.of("hash", secretHash, "now", now),
                        (row, context) -> row.getString("user_name"))
                .stream()
                .findFirst();
    }

    @Override
    public void deleteSession(String secretHash) {
        update("DELETE FROM web_session WHERE secret_hash = :hash", Map.of("hash", secretHash));
    }

    @Override
    public void putSetupSecret(String secretHash) {
        removeSetupSecrets();
        update("INSERT INTO setup_secret (secret_hash) VALUES (:hash)", Map.of("hash", secretHash));
    }

    @Override
    public void removeSetupSecrets() {
        update("DELETE FROM setup_secret", Map.of());
    }

    @Override
    public boolean isSetupSecret(String secretHash) {
        return !list(
                        "SELECT secret_hash FROM setup_secret WHERE secret_hash = :hash",
                        Map.of("hash", secretHash),
                        (row, context) -> row.getString("secret_hash"))
                .isEmpty();
    }

    @Override
    public boolean takeSetupSecret(String secretHash) {
        return update("DELETE FROM setup_secret WHERE secret_hash = :hash", Map.of("hash", secretHash)) > 0;
    }
}
