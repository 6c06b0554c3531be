/** Versions as snapshots of Iceberg tables, without Hadoop. */
@NullMarked
package dev.tidemill.datasets.iceberg;

import org.jspecify.annotations.NullMarked;
