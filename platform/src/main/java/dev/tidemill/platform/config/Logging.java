package dev.tidemill.platform.config;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

/** Structured logs on standard error, each line with the id of the request that caused it. */
public final class Logging {
    private static final String PATTERN = "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level %logger{0} %X{request:-} %msg%n";

    private Logging() {}

    /** Until the settings are known: text on standard error, as {@link #configure} sets up by default. */
    public static void begin() {
        configure(Setting.LOG_FORMAT.defaultValue(), Setting.LOG_LEVEL.defaultValue());
    }

    /** For a command that says itself what went wrong: no logs. */
    public static void quiet() {
        begin();
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).setLevel(Level.OFF);
        context.getLogger("dev.tidemill").setLevel(Level.OFF);
    }

    public static void configure(Settings settings) {
        configure(settings.text(Setting.LOG_FORMAT), settings.text(Setting.LOG_LEVEL));
    }

    private static void configure(String format, String level) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        var appender = new ConsoleAppender<ILoggingEvent>();
        appender.setContext(context);
        appender.setTarget("System.err");
        appender.setEncoder(encoder(context, format));
        appender.start();
        Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.addAppender(appender);
        root.setLevel(Level.WARN);
        context.getLogger("dev.tidemill").setLevel(Level.toLevel(level, Level.INFO));
        // What a caller does wrong on the wire is told to the caller: a line of the log for each would let anybody fill
        // it.
        context.getLogger("io.grpc").setLevel(Level.ERROR);
        SLF4JBridgeHandler.removeHandlersForRootLogger();
        SLF4JBridgeHandler.install();
    }

    private static Encoder<ILoggingEvent> encoder(LoggerContext context, String format) {
        if (format.equalsIgnoreCase("json")) {
            var encoder = new JsonEncoder();
            encoder.setContext(context);
            encoder.start();
            return encoder;
        }
        var encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern(PATTERN);
        encoder.start();
        return encoder;
    }
}
