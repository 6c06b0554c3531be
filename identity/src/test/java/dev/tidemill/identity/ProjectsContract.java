package dev.tidemill.identity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.auth.Principal;
import dev.tidemill.platform.auth.Role;
import dev.tidemill.testkit.Contention;
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
}
