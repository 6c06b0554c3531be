/** The journal's files. */
@NullMarked
package dev.tidemill.inference.journal;

import org.jspecify.annotations.NullMarked;
