/** A gateway's side of its conversation with the control plane, for processes without a database. */
@NullMarked
package dev.tidemill.inference.controlplane;

import org.jspecify.annotations.NullMarked;
