package dev.tidemill.monitoring.domain;

import java.time.Instant;
import java.util.Optional;

/**
 * How far the watching of a deployment has come.
 *
 * @param origin event time from which ticks and windows are counted: midnight before the first prediction
 * @param watermark event time before which all data has arrived
 * @param declared whether the sender of the data tells the watermark itself
 * @param processed the newest tick that has been decided
 * @param windowsTill end of the newest window that was closed
 * @param pendingRun the retraining that later ticks wait for
 * @param trainedTill event time up to which the newest training has seen labels
 */
public record MonitorState(
        String project,
        String deployment,
        Instant origin,
        Instant watermark,
        boolean declared,
        Instant processed,
        Instant windowsTill,
        Optional<String> pendingRun,
        Optional<Instant> trainedTill) {
    MonitorState withProcessed(Instant tick) {
        return new MonitorState(
                project, deployment, origin, watermark, declared, tick, windowsTill, pendingRun, trainedTill);
    }

    MonitorState withWindowsTill(Instant end) {
        return new MonitorState(
                project, deployment, origin, watermark, declared, processed, end, pendingRun, trainedTill);
    }

    MonitorState withPendingRun(Optional<String> run) {
        return new MonitorState(
                project, deployment, origin, watermark, declared, processed, windowsTill, run, trainedTill);
    }

    MonitorState withTrainedTill(Instant time) {
        return new MonitorState(
                project,
                deployment,
                origin,
                watermark,
                declared,
                processed,
                windowsTill,
                pendingRun,
                Optional.of(time));
    }
}
