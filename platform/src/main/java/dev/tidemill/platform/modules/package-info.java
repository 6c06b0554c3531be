/** What a domain tells of itself to the process that is built of it. */
@NullMarked
package dev.tidemill.platform.modules;

import org.jspecify.annotations.NullMarked;
