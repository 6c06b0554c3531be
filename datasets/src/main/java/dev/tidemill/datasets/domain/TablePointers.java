package dev.tidemill.datasets.domain;

import java.util.List;
import java.util.Optional;

/** Which metadata file is current for each table: the whole of a catalog. Thread-safe. */
public interface TablePointers {
    /** A table of the catalog. */
    record Table(String project, String name) {}

    List<Table> tables();

    Optional<String> find(String project, String table);

    /** Compare-and-set, within the caller's transaction; false if the pointer is not {@code from} any more. */
    boolean swap(String project, String table, Optional<String> from, String to);
}
