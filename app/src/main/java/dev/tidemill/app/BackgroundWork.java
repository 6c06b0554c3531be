package dev.tidemill.app;

import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.platform.threads.Loop;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Tells how the loops of a process are doing. Thread-safe. */
final class BackgroundWork {
    /** Failures that end sooner, such as while a database starts anew, are no news to people. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final List<Loop> loops;
    private final Clock clock;

    BackgroundWork(List<Loop> loops, Clock clock) {
        this.loops = List.copyOf(loops);
        this.clock = clock;
    }

    void publish(Telemetry telemetry) {
        for (Loop loop : loops) {
            String name = loop.health().name();
            telemetry.counter(
                    "tidemill.loop.rounds",
                    "Rounds of work in the background that ended well",
                    "loop",
                    name,
                    () -> loop.health().rounds());
            telemetry.counter(
                    "tidemill.loop.failures",
                    "Rounds of work in the background that failed",
                    "loop",
                    name,
                    () -> loop.health().failures());
            telemetry.gauge(
                    "tidemill.loop.failing.seconds",
                    "For how long each round of work in the background has failed; 0 if the newest ended well",
                    "loop",
                    name,
                    () -> failing(loop.health()).toMillis() / 1000.0);
        }
    }

    private Duration failing(Loop.Health health) {
        return health.failing()
                .map(since -> Duration.between(since, clock.instant()))
                .filter(Duration::isPositive)
                .orElse(Duration.ZERO);
    }

    private List<Loop.Health> broken() {
        return loops.stream()
                .map(Loop::health)
                .filter(health -> failing(health).compareTo(PATIENCE) >= 0)
                .toList();
    }

    /** Names of those that have failed for half a minute; no reasons, which only those who are signed in may read. */
    List<String> failing() {
        return broken().stream().map(Loop.Health::name).toList();
    }

    /** The same with the reason of each, for people who may read them. */
    List<Map<String, Object>> describe() {
        return broken().stream()
                .map(health -> {
                    Map<String, Object> view = new LinkedHashMap<>();
                    view.put("name", health.name());
                    view.put(
                            "failingSince",
                            health.failing().map(Object::toString).orElse(""));
                    view.put("failures", health.failures());
                    view.put("reason", health.reason());
                    return view;
                })
                .toList();
    }
}
