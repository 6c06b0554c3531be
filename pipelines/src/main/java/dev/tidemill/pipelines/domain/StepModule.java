package dev.tidemill.pipelines.domain;

import dev.tidemill.platform.modules.Module;
import java.util.List;

/** A module whose domain has steps of pipelines. */
public interface StepModule extends Module {
    /** Kinds of steps; each has a name of its own in the process. */
    List<StepKind> stepKinds();
}
