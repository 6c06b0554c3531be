package dev.tidemill.datasets.domain;

import java.util.List;
import java.util.Optional;

/** Keeps data sets and the records of their versions. */
public interface DataSetStore {
    /** A data set by name. */
    record Named(String name, DataSet definition) {}

    void save(String project, String name, DataSet definition);

    Optional<DataSet> find(String project, String name);

    List<Named> list(String project);

    Optional<DataSetVersion> findVersion(String project, String name, int version);

    Optional<DataSetVersion> newestVersion(String project, String name);

    Optional<DataSetVersion> findMadeBy(String project, String name, String madeBy);

    List<DataSetVersion> versions(String project, String name);

    void insertVersion(DataSetVersion version);
}
