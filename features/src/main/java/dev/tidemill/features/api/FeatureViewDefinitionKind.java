package dev.tidemill.features.api;

import dev.tidemill.datasets.domain.DataSet;
import dev.tidemill.features.domain.FeatureView;
import dev.tidemill.features.domain.FeatureViews;
import dev.tidemill.features.domain.WrittenView;
import dev.tidemill.platform.children.FairTurns;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.definitions.ProjectFiles;
import dev.tidemill.platform.definitions.YamlObject;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import java.util.Map;

/** {@code kind: FeatureView}. */
public final class FeatureViewDefinitionKind implements DefinitionKind<WrittenView> {
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
    public WrittenView parse(String name, YamlObject document, ProjectFiles files) {
        String sql = document.text("sql");
        return new WrittenView(
                new FeatureView(
                        document.text("source"),
                        files.text(document, "sql", sql),
                        document.text("time"),
                        document.text("label")),
                sql);
    }

    /** Tries the query on no rows, over the columns of its data set. */
    @Override
    public void check(String project, String name, WrittenView document, Map<String, Object> others) {
        FeatureView view = document.view();
        turns.run(project, () -> {
            try {
                if (others.get("DataSet/" + view.source()) instanceof DataSet dataSet) {
                    views.check(view, dataSet);
                } else {
                    views.check(project, view);
                }
            } catch (TidemillException e) {
                if (e.code() != ErrorCode.INVALID_DEFINITION) {
                    throw e;
                }
                var refusal = new TidemillException(e.code(), document.sqlFile() + ": " + e.message()).causedBy(e);
                throw e.remedy().map(refusal::remedy).orElse(refusal);
            }
            return view;
        });
    }

    @Override
    public Prepared prepare(String project, String name, WrittenView document, Map<String, Object> earlier) {
        return applied -> views.define(project, name, document.view());
    }
}
