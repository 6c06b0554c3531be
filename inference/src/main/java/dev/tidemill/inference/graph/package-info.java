/** Inference graphs: several models that answer as one, in one process. */
@NullMarked
package dev.tidemill.inference.graph;

import org.jspecify.annotations.NullMarked;
