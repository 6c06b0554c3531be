/** Child JVMs in which foreign code runs. */
@NullMarked
package dev.tidemill.platform.children;

import org.jspecify.annotations.NullMarked;
