package dev.tidemill.features.api;

import dev.tidemill.features.domain.FeatureView;
import dev.tidemill.features.domain.FeatureViews;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.definitions.ProjectFiles;
import dev.tidemill.platform.definitions.YamlObject;

/** {@code kind: FeatureView}. */
public final class FeatureViewDefinitionKind implements DefinitionKind<FeatureView> {
    private final FeatureViews views;

    public FeatureViewDefinitionKind(FeatureViews views) {
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

    @Override
    public void apply(String project, String name, FeatureView view, Applied applied) {
        views.define(project, name, view);
    }
}
