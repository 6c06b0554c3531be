/** Who calls and what they may do; the identity module answers. */
@NullMarked
package dev.tidemill.platform.auth;

import org.jspecify.annotations.NullMarked;
