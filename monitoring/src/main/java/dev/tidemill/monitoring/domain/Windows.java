package dev.tidemill.monitoring.domain;

import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.registry.domain.ModelVersion;
import dev.tidemill.statistics.FalseDiscoveryRate;
import dev.tidemill.statistics.ProfileMaps;
import dev.tidemill.statistics.WindowProfile;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns a window's journal into what it has shown: error, profile, drift. Thread-safe. */
public final class Windows {
    private static final Logger LOG = LoggerFactory.getLogger(Windows.class);
    private static final String PROFILE = "tidemill/reference-profile.json";

    private final BlobStore blobs;
    private final Function<byte[], Map<?, ?>> parser;

    /** @param parser reads a stored profile into plain maps */
    public Windows(BlobStore blobs, Function<byte[], Map<?, ?>> parser) {
        this.blobs = blobs;
        this.parser = parser;
    }

    /**
     * The reference profile that travels with a model version.
     *
     * @throws TidemillException {@code FAILED_PRECONDITION} if it cannot be read
     */
    public Optional<WindowProfile> reference(ModelVersion version) {
        return Folder.load(blobs, version.requireFolder()).file(PROFILE).map(blob -> {
            try {
                return ProfileMaps.fromMap(parser.apply(blobs.read(blob.digest())));
            } catch (IllegalStateException | IllegalArgumentException | ClassCastException e) {
                throw new TidemillException(
                                ErrorCode.FAILED_PRECONDITION,
                                "The reference profile of version " + version.version() + " of '" + version.model()
                                        + "' cannot be read: " + e.getMessage())
                        .remedy("Roll back to another version, or register this one again")
                        .causedBy(e);
            }
        });
    }

    /** As {@link #reference}; empty where it cannot be read, of a version that serves no more and whose fault nobody has to mend. */
    Optional<WindowProfile> readableReference(ModelVersion version) {
        try {
            return reference(version);
        } catch (TidemillException e) {
            LOG.debug("Windows of version {} of '{}' show no drift", version.version(), version.model(), e);
            return Optional.empty();
        }
    }

    /**
     * Sums up a window.
     *
     * @param slices all of the window's, counted by the reference of this version
     * @param version champion when the window began
     * @param baseline the reference profile of the version
     * @param reference the error that the window is held against
     */
    ClosedWindow close(
            Instant from,
            Instant until,
            List<Slice> slices,
            int version,
            Optional<WindowProfile> baseline,
            Optional<Double> reference,
            Monitor monitor,
            Optional<Policy.Retrain> policy) {
        long rows = slices.stream().mapToLong(Slice::rows).sum();
        long labelled = slices.stream().mapToLong(Slice::labelled).sum();
        double loss = 0;
        for (Slice slice : slices) {
            loss += slice.loss();
        }
        boolean covered = labelled > 0 && labelled >= monitor.coverage() * rows;
        // What another version answered before or as a challenger may be scored otherwise.
        boolean alike = slices.stream()
                        .flatMap(slice -> slice.kinds().stream())
                        .distinct()
                        .count()
                <= 1;
        Optional<Double> error = covered && alike ? Optional.of(loss / labelled) : Optional.empty();
        boolean degraded = error.isPresent()
                && reference.isPresent()
                && error.get()
                        > reference.get()
                                * (1 + policy.map(Policy.Retrain::tolerance).orElse(0.15));
        Optional<WindowProfile> profile = baseline.map(before -> profile(before, slices));
        List<ColumnFault> faults =
                profile.map(now -> faults(baseline.orElseThrow(), now, monitor)).orElse(List.of());
        return new ClosedWindow(
                from,
                until,
                version,
                rows,
                labelled,
                error,
                reference,
                degraded,
                !faults.isEmpty(),
                faults,
                profile.map(now -> drift(baseline.orElseThrow(), now)).orElse(Map.of()),
                profile.map(ProfileMaps::toMap).orElse(Map.of()));
    }

    private static WindowProfile profile(WindowProfile reference, List<Slice> slices) {
        var profile = new WindowProfile(reference.bins());
        for (Slice slice : slices) {
            profile.merge(WindowProfile.of(reference.bins(), slice.counts(), slice.rows()));
        }
        return profile;
    }

    private static List<ColumnFault> faults(WindowProfile reference, WindowProfile now, Monitor monitor) {
        if (now.rows() == 0) {
            return List.of();
        }
        return now.bins().keySet().stream()
                .map(column -> new ColumnFault(column, missing(now, column), missing(reference, column)))
                .filter(fault -> fault.rise() > monitor.missingRise())
                .sorted(Comparator.comparingDouble(ColumnFault::rise).reversed().thenComparing(ColumnFault::column))
                .toList();
    }

    private static double missing(WindowProfile profile, String column) {
        return profile.rows() == 0 ? 0 : (double) profile.counts(column)[0] / profile.rows();
    }

    private static Map<String, Object> drift(WindowProfile reference, WindowProfile now) {
        Map<String, WindowProfile.ColumnDrift> columns = now.driftFrom(reference);
        double[] adjusted = FalseDiscoveryRate.adjust(columns.values().stream()
                .mapToDouble(WindowProfile.ColumnDrift::pValue)
                .toArray());
        var drift = new LinkedHashMap<String, Object>();
        int i = 0;
        for (var entry : columns.entrySet()) {
            WindowProfile.ColumnDrift column = entry.getValue();
            var facts = new LinkedHashMap<String, Object>();
            facts.put("test", column.test());
            facts.put("effect", column.effect());
            facts.put("pValue", column.pValue());
            facts.put("adjustedPValue", adjusted[i]);
            column.populationStabilityIndex().ifPresent(index -> facts.put("populationStabilityIndex", index));
            // Significance grows with the number of rows; what matters must also be large.
            facts.put("drifted", adjusted[i] < 0.01 && column.effect() >= 0.1);
            drift.put(entry.getKey(), facts);
            i++;
        }
        return drift;
    }
}
