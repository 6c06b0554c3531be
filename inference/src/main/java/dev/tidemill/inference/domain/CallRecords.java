package dev.tidemill.inference.domain;

import java.time.Clock;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * What is known of calls beside their answers: figures of so many versions, the last minute by deployment, payloads.
 * Thread-safe.
 */
final class CallRecords {
    /** Versions whose figures are kept, those that were called last: retraining makes new ones for ever. */
    static final int MOST_VERSIONS = 1_000;

    private record Version(String project, String name, int version) {}

    private final PayloadLog payloads;
    private final Clock clock;
    private final ConcurrentMap<String, LiveStatistics> live = new ConcurrentHashMap<>();
    private final ConcurrentMap<Version, ModelStatistics> statistics = new ConcurrentHashMap<>();

    CallRecords(PayloadLog payloads, Clock clock) {
        this.payloads = payloads;
        this.clock = clock;
    }

    void forget() {
        live.clear();
        statistics.clear();
    }

    /** Forgets the last minute of all deployments but some. */
    void retain(Set<String> keys) {
        live.keySet().retainAll(keys);
    }

    LiveStatistics live(String project, String name) {
        return live.computeIfAbsent(Gateway.key(project, name), unused -> new LiveStatistics());
    }

    /** Figures of the versions that were called last, at most {@link #MOST_VERSIONS}. */
    List<VersionStatistics> statistics() {
        return statistics.entrySet().stream()
                .map(one -> new VersionStatistics(
                        one.getKey().project(),
                        one.getKey().name(),
                        one.getKey().version(),
                        one.getValue().snapshot()))
                .sorted(Comparator.comparing(VersionStatistics::project)
                        .thenComparing(VersionStatistics::name)
                        .thenComparing(VersionStatistics::version))
                .toList();
    }

    /** One at a time, so that no more are dropped than there are too many. */
    private synchronized ModelStatistics firstCalled(Version version) {
        ModelStatistics figures = statistics.computeIfAbsent(version, unused -> new ModelStatistics(clock.millis()));
        while (statistics.size() > MOST_VERSIONS) {
            statistics.entrySet().stream()
                    .filter(one -> one.getValue() != figures)
                    .min(Comparator.comparingLong(one -> one.getValue().calledAt()))
                    .ifPresent(oldest -> statistics.remove(oldest.getKey()));
        }
        return figures;
    }

    List<PayloadLog.Figures> payloadFigures() {
        return payloads.figures();
    }

    /** A call that begins. */
    Call begin(String project, String name, InferenceRequest request) {
        return new Call(project, name, request);
    }

    /** A call that ends with one of its methods. */
    final class Call {
        private final String project;
        private final String name;
        private final InferenceRequest request;
        private final long started = System.nanoTime();
        private final boolean logged = payloads.samples();

        private Call(String project, String name, InferenceRequest request) {
            this.project = project;
            this.name = name;
            this.request = request;
        }

        void answered(ServedVersion version, Route route, Calls.Outcome outcome, long computedNanos) {
            long took = System.nanoTime() - started;
            figures(version).succeeded(took, computedNanos, request.rows(), outcome.executed(), clock.millis());
            log(version, route, outcome.outputs(), Optional.empty());
            if (route.isPlanned()) {
                live(project, name).record(took, false);
            }
        }

        void failed(ServedVersion version, Route route, Optional<String> error) {
            long took = System.nanoTime() - started;
            figures(version).failed(took, clock.millis());
            if (error.isPresent()) {
                log(version, route, List.of(), error);
            }
            if (route.isPlanned()) {
                live(project, name).record(took, true);
            }
        }

        private ModelStatistics figures(ServedVersion version) {
            var called = new Version(project, name, version.version());
            ModelStatistics known = statistics.get(called);
            return known != null ? known : firstCalled(called);
        }

        private void log(ServedVersion version, Route route, List<Tensor> outputs, Optional<String> error) {
            if (logged) {
                payloads.add(new Payload(
                        project,
                        name,
                        version,
                        route,
                        clock.instant(),
                        System.nanoTime() - started,
                        request,
                        outputs,
                        error));
            }
        }
    }
}
