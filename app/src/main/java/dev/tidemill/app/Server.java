package dev.tidemill.app;

import dev.tidemill.platform.auth.Admission;
import dev.tidemill.platform.auth.SqlRefusalJournal;
import dev.tidemill.platform.config.Setting;
import dev.tidemill.platform.config.Settings;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.EventSubscriptions;
import dev.tidemill.platform.http.RouteManifest;
import dev.tidemill.platform.http.StaticFiles;
import dev.tidemill.platform.modules.Module;
import dev.tidemill.platform.modules.ProcessRole;
import dev.tidemill.platform.retention.Chore;
import dev.tidemill.platform.retention.Kept;
import dev.tidemill.platform.threads.Loop;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A process with a database: what it stands on, the modules built on that, and what it asks of each of them. */
public final class Server implements Node {
    private final Parts parts = new Parts();
    private final Settings settings;
    private Optional<String> setupSecret = Optional.empty();
    private RouteManifest manifest = new RouteManifest();
    private Listeners listeners = new Listeners("", "");

    private Server(Settings settings) {
        this.settings = settings;
    }

    /**
     * Starts a server; when this returns it is ready.
     *
     * @throws TidemillException for a setting, directory, database or port that cannot be used; nothing is left open then
     */
    public static Server start(Settings settings) {
        return start(settings, () -> {});
    }

    /**
     * As {@link #start(Settings)}.
     *
     * @param beforeListening done when all but the ports is ready
     */
    static Server start(Settings settings, Runnable beforeListening) {
        var server = new Server(settings);
        try {
            server.assemble(Clock.systemUTC(), beforeListening);
            return server;
        } catch (RuntimeException | Error e) {
            server.close();
            throw e;
        }
    }

    private void assemble(Clock clock, Runnable beforeListening) {
        Set<ProcessRole> roles = Node.roles(settings);
        boolean testing = settings.flag(Setting.TESTING);
        if (testing && !Listeners.isLoopback(settings)) {
            throw TidemillException.invalid(
                    "testing", "--testing opens a route that erases everything; it is for loopback only");
        }
        var on = Foundation.lay(settings, Modules.SCHEMAS, parts, clock);
        var modules = Modules.build(on, parts);
        on.publish();
        modules.all().forEach(module -> module.publish(on.telemetry()));
        modules.all().forEach(Module::prepare);
        var subscriptions = parts.keep(new EventSubscriptions(modules.platform().events(), on.database()));
        modules.all().forEach(module -> module.start(roles));
        List<Kept> kept =
                modules.all().stream().flatMap(module -> module.kept().stream()).toList();
        var loops =
                new ArrayList<Loop>(List.of(on.steps().loop(), on.interactive().loop()));
        modules.all().forEach(module -> loops.addAll(module.loops()));
        if (roles.contains(ProcessRole.CONTROL)) {
            Duration pause = Duration.ofMinutes(settings.whole(Setting.RETENTION_PAUSE));
            var housekeeping = parts.keep(new Housekeeping(chores(modules, kept, clock), pause));
            loops.add(housekeeping.start().loop());
            modules.all().stream()
                    .flatMap(module -> module.subscribers().stream())
                    .forEach(subscriptions::start);
        }
        loops.addAll(subscriptions.loops());
        var refusals = parts.keep(new SqlRefusalJournal(on.database(), clock));
        loops.add(refusals.loop());
        var background = new BackgroundWork(loops, clock);
        background.publish(on.telemetry());
        manifest = answered(on, modules, kept, background, roles);
        if (testing) {
            manifest.add(new TestingRoutes(new Reset(on.database(), modules.all())).routes());
        }
        var admission = new Admission(modules.identity().callers());
        beforeListening.run();
        listeners = Listeners.open(settings, manifest, admission, on.telemetry(), refusals, parts);
        listeners.announce(on.directory().path());
        setupSecret = modules.identity().setupSecret();
    }

    /** What is kept for a time goes first; then, from right to left, what refers to something before what it refers to. */
    private static List<Chore> chores(Modules modules, List<Kept> kept, Clock clock) {
        var chores = new ArrayList<Chore>();
        for (Kept entries : kept) {
            chores.add(new Chore("Old " + entries.name(), () -> {
                long gone = entries.collect(clock.instant());
                return Chore.told(gone > 0, gone + " that are older or more than are kept are gone");
            }));
        }
        chores.add(modules.oldRuns());
        modules.all().reversed().forEach(module -> chores.addAll(module.chores()));
        return chores;
    }

    private RouteManifest answered(
            Foundation on, Modules modules, List<Kept> kept, BackgroundWork background, Set<ProcessRole> roles) {
        var keptMetrics = new KeptMetrics(kept, on.clock());
        keptMetrics.publish(on.telemetry());
        var sizes = new StorageSizes(on.directory().path(), on.database(), on.clock());
        sizes.publish(on.telemetry());
        var backups = new Backups(
                on.database(),
                on.directory().path(),
                modules.artifacts().elsewhere(),
                on.deletions(),
                on.journalFiles(),
                Version.current(),
                on.clock());
        backups.publish(on.telemetry());
        var operations = new OperationsRoutes(
                on.database(),
                on.telemetry(),
                backups,
                sizes,
                Version.current(),
                roles,
                keptMetrics,
                background,
                modules.inference().environments(),
                modules.inference().gateway());
        var all = new RouteManifest();
        // Routes are matched in this order, and nothing is called as often as predictions.
        all.add(modules.inference().routes()).add(StaticFiles.routes()).add(operations.routes());
        for (Module module : modules.all()) {
            if (module != modules.inference()) {
                all.add(module.routes());
            }
            all.addMethods(module.methods());
        }
        return all;
    }

    /** Every route that this server answers. */
    RouteManifest manifest() {
        return manifest;
    }

    @Override
    public String url() {
        return listeners.url();
    }

    @Override
    public String grpcAddress() {
        return listeners.grpc();
    }

    @Override
    public Optional<String> setupSecret() {
        return setupSecret;
    }

    @Override
    public void close() {
        parts.close();
    }
}
