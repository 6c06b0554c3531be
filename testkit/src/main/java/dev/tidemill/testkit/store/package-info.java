/** Fakes of what stores work with. */
@NullMarked
package dev.tidemill.testkit.store;

import org.jspecify.annotations.NullMarked;
