package dev.tidemill.inference.domain;

import dev.tidemill.platform.ids.Ids;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The desired state of a gateway.
 *
 * @param plans sorted by project and name
 * @param vacancies deployments that have no champion yet, sorted likewise
 */
public record PlanSnapshot(List<ServingPlan> plans, List<Vacancy> vacancies) {
    PlanSnapshot(Collection<ServingPlan> plans, Collection<Vacancy> vacancies) {
        this(List.copyOf(plans), List.copyOf(vacancies));
    }

    public PlanSnapshot {
        plans = plans.stream()
                .sorted(Comparator.comparing(ServingPlan::project).thenComparing(ServingPlan::name))
                .toList();
        vacancies = vacancies.stream()
                .sorted(Comparator.comparing(Vacancy::project).thenComparing(Vacancy::name))
                .toList();
    }

    /** Equal for equal states, whichever process tells it. */
    public String version() {
        // All that a plan says, its records being told by their parts: trust and policies change without a new
        // revision.
        return Ids.sha256(Stream.concat(plans.stream(), vacancies.stream())
                .map(Record::toString)
                .collect(Collectors.joining("\n")));
    }
}
