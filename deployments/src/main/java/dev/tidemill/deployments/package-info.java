/** What should run where: champion, challenger, promotion, roll-back. */
@NullMarked
package dev.tidemill.deployments;

import org.jspecify.annotations.NullMarked;
