/** Blobs, folders and the port that keeps them. */
@NullMarked
package dev.tidemill.artifacts.domain;

import org.jspecify.annotations.NullMarked;
