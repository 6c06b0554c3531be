package dev.tidemill.platform.events;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.outbound.Destinations;
import dev.tidemill.platform.outbound.OutboundHttp;
import dev.tidemill.platform.threads.Loop;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends a project's events to addresses that its maintainers gave. Each webhook has a durable cursor of its own, so an
 * event is delivered at least once and in order; the receiver tells repetitions by the event's id. Delivery is retried
 * with growing pauses; after {@value #ATTEMPTS} attempts an event is given up, counted, and the next one tried. A receiver that
 * is slow delays its own webhook alone ({@link WebhookTurns}).
 */
public final class Webhooks implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Webhooks.class);
    private static final int ATTEMPTS = 10;
    private static final int BATCH = 100;
    /** A webhook that takes longer lets others have its place, and waits for its next turn. */
    private static final Duration TURN = Duration.ofSeconds(5);

    private static final String UNREADABLE_SECRET =
            "Its secret was encrypted with another key than this server has. Give the server the key that it was stored with: the"
                    + " file 'secrets.key' of its data directory, or the setting 'secrets.key'; or give the webhook a new secret";
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(10);

    private final WebhookStore store;
    private final EventLog log;
    private final OutboundHttp http;
    private final Destinations destinations;
    private final Clock clock;
    private final WebhookTurns turns;
    private final Map<String, WebhookFormat> formats = new ConcurrentHashMap<>();
    private volatile boolean closed;

    public Webhooks(WebhookStore store, EventLog log, OutboundHttp http, Destinations destinations, Clock clock) {
        this.store = store;
        this.log = log;
        this.http = http;
        this.destinations = destinations;
        this.clock = clock;
        this.formats.put(WebhookFormat.CLOUD_EVENTS, new CloudEventsFormat());
        this.turns = new WebhookTurns(this::waiting, this::serve, log);
    }

    public void start() {
        turns.start();
    }

    /** What gives webhooks their turns. */
    public List<Loop> loops() {
        return turns.loops();
    }

    /** Makes a format known by its name; before any webhook of it is delivered. */
    public void add(String format, WebhookFormat written) {
        formats.put(format, written);
    }

    /** Creates a webhook for events from now on; the returned value is the only time its secret is shown. */
    public Webhook create(String project, String url, List<String> types) {
        return create(
                project, WebhookFormat.CLOUD_EVENTS, new Webhook.Settings("", "", url, Ids.secret(), types, true));
    }

    /** Creates a webhook for events from now on, in a format that has been {@link #add added}. */
    public Webhook create(String project, String format, Webhook.Settings settings) {
        destinations.requireHttp("url", settings.url());
        var webhook = new Webhook(
                Ids.next(),
                project,
                settings.url(),
                settings.secret(),
                settings.types(),
                clock.instant(),
                log.latestPosition(),
                0,
                0,
                0,
                0,
                "",
                settings.name(),
                settings.description(),
                format,
                settings.active(),
                clock.instant(),
                Optional.empty());
        store.insert(webhook);
        return webhook;
    }

    /** @throws TidemillException {@code NOT_FOUND} */
    public Webhook get(String project, String id) {
        return list(project).stream()
                .filter(webhook -> webhook.id().equals(id))
                .findFirst()
                .orElseThrow(() -> TidemillException.notFound("webhook", id));
    }

    public Webhook change(String project, String id, Webhook.Settings settings) {
        destinations.requireHttp("url", settings.url());
        Webhook changed = get(project, id).changed(settings, clock.instant());
        store.change(changed);
        return changed;
    }

    /**
     * Sends one message now, whatever the webhook wants, and gives the receiver's status.
     *
     * @throws TidemillException if the receiver cannot be reached; {@code FAILED_PRECONDITION} if the webhook is broken
     */
    public int send(Webhook webhook, WebhookFormat.Message message) {
        if (whyBroken(webhook).isPresent()) {
            throw broken(webhook);
        }
        return post(webhook, Ids.next(), message);
    }

    public List<Webhook> list(String project) {
        return store.list(project);
    }

    /** How many webhooks cannot be used, of all projects. */
    public int broken() {
        return store.broken();
    }

    public void delete(String project, String id) {
        if (!store.delete(project, id)) {
            throw TidemillException.notFound("webhook", id);
        }
    }

    /** Judges the webhooks that are due, and has those that events wait for served. */
    private List<Webhook> waiting() {
        long latest = log.latestPosition();
        var waiting = new ArrayList<Webhook>();
        for (Webhook webhook : store.due(clock.instant())) {
            try {
                Webhook judged = judged(webhook);
                if (judged.position() < latest
                        && !(judged.active() && judged.broken().isPresent())) {
                    waiting.add(judged);
                }
            } catch (RuntimeException e) {
                LOG.warn("Webhook {} failed; the others go on", webhook.id(), e);
                postpone(webhook, e);
            }
        }
        return waiting;
    }

    /** Takes a turn with a webhook; one that fails is tried again after a pause. */
    private void serve(Webhook webhook) {
        try {
            advance(webhook);
        } catch (RuntimeException e) {
            LOG.warn("Webhook {} failed; the others go on", webhook.id(), e);
            postpone(webhook, e);
        }
    }

    /** What a project's people are told: what is not meant for them, such as a statement of the database, is in the log. */
    private static String told(RuntimeException failure) {
        return failure instanceof TidemillException coded
                ? coded.message()
                : "the server met an error of its own, which its log tells";
    }

    private void postpone(Webhook webhook, RuntimeException failure) {
        try {
            store.update(webhook.failed(clock.millis() + LONGEST_PAUSE.toMillis(), told(failure)));
        } catch (RuntimeException e) {
            LOG.warn("It could not be noted that webhook {} failed", webhook.id(), e);
        }
    }

    /** The webhook with what is known now of whether it can be used. */
    private Webhook judged(Webhook webhook) {
        Optional<String> broken = whyBroken(webhook);
        if (broken.equals(webhook.broken())) {
            return webhook;
        }
        LOG.warn(
                "Webhook {} of project {}: {}", webhook.id(), webhook.project(), broken.orElse("it can be used again"));
        Webhook judged = webhook.broken(broken);
        store.update(judged);
        return judged;
    }

    private Optional<String> whyBroken(Webhook webhook) {
        if (webhook.secret().isEmpty()) {
            return Optional.of(UNREADABLE_SECRET);
        }
        if (!formats.containsKey(webhook.format())) {
            return Optional.of("This server knows no format '" + webhook.format() + "'");
        }
        return Optional.empty();
    }

    /** Delivers what waits for a webhook, in order, until a delivery fails or its turn is over. */
    private void advance(Webhook webhook) {
        long over = System.nanoTime() + TURN.toNanos();
        Webhook current = webhook;
        for (StoredEvent event : log.after(webhook.position(), BATCH)) {
            if (!webhook.active() || !event.event().project().equals(webhook.project())) {
                current = current.movedTo(event.position());
                continue;
            }
            Webhook after = deliver(current, event);
            boolean failed = after.attempts() > current.attempts();
            boolean tried = failed || after.delivered() + after.givenUp() > current.delivered() + current.givenUp();
            current = after;
            if (tried) {
                store.update(current);
            }
            if (failed || closed) {
                return;
            }
            if (System.nanoTime() > over) {
                break;
            }
        }
        if (current.position() > webhook.position()) {
            store.update(current);
        }
    }

    private WebhookFormat format(Webhook webhook) {
        WebhookFormat format = formats.get(webhook.format());
        if (format == null) {
            throw broken(webhook);
        }
        return format;
    }

    private TidemillException broken(Webhook webhook) {
        return new TidemillException(
                ErrorCode.FAILED_PRECONDITION, whyBroken(webhook).orElse("The webhook cannot be used"));
    }

    private int post(Webhook webhook, String delivery, WebhookFormat.Message message) {
        Instant now = clock.instant();
        String signature = sign(webhook.secret(), delivery + "." + now.getEpochSecond() + ".", message.body());
        return http.post(
                URI.create(webhook.url()),
                format(webhook).headers(delivery, now, signature),
                message.contentType(),
                message.body());
    }

    /** Delivers an event, if the webhook wants it. */
    private Webhook deliver(Webhook webhook, StoredEvent event) {
        String failure;
        try {
            Optional<WebhookFormat.Message> message = format(webhook).message(webhook, event);
            if (message.isEmpty()) {
                return webhook.movedTo(event.position());
            }
            int status = post(webhook, event.id(), message.get());
            if (status >= 200 && status < 300) {
                return webhook.delivered(event.position());
            }
            failure = "the receiver answered " + status;
        } catch (TidemillException e) {
            failure = e.message();
        } catch (RuntimeException e) {
            LOG.warn("Event {} could not be sent to webhook {}", event.id(), webhook.id(), e);
            failure = told(e);
        }
        if (webhook.attempts() + 1 >= ATTEMPTS) {
            LOG.warn("Webhook {} gave up event {}: {}", webhook.id(), event.id(), failure);
            return webhook.givenUp(event.position(), failure);
        }
        long pause = Math.min(LONGEST_PAUSE.toMillis(), 1000L << Math.min(ATTEMPTS, webhook.attempts()));
        return webhook.failed(clock.millis() + pause, failure);
    }

    /** HMAC-SHA256 over {@code id.timestamp.body}, as {@code v1,<base64>}. */
    static String sign(String secret, String prefix, byte[] body) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
            mac.update(prefix.getBytes(StandardCharsets.UTF_8));
            return "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body));
        } catch (GeneralSecurityException impossible) {
            throw new AssertionError("every JDK has HmacSHA256", impossible);
        }
    }

    @Override
    public void close() {
        closed = true;
        turns.close();
    }
}
