/** The web server behind one route manifest. */
@NullMarked
package dev.tidemill.platform.http;

import org.jspecify.annotations.NullMarked;
