/** Content-addressed blobs and folders. */
@NullMarked
package dev.tidemill.artifacts;

import org.jspecify.annotations.NullMarked;
