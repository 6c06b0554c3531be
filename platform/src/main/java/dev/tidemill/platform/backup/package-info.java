/** Archives of a whole server: its database and its files, checked by digest. */
@NullMarked
package dev.tidemill.platform.backup;

import org.jspecify.annotations.NullMarked;
