package dev.tidemill.platform.audit;

import java.time.Instant;

/**
 * Requests that were refused alike within a minute.
 *
 * @param position grows with time
 * @param time of the last of them
 * @param actor who it was, as {@link dev.tidemill.platform.auth.Actor} has it, {@code unknown}, or {@code anonymous} where nobody is asked who they are
 * @param method {@code GRPC} where it was a call of gRPC
 * @param path what the last of them asked for, cut at 1000 characters
 * @param code of the error
 * @param times how many they were
 */
public record StoredRefusal(
        long position,
        Instant time,
        String actor,
        String address,
        String method,
        String path,
        String code,
        long times) {}
