/** Tasks that run in a child JVM with DuckDB: import, query, compute. */
@NullMarked
package dev.tidemill.datasets.duckdb;

import org.jspecify.annotations.NullMarked;
