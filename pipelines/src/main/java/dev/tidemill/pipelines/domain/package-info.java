/** Graphs, runs, attempts, and how they are carried out. */
@NullMarked
package dev.tidemill.pipelines.domain;

import org.jspecify.annotations.NullMarked;
