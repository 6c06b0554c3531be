package dev.tidemill.monitoring.api;

import dev.tidemill.monitoring.domain.Monitor;
import dev.tidemill.monitoring.domain.Monitoring;
import dev.tidemill.platform.definitions.DefinitionKind;
import dev.tidemill.platform.definitions.ProjectFiles;
import dev.tidemill.platform.definitions.YamlObject;
import java.util.Map;

/** {@code kind: Monitor}. */
public final class MonitorDefinitionKind implements DefinitionKind<Monitor> {
    private final Monitoring monitoring;

    public MonitorDefinitionKind(Monitoring monitoring) {
        this.monitoring = monitoring;
    }

    @Override
    public String kind() {
        return "Monitor";
    }

    @Override
    public int rank() {
        return 50;
    }

    @Override
    public Monitor parse(String name, YamlObject document, ProjectFiles files) {
        var monitor = new Monitor(
                document.duration("window", "P7D"),
                document.duration("label-delay", "P1D"),
                document.duration("every", "P1D"),
                document.number("coverage", 0.5, 0, 1),
                document.number("missing-rise", 0.2, 0, 1));
        if (monitor.window().isZero() || monitor.every().isZero()) {
            throw document.invalid("window", "window and every must be longer than nothing");
        }
        return monitor;
    }

    @Override
    public Prepared prepare(String project, String name, Monitor monitor, Map<String, Object> earlier) {
        return applied -> monitoring.defineMonitor(project, name, monitor);
    }
}
