package dev.tidemill.platform.http;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.json.Body;
import dev.tidemill.platform.json.Json;
import dev.tidemill.platform.json.JsonWeight;
import dev.tidemill.platform.load.BytesInFlight.Reservation;
import io.javalin.http.Context;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Bodies of requests: read before the endpoint is called, unpacked as their headers say, and counted in the budget of bytes in
 * flight with what they will parse to.
 */
public final class RequestBody {
    /** Bytes that a packed body may unfold to. */
    public static final int MOST_UNPACKED = 64 * 1024 * 1024;

    private static final int PART = 64 * 1024;

    /** Up to so many bytes the most that JSON can parse to is reckoned with, since counting would cost more. */
    private static final int UNCOUNTED = 4 * 1024;

    private static final int MOST_PER_BYTE = 40;
    /** Nested messages of spans hold a map of attributes for a few bytes each. */
    private static final int PROTOBUF_PER_BYTE = 12;
    /** A tensor and what a runtime makes of it. */
    private static final int TENSOR_PER_BYTE = 2;

    private static final String PARSED = "parsed body";
    private static final String HEADER_LENGTH = "Inference-Header-Content-Length";

    private RequestBody() {}

    /** A request's body, unpacked; empty if it has none. */
    public static byte[] read(Context context) {
        byte[] body = context.attribute(RequestReader.BODY);
        return body == null ? new byte[0] : body;
    }

    /**
     * The JSON object that a request's body is, with no other fields than the route says.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} if it is not one JSON object
     */
    public static Body object(Context context) {
        return sentObject(context).orElseGet(() -> Body.of(read(context)));
    }

    /**
     * The JSON object that a request's body is; one without fields if the request has no body or a blank one.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} if it is something else
     */
    public static Body optionalObject(Context context) {
        return sentObject(context).orElseGet(() -> new Body(Json.object()));
    }

    /**
     * The JSON object that a request's body is, parsed once; empty if the request has no body or a blank one.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} if it is something else
     */
    static Optional<Body> sentObject(Context context) {
        Body parsed = context.attribute(PARSED);
        if (parsed != null) {
            return Optional.of(parsed);
        }
        byte[] body = read(context);
        for (byte each : body) {
            if (each != ' ' && each != '\t' && each != '\r' && each != '\n') {
                Body object = Body.of(body);
                context.attribute(PARSED, object);
                return Optional.of(object);
            }
        }
        return Optional.empty();
    }

    /**
     * The body of a route whose bodies are streamed, unpacked as it comes. How much it unfolds to is for the reader to bound.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} now or while it is read, if it is not packed as its header says
     */
    public static InputStream stream(Context context) throws IOException {
        InputStream sent = context.req().getInputStream();
        Optional<String> encoding = encoding(context);
        return encoding.isEmpty() ? sent : new UnpackedStream(encoding.get(), sent);
    }

    /**
     * Unpacks the body and takes from the budget what it will parse to.
     *
     * @throws TidemillException {@code INVALID_ARGUMENT} if it is not packed as its header says, {@code TOO_LARGE} if it
     *     unfolds to more than is taken, {@code UNAVAILABLE} if the budget is spent
     */
    static void prepare(Context context, BodyRule rule, Reservation reservation) {
        byte[] sent = context.attribute(RequestReader.BODY);
        if (sent == null || sent.length == 0) {
            return;
        }
        Optional<String> encoding = encoding(context);
        byte[] body = sent;
        if (encoding.isPresent()) {
            body = unpacked(sent, encoding.get(), reservation);
            context.attribute(RequestReader.BODY, body);
        }
        reservation.take(weight(body, context, rule));
    }

    /** How the body is packed; empty if it is not. */
    private static Optional<String> encoding(Context context) {
        return Optional.ofNullable(context.header("Content-Encoding"))
                .map(String::strip)
                .filter(encoding -> !encoding.isEmpty() && !encoding.equalsIgnoreCase("identity"));
    }

    private static long weight(byte[] body, Context context, BodyRule rule) {
        if (body.length <= UNCOUNTED) {
            return (long) body.length * MOST_PER_BYTE;
        }
        int json = rule.tensors() ? jsonLength(context.header(HEADER_LENGTH), body.length) : body.length;
        long weight = JsonWeight.of(body, json) + (long) (body.length - json) * TENSOR_PER_BYTE;
        String type = context.contentType();
        return type != null && type.contains("protobuf")
                ? Math.max(weight, (long) body.length * PROTOBUF_PER_BYTE)
                : weight;
    }

    /** What the endpoint will refuse counts as JSON. */
    private static int jsonLength(@Nullable String header, int length) {
        return header != null && header.matches("\\d{1,9}") ? Math.min(length, Integer.parseInt(header)) : length;
    }

    private static byte[] unpacked(byte[] sent, String encoding, Reservation reservation) {
        byte[] body = {};
        int size = 0;
        try (InputStream stream = new UnpackedStream(encoding, new ByteArrayInputStream(sent))) {
            while (true) {
                if (size == body.length) {
                    int length = Math.max(PART, Math.min(2 * size, MOST_UNPACKED + 1));
                    reservation.take(length);
                    body = Arrays.copyOf(body, length);
                    reservation.give(size);
                }
                int more = stream.read(body, size, body.length - size);
                if (more < 0) {
                    return Arrays.copyOf(body, size);
                }
                size += more;
                if (size > MOST_UNPACKED) {
                    throw new TidemillException(
                            ErrorCode.TOO_LARGE, "The body unfolds to more than " + MOST_UNPACKED + " bytes");
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
