package dev.tidemill.monitoring.domain;

import dev.tidemill.deployments.domain.Reliability;
import java.time.Instant;

/** How reliably a challenger answered on the believed rows of an interval of event time, its end exclusive. */
public record ChallengerCalls(Instant startsAt, Instant endsAt, int challenger, Reliability reliability) {}
