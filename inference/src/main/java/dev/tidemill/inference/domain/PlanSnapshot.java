package dev.tidemill.inference.domain;

import dev.tidemill.platform.ids.Ids;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** The desired state of a gateway: every plan, sorted by project and name. */
public record PlanSnapshot(List<ServingPlan> plans) {
    PlanSnapshot(Collection<ServingPlan> plans) {
        this(List.copyOf(plans));
    }

    public PlanSnapshot {
        plans = plans.stream()
                .sorted(Comparator.comparing(ServingPlan::project).thenComparing(ServingPlan::name))
                .toList();
    }

    /** Equal for equal states, whichever process tells it. */
    public String version() {
        // All that a plan says, its records being told by their parts: trust and policies change without a new
        // revision.
        return Ids.sha256(plans.stream().map(ServingPlan::toString).collect(Collectors.joining("\n")));
    }
}
