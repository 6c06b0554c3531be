package dev.tidemill.identity.api;

import dev.tidemill.identity.domain.Projects;
import dev.tidemill.identity.domain.Tokens;
import dev.tidemill.identity.domain.Users;
import dev.tidemill.platform.auth.Access;
import dev.tidemill.platform.auth.Action;
import dev.tidemill.platform.auth.Caller;
import dev.tidemill.platform.auth.Resource;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.auth.Scope;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.json.Body;
import dev.tidemill.platform.time.EventTime;
import io.javalin.http.Context;
import io.javalin.http.Cookie;
import io.javalin.http.SameSite;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Routes for signing in, users, tokens, projects and members. */
public final class IdentityRoutes {
    private static final String V1 = "/api/tidemill/v1";
    private static final String COOKIE = "tidemill_session";

    private final Users users;
    private final Tokens tokens;
    private final Projects projects;

    public IdentityRoutes(Users users, Tokens tokens, Projects projects) {
        this.users = users;
        this.tokens = tokens;
        this.projects = projects;
    }

    public List<Route> routes() {
        return List.of(
                        Route.get(
                                V1 + "/whoami",
                                Access.signedIn(),
                                (context, caller) -> context.json(Map.of(
                                        "id", caller.principal().id(),
                                        "user", caller.principal().user(),
                                        "administrator", caller.principal().administrator()))),
                        Route.post(V1 + "/setup", Access.open(), this::setUp).fields("secret", "name", "password"),
                        Route.post(V1 + "/session", Access.open(), this::signIn).fields("name", "password"),
                        Route.delete(V1 + "/session", Access.open(), this::signOut),
                        Route.get(
                                V1 + "/users",
                                Access.server(Resource.USER, Action.ADMINISTER),
                                (context, caller) -> context.json(Map.of("users", users.all()))),
                        Route.post(V1 + "/users", Access.server(Resource.USER, Action.ADMINISTER), this::createUser)
                                .fields("name", "password", "administrator"),
                        Route.delete(
                                V1 + "/users/{user}",
                                Access.server(Resource.USER, Action.ADMINISTER),
                                (context, caller) -> {
                                    users.delete(context.pathParam("user"), caller.actor());
                                    context.status(204);
                                }),
                        Route.put(
                                        V1 + "/users/{user}/password",
                                        Access.server(Resource.USER, Action.ADMINISTER),
                                        (context, caller) -> {
                                            users.resetPassword(
                                                    context.pathParam("user"),
                                                    RequestBody.object(context).text("password"),
                                                    caller.actor());
                                            context.status(204);
                                        })
                                .fields("password"),
                        Route.get(
                                V1 + "/users/{user}/tokens",
                                Access.server(Resource.USER, Action.ADMINISTER),
                                (context, caller) -> context.json(
                                        Map.of("tokens", tokens.of(users.user(context.pathParam("user")))))),
                        Route.delete(
                                V1 + "/users/{user}/tokens",
                                Access.server(Resource.USER, Action.ADMINISTER),
                                (context, caller) -> context.json(
                                        Map.of("ended", users.revokeAll(context.pathParam("user"), caller.actor())))),
                        Route.put(V1 + "/password", Access.signedIn(), this::changePassword)
                                .fields("current", "password"),
                        Route.get(
                                V1 + "/tokens",
                                Access.signedIn(),
                                (context, caller) ->
                                        context.json(Map.of("tokens", tokens.visibleTo(caller.principal())))),
                        Route.post(V1 + "/tokens", Access.signedIn(), this::createToken)
                                .fields("label", "role", "project", "scope", "validFor"),
                        Route.delete(V1 + "/tokens/{token}", Access.signedIn(), (context, caller) -> {
                            tokens.revoke(caller.principal(), context.pathParam("token"));
                            context.status(204);
                        }),
                        Route.get(
                                V1 + "/projects",
                                Access.signedIn(),
                                (context, caller) ->
                                        context.json(Map.of("projects", projects.visibleTo(caller.principal())))),
                        Route.post(
                                        V1 + "/projects",
                                        Access.server(Resource.PROJECT, Action.ADMINISTER),
                                        this::createProject)
                                .fields("name", "description"),
                        Route.get(
                                V1 + "/projects/{project}",
                                Access.project(Resource.PROJECT, Action.READ),
                                (context, caller) -> context.json(projects.project(caller.project()))),
                        Route.get(
                                V1 + "/projects/{project}/members",
                                Access.project(Resource.PROJECT, Action.READ),
                                (context, caller) ->
                                        context.json(Map.of("members", projects.members(caller.project())))),
                        Route.put(
                                        V1 + "/projects/{project}/members/{user}",
                                        Access.project(Resource.PROJECT, Action.ADMINISTER),
                                        this::putMember)
                                .fields("role"),
                        Route.delete(
                                V1 + "/projects/{project}/members/{user}",
                                Access.project(Resource.PROJECT, Action.ADMINISTER),
                                (context, caller) -> {
                                    projects.removeMember(caller.project(), context.pathParam("user"), caller.actor());
                                    context.status(204);
                                }))
                .stream()
                .map(route -> route.bodyUpTo(Route.SMALL_BODY))
                .toList();
    }

    private void setUp(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        context.status(201)
                .json(users.setUp(body.text("secret"), body.text("name"), body.text("password"), context.ip()));
    }

    private void signIn(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        String secret = users.signIn(body.text("name"), body.text("password"), context.ip());
        boolean secure = context.scheme().equals("https");
        var cookie = new Cookie(COOKIE, secret);
        cookie.setSecure(secure);
        cookie.setHttpOnly(true);
        cookie.setSameSite(SameSite.STRICT);
        context.cookie(cookie);
        context.json(Map.of("user", body.text("name")));
    }

    private void signOut(Context context, Caller caller) {
        Optional.ofNullable(context.cookie(COOKIE)).ifPresent(users::signOut);
        context.removeCookie(COOKIE).status(204);
    }

    private void createUser(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        context.status(201)
                .json(users.create(
                        body.text("name"), body.text("password"), body.optionalFlag("administrator"), caller.actor()));
    }

    private void changePassword(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        users.changeOwnPassword(caller.principal(), body.text("current"), body.text("password"), context.ip());
        context.removeCookie(COOKIE).status(204);
    }

    private void createToken(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        Duration validFor = body.optionalText("validFor")
                .map(text -> EventTime.duration("validFor", text))
                .orElse(Duration.ofDays(90));
        context.status(201)
                .json(tokens.create(
                        caller.principal(),
                        Optional.ofNullable(context.cookie(COOKIE)),
                        body.optionalText("label").orElse(""),
                        body.optionalText("role").map(IdentityRoutes::role),
                        body.optionalText("project"),
                        body.optionalText("scope").map(IdentityRoutes::scope),
                        validFor));
    }

    private void createProject(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        context.status(201)
                .json(projects.create(
                        body.text("name"), body.optionalText("description").orElse(""), caller.principal()));
    }

    private void putMember(Context context, Caller caller) {
        Body body = RequestBody.object(context);
        context.json(projects.putMember(
                caller.project(), context.pathParam("user"), role(body.text("role")), caller.actor()));
    }

    private static Scope scope(String text) {
        if (text.equalsIgnoreCase(Scope.METRICS.name())) {
            return Scope.METRICS;
        }
        throw TidemillException.invalid("scope", "'" + text + "' is no scope; the only one is metrics");
    }

    private static Role role(String text) {
        try {
            return Role.valueOf(text.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw TidemillException.invalid("role", "'" + text + "' is none of viewer, contributor, maintainer, admin");
        }
    }
}
