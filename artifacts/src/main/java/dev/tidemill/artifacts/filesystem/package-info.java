/** Blobs in a folder. */
@NullMarked
package dev.tidemill.artifacts.filesystem;

import org.jspecify.annotations.NullMarked;
