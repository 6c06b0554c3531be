package dev.tidemill.platform.telemetry;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Metrics for Prometheus and traces for OpenTelemetry. Thread-safe. */
public final class Telemetry implements AutoCloseable {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final List<Supplier<String>> texts = new CopyOnWriteArrayList<>();
    private final List<Supplier<Number>> counts = new CopyOnWriteArrayList<>();
    private final ConcurrentMap<String, Timer> requestTimers = new ConcurrentHashMap<>();
    private final @Nullable OpenTelemetrySdk sdk;
    private final Tracer tracer;

    /** @param traceEndpoint where to send spans (OTLP over HTTP); none records nothing */
    public Telemetry(Optional<String> traceEndpoint) {
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
        gcMetrics().bindTo(registry);
        sdk = traceEndpoint.map(Telemetry::exportTo).orElse(null);
        OpenTelemetry openTelemetry = sdk == null ? OpenTelemetry.noop() : sdk;
        tracer = openTelemetry.getTracer("dev.tidemill");
    }

    @SuppressWarnings("resource") // lives as long as the process
    private static JvmGcMetrics gcMetrics() {
        return new JvmGcMetrics();
    }

    private static OpenTelemetrySdk exportTo(String endpoint) {
        var exporter = OtlpHttpSpanExporter.builder().setEndpoint(endpoint).build();
        var resource = Resource.getDefault()
                .merge(Resource.create(
                        Attributes.builder().put("service.name", "tidemill").build()));
        return OpenTelemetrySdk.builder()
                .setTracerProvider(SdkTracerProvider.builder()
                        .setResource(resource)
                        .addSpanProcessor(BatchSpanProcessor.builder(exporter).build())
                        .build())
                .build();
    }

    public MeterRegistry registry() {
        return registry;
    }

    /** Everything measured, in Prometheus' text format. */
    public String scrape() {
        var text = new StringBuilder(registry.scrape());
        texts.forEach(more -> text.append(more.get()));
        return text.toString();
    }

    /** Publishes figures that are kept elsewhere: text in Prometheus' format, made when somebody asks. */
    public void publish(Supplier<String> text) {
        texts.add(text);
    }

    public void requestServed(String route, int status, long nanos) {
        requestTimers
                .computeIfAbsent(
                        route + " " + status,
                        key -> Timer.builder("tidemill.http.requests")
                                .description("Time to answer a request")
                                .tag("route", route)
                                .tag("status", Integer.toString(status))
                                .publishPercentiles(0.5, 0.99)
                                .register(registry))
                .record(nanos, TimeUnit.NANOSECONDS);
    }

    /** Starts the span of a request, as a child of the caller's where it sent a W3C {@code traceparent}. */
    public RequestSpan startRequest(String route, @Nullable String traceparent) {
        if (sdk == null) {
            return RequestSpan.NONE;
        }
        Context parent = traceparent == null
                ? Context.root()
                : W3CTraceContextPropagator.getInstance().extract(Context.root(), traceparent, TRACEPARENT);
        Span span = tracer.spanBuilder(route)
                .setParent(parent)
                .setSpanKind(SpanKind.SERVER)
                .startSpan();
        return status -> {
            span.setAttribute("http.response.status_code", status);
            if (status >= 500) {
                span.setStatus(StatusCode.ERROR);
            }
            span.end();
        };
    }

    /** Publishes a number that is read when somebody asks. */
    public void gauge(String name, String description, Supplier<Number> value) {
        Gauge.builder(name, value)
                .description(description)
                .strongReference(true)
                .register(registry);
    }

    /** Publishes a number of one of several things of a kind, told apart by a label. */
    public void gauge(String name, String description, String label, String of, Supplier<Number> value) {
        Gauge.builder(name, value)
                .description(description)
                .tag(label, of)
                .strongReference(true)
                .register(registry);
    }

    /**
     * Publishes a number that a store knows. It is read in the background: who asks waits for it half a second at most, and is told that
     * it is no number where the store does not answer by then.
     */
    public void storedGauge(String name, String description, Supplier<Number> value) {
        gauge(name, description, new StoredNumber(value));
    }

    /** Publishes a count of one of several things of a kind, told apart by a label, which is read when somebody asks. */
    public void counter(String name, String description, String label, String of, Supplier<Number> count) {
        // The registry itself does not keep what it asks from being collected.
        counts.add(count);
        FunctionCounter.builder(name, count, supplier -> supplier.get().doubleValue())
                .description(description)
                .tag(label, of)
                .register(registry);
    }

    @Override
    public void close() {
        if (sdk != null) {
            sdk.close();
        }
    }

    /** A span that waits for its end. */
    @FunctionalInterface
    public interface RequestSpan {
        RequestSpan NONE = status -> {};

        void end(int status);
    }

    private static final TextMapGetter<String> TRACEPARENT = new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(String carrier) {
            return List.of("traceparent");
        }

        @Override
        public @Nullable String get(@Nullable String carrier, String key) {
            return key.equals("traceparent") ? carrier : null;
        }
    };
}
