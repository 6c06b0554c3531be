package dev.tidemill.training;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.datasets.domain.DataSets;
import dev.tidemill.pipelines.domain.StepKind;
import dev.tidemill.pipelines.domain.StepModule;
import dev.tidemill.platform.children.ChildPool;
import dev.tidemill.tracking.domain.Tracking;
import dev.tidemill.training.domain.Incumbents;
import dev.tidemill.training.steps.EvaluateStep;
import dev.tidemill.training.steps.SelectStep;
import dev.tidemill.training.steps.TrainStep;
import java.time.Clock;
import java.util.List;

/** Wires training. */
public final class TrainingModule implements StepModule {
    private final List<StepKind> stepKinds;

    public TrainingModule(
            DataSets dataSets,
            Tracking tracking,
            BlobStore blobs,
            ArtifactTree tree,
            ChildPool children,
            Incumbents incumbents,
            Clock clock) {
        this.stepKinds = List.of(
                new TrainStep(dataSets, tracking, blobs, tree, children, clock),
                new SelectStep(),
                new EvaluateStep(dataSets, blobs, children, incumbents));
    }

    @Override
    public List<StepKind> stepKinds() {
        return stepKinds;
    }
}
