package dev.tidemill.identity.domain;

import dev.tidemill.platform.auth.Role;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Keeps projects, users and their secrets; secrets are only ever kept as hashes. */
public interface IdentityStore {
    void insertProject(Project project);

    Optional<Project> findProject(String name);

    List<Project> projects();

    /** Projects that the user is a member of. */
    List<Project> projectsOf(String user);

    void insertUser(User user, String passwordHash);

    Optional<User> findUser(String name);

    Optional<String> passwordHash(String user);

    /** Replaces a password; false if there is no such user. */
    boolean putPasswordHash(String user, String passwordHash);

    /** Replaces a password that is still {@code seen}; false if there is no such user, or the password is another by now. */
    boolean replacePasswordHash(String user, String seen, String passwordHash);

    /**
     * Keeps others that hold the user, give a new password or remove the user from ending before this unit of work; false if there is
     * no such user.
     */
    boolean hold(String user);

    /** Removes a user with memberships, tokens and sessions; false if there is none. */
    boolean deleteUser(String name);

    /** Ends all sessions of a user. */
    void deleteSessions(String user);

    List<User> users();

    boolean hasUsers();

    boolean hasAdministrator();

    /** Whether somebody else administers the server as well. */
    boolean hasAdministratorBeside(String user);

    void putMember(Member member);

    boolean removeMember(String project, String user);

    Optional<Role> roleOf(String project, String user);

    List<Member> members(String project);

    void insertToken(Token token, String secretHash);

    Optional<Token> findToken(String secretHash);

    void touchToken(String id, Instant at);

    List<Token> tokensOf(String user);

    boolean deleteToken(String user, String id);

    /** Ends all tokens of a user; how many. */
    int deleteTokens(String user);

    void insertSession(String secretHash, String user, Instant expiresAt);

    /** The user of a session that has not expired. */
    Optional<String> sessionUser(String secretHash, Instant now);

    void deleteSession(String secretHash);

    /** Keeps a secret's hash in place of every earlier one. */
    void putSetupSecret(String secretHash);

    void removeSetupSecrets();

    boolean isSetupSecret(String secretHash);

    /** Removes the secret; false if it was not there. */
    boolean takeSetupSecret(String secretHash);
}
