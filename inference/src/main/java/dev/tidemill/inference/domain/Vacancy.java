package dev.tidemill.inference.domain;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;

/**
 * A deployment that has no champion yet. Its name is taken: nothing else that is registered under it answers in its place.
 *
 * @param model whose versions the deployment is to serve
 */
public record Vacancy(String project, String name, String model) {
    /** What a caller is told who leaves the choice to the deployment. */
    TidemillException refusal() {
        return new TidemillException(ErrorCode.UNAVAILABLE, "Deployment '" + name + "' has no champion yet")
                .remedy("Offer it a version of model '" + model + "', by a pipeline with a step 'offer' or with"
                        + " 'tidemill deployments roll-back " + name + " VERSION', or ask for a version by its number");
    }
}
