/** Registered models, looked up in this process. */
@NullMarked
package dev.tidemill.inference.registry;

import org.jspecify.annotations.NullMarked;
