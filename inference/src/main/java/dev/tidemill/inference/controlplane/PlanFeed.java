package dev.tidemill.inference.controlplane;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemill.inference.api.PlaneJson;
import dev.tidemill.inference.domain.Gateway;
import dev.tidemill.inference.domain.PlanSnapshot;
import dev.tidemill.platform.config.DurableFile;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.threads.Loop;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a gateway at the control plane's newest snapshot. The last one is kept in a file, so that a gateway which restarts
 * while the control plane is away serves what it served before.
 */
public final class PlanFeed implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PlanFeed.class);
    private static final Duration WAIT = Duration.ofSeconds(20);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    private final ControlPlane control;
    private final Gateway gateway;
    private final Path file;
    private final Loop loop = new Loop("plan-feed", PAUSE, this::follow);
    /** Version of the snapshot that is served, and the pause after one of which something is absent; of the loop alone. */
    private String known = "";

    private Duration pause = PAUSE;
    private volatile boolean ready;

    /** @param file where the last snapshot is kept */
    public PlanFeed(ControlPlane control, Gateway gateway, Path file) {
        this.control = control;
        this.gateway = gateway;
        this.file = file;
    }

    /** Serves the kept snapshot, if there is one, and follows the control plane from then on. */
    public void start() {
        try {
            if (Files.exists(file)) {
                gateway.replaceAll(PlaneJson.snapshot(Json.parseOwnObject(Files.readAllBytes(file))));
                ready = true;
            }
        } catch (IOException | RuntimeException e) {
            LOG.warn("The last snapshot in {} cannot be served: {}", file, e.toString());
        }
        loop.start();
    }

    public Loop loop() {
        return loop;
    }

    /** Whether a snapshot is served. */
    public boolean isReady() {
        return ready;
    }

    private void follow() throws InterruptedException {
        JsonNode answer = control.plans(known, WAIT);
        PlanSnapshot snapshot = PlaneJson.snapshot(answer);
        if (!snapshot.version().equals(known)) {
            int absent = gateway.replaceAll(snapshot).size();
            save(answer);
            LOG.info(
                    "Serving {} of {} plans of the control plane",
                    snapshot.plans().size() - absent,
                    snapshot.plans().size());
            ready = true;
            if (absent > 0) {
                // Asked for again, they are tried again; what is served already costs nothing.
                known = "";
                Thread.sleep(pause);
                pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
                return;
            }
            known = snapshot.version();
            pause = PAUSE;
        }
        ready = true;
    }

    private void save(JsonNode answer) {
        try {
            DurableFile.write(file, Json.write(answer));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        loop.close();
    }
}
