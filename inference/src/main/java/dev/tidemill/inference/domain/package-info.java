/** Serving plans, routing, the gateway and its journal. */
@NullMarked
package dev.tidemill.inference.domain;

import org.jspecify.annotations.NullMarked;
