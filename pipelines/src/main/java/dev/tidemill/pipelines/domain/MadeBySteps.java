package dev.tidemill.pipelines.domain;

import java.util.Collection;
import java.util.Set;

/** What steps have made that outlives their runs, as registered models; a domain to the right tells of it. */
@FunctionalInterface
public interface MadeBySteps {
    /**
     * Those of the steps that something names as what made it, so that it can be made again.
     *
     * @param steps as {@code RUN/STEP}
     */
    Set<String> among(Collection<String> steps);
}
