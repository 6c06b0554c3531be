package dev.tidemill.monitoring.domain;

import dev.tidemill.platform.events.Event;
import dev.tidemill.platform.events.EventLog;
import java.time.Instant;
import java.util.Map;

/** Events that tell of the watching of deployments. Thread-safe. */
final class MonitorEvents {
    static final String RETRAINING_STARTED = "monitor.retraining.started";

    private final EventLog events;

    MonitorEvents(EventLog events) {
        this.events = events;
    }

    void append(String project, String deployment, String type, Map<String, ?> facts) {
        events.append(event(project, deployment, type, facts));
    }

    /** As {@link #append(String, String, String, Map)}, of something that happened at an event time. */
    void append(String project, String deployment, String type, Instant at, Map<String, ?> facts) {
        events.append(event(project, deployment, type, facts).at(at));
    }

    private static Event event(String project, String deployment, String type, Map<String, ?> facts) {
        return Event.of(type, project, subject(deployment), Event.SYSTEM, facts);
    }

    /** A deployment as the subject or the cause of events. */
    static String subject(String deployment) {
        return "deployment/" + deployment;
    }
}
