package dev.tidemill.identity.domain;

import dev.tidemill.platform.auth.Actor;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import dev.tidemill.platform.ids.Names;
import dev.tidemill.platform.sql.Transactions;
import java.time.Clock;
import java.util.List;
import java.util.Map;

/** Projects and their members. Thread-safe. */
public final class Projects {
    private final IdentityStore store;
    private final Transactions transactions;
    private final EventLog events;
    private final Clock clock;
    private final Rights rights;

    public Projects(IdentityStore store, Transactions transactions, EventLog events, Clock clock, Rights rights) {
        this.store = store;
        this.transactions = transactions;
        this.events = events;
        this.clock = clock;
        this.rights = rights;
    }

    /** Makes the default project where it is not there yet. */
    public void prepare() {
        transactions.write(() -> {
            if (store.findProject(Project.DEFAULT).isEmpty()) {
                insert(Project.DEFAULT, "", Event.SYSTEM);
            }
        });
    }

    /**
     * Makes a project. Its creator is its first administrator; one who is no user of the server becomes no member.
     *
     * @throws TidemillException {@code ALREADY_EXISTS} if there is one of that name
     */
    public Project create(String name, String description, Principal creator) {
        Names.require("name", name);
        return transactions.write(() -> {
            if (store.findProject(name).isPresent()) {
                throw new TidemillException(ErrorCode.ALREADY_EXISTS, "There is a project '" + name + "' already");
            }
            Project project = insert(name, description, Actor.of(creator));
            if (store.findUser(creator.user()).isPresent()) {
                store.putMember(new Member(name, creator.user(), Role.ADMIN));
            }
            return project;
        });
    }

    private Project insert(String name, String description, String actor) {
        var project = new Project(name, description, clock.instant());
        store.insertProject(project);
        events.append(Event.of("project.created", name, "project/" + name, actor, Map.of()));
        return project;
    }

    /** The projects that the caller may see. */
    public List<Project> visibleTo(Principal principal) {
        List<Project> own = rights.mayEnterAll(principal) ? store.projects() : store.projectsOf(principal.user());
        return own.stream()
                .filter(project ->
                        principal.onlyProject().map(project.name()::equals).orElse(true))
                .toList();
    }

    /** @throws TidemillException {@code NOT_FOUND} */
    public Project project(String name) {
        return store.findProject(name).orElseThrow(() -> TidemillException.notFound("project", name));
    }

    /** The members of a project; empty where there is no such project. */
    public List<Member> members(String project) {
        return store.members(project);
    }

    /**
     * Makes a user a member, or gives a member another role.
     *
     * @throws TidemillException {@code NOT_FOUND} if there is no such user
     */
    public Member putMember(String project, String user, Role role, String actor) {
        return transactions.write(() -> {
            if (store.findUser(user).isEmpty()) {
                throw TidemillException.notFound("user", user);
            }
            var member = new Member(project, user, role);
            store.putMember(member);
            rights.change();
            events.append(Event.of(
                    "member.changed", project, "member/" + user, actor, Map.of("user", user, "role", role.name())));
            return member;
        });
    }

    /** @throws TidemillException {@code NOT_FOUND} if the user is no member */
    public void removeMember(String project, String user, String actor) {
        transactions.write(() -> {
            if (!store.removeMember(project, user)) {
                throw TidemillException.notFound("member", user);
            }
            rights.change();
            events.append(Event.of("member.removed", project, "member/" + user, actor, Map.of("user", user)));
        });
    }
}
