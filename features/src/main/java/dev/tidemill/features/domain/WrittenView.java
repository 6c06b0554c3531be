package dev.tidemill.features.domain;

/** A view as it is applied, and the file that its SQL is in. */
public record WrittenView(FeatureView view, String sqlFile) {
    /** The meaning of the definition, by which a change is told: where its SQL is kept changes nothing. */
    @Override
    public String toString() {
        return view.toString();
    }
}
