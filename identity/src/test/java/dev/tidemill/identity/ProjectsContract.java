package dev.tidemill.identity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.identity.domain.Member;
import dev.tidemill.identity.domain.Project;
import dev.tidemill.identity.domain.User;
import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.testkit.Contention;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Projects and members, on every database. */
abstract class ProjectsContract extends AssembledIdentity {
    @Test
    void ofProjectsOfOneNameOneIsMadeAndTheOthersAreTold() {
        var made = Contention.of(
                4, (thread, turn) -> projects.create("project" + turn, "", Principal.localAdministrator()));
        assertThat(made.answers()).hasSize(4);
        assertThat(made.refusals())
                .allSatisfy(refusal -> assertThat(refusal).hasMessageMatching("There is a project '.*' already"));
        Contention.of(4, (thread, turn) -> projects.putMember("project" + turn, "ada", Role.VIEWER, "test"))
                .allAnswered();
    }

    /** Listed is what can be asked for by name. */
    @Test
    void aLimitedTokenOfAnAdministratorSeesTheProjectsThatItMayRead() {
        store.insertUser(new User("bob", false, NOW), "hash");
        store.putMember(new Member("other", "bob", Role.VIEWER));
        for (Principal caller : List.of(
                new Principal("token:1", false, "ada", Optional.of(Role.VIEWER), Optional.empty()),
                new Principal("token:2", false, "ada", Optional.of(Role.ADMIN), Optional.of("bikes")),
                new Principal("user:ada", true, "ada", Optional.empty(), Optional.empty()),
                new Principal("token:3", false, "bob", Optional.empty(), Optional.empty()),
                Principal.localAdministrator())) {
            assertThat(projects.visibleTo(caller))
                    .as(caller.id())
                    .extracting(Project::name)
                    .isEqualTo(store.projects().stream()
                            .map(Project::name)
                            .filter(name -> rights.role(caller, name).isPresent())
                            .toList());
        }
    }
}
