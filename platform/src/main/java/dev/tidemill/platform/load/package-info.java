/** What requests under way may take of the process together. */
@NullMarked
package dev.tidemill.platform.load;

import org.jspecify.annotations.NullMarked;
