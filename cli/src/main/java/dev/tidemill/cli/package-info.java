/** The command line: a client of the public API. */
@NullMarked
package dev.tidemill.cli;

import org.jspecify.annotations.NullMarked;
