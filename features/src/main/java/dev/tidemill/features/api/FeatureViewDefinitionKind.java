package dev.tidemill.features.api;

import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.features.domain.FeatureView;
import dev.tidemill.features.domain.FeatureViews;
import dev.tidemill.platform.children.FairTurns;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.definitions.ProjectFiles;
import dev.tidemill.platform.definitions.YamlObject;
import java.util.Map;

/** {@code kind: FeatureView}. */
public final class FeatureViewDefinitionKind implements DefinitionKind<FeatureView> {
    private final FeatureViews views;
    private final FairTurns turns;

    /** @param turns at computations that people wait for */
    public FeatureViewDefinitionKind(FeatureViews views, FairTurns turns) {
        this.turns = turns;
        this.views = views;
    }

    @Override
    public String kind() {
        return "FeatureView";
    }

    @Override
    public int rank() {
        return 20;
    }

    @Override
    public FeatureView parse(String name, YamlObject document, ProjectFiles files) {
        return new FeatureView(
                document.text("source"),
                files.text(document, "sql", document.text("sql")),
                document.text("time"),
                document.text("label"));
    }

    /** Tries the query on no rows, over the columns of its data set. */
    @Override
    public void check(String project, String name, FeatureView view, Map<String, Object> others) {
        turns.run(project, () -> {
            if (others.get("DataSet/" + view.source()) instanceof DataSet dataSet) {
                views.check(view, dataSet);
            } else {
                views.check(project, view);
            }
            return view;
        });
    }

    @Override
    public void apply(String project, String name, FeatureView view, Applied applied) {
        views.define(project, name, view);
    }
}
