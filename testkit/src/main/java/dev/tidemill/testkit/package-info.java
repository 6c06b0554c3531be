/** Fixtures and fakes for tests. */
@NullMarked
package dev.tidemill.testkit;

import org.jspecify.annotations.NullMarked;
