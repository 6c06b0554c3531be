/** A project as a folder of YAML: documents, their kinds, and how they are applied. */
@NullMarked
package dev.tidemill.platform.definitions;

import org.jspecify.annotations.NullMarked;
