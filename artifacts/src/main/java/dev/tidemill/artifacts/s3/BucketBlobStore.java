package dev.tidemill.artifacts.s3;

import dev.tidemill.artifacts.domain.BlobCache;
import dev.tidemill.artifacts.domain.CachedBlobs.Staged;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.PrimaryBlobs;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.sql.UnitOfWork;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * Blobs as objects {@code blobs/ab/cdef...} of a bucket, with copies on this disk. Several stores, of one process or of many, may have
 * one bucket: what {@link #put} returned and somebody names is never lost, whoever collects at that time.
 *
 * <p>A bucket moves nothing in one step, and deletes whatever is there. So who stores a blob first leaves a mark, an object
 * {@code renewed/DIGEST/ID}, and then looks whether the blob is there; who sets one aside copies it to {@code aside/DIGEST/OWNER},
 * deletes it, and then looks for marks. Either the one sees that the blob is gone, and stores it anew, or the other sees the mark, and
 * brings it back. Nobody but its owner removes a copy that is aside, until it is so old that its owner must have ended.
 */
public final class BucketBlobStore implements PrimaryBlobs {
    private static final String BLOBS = "blobs/";
    private static final String ASIDE = "aside/";
    private static final String RENEWED = "renewed/";

    /** Whoever has set something aside, or stored something, has gone on or ended after this time. */
    private static final Duration FORGOTTEN = Duration.ofDays(2);

    /** Between a copy that was put aside and the deletion; after it somebody may have taken this store for ended. */
    private static final Duration PROMPT = Duration.ofHours(1);

    /** Times of objects are whole seconds. */
    private static final Duration TICK = Duration.ofSeconds(1);

    private static final int LOOKS_AT_ONCE = 16;

    private final BucketObjects objects;
    private final BlobCache cache;
    private final BucketOwner owner;
    private final String self;
    private final Clock clock;
    private final DigestTurns turns = new DigestTurns();
    private volatile Optional<Former> former = Optional.empty();

    /** Blobs that are being brought into the bucket, and which of them may be read where they are. */
    private record Former(PrimaryBlobs blobs, Predicate<Digest> usable) {
        Optional<Blob> find(Digest digest) {
            return usable.test(digest) ? blobs.find(digest) : Optional.empty();
        }
    }

    /**
     * A store whose client is made of what the environment says.
     *
     * @param place {@code s3://bucket/prefix}
     * @param environment where endpoint and region are found
     * @param database what tells the database, whose rows name the blobs, from every other one
     * @param self what tells this process from all others that may set blobs aside; the same after a restart
     */
    public static BucketBlobStore of(
            String place,
            Map<String, String> environment,
            BlobCache cache,
            Supplier<String> database,
            String self,
            Clock clock) {
        return new BucketBlobStore(new LazyClient(environment), place, cache, database, self, clock);
    }

    /** As {@link #of}, with a client that is asked for at its first use. */
    public BucketBlobStore(
            Supplier<S3Client> client,
            String place,
            BlobCache cache,
            Supplier<String> database,
            String self,
            Clock clock) {
        this.objects = new BucketObjects(client, BucketPlace.parse(place), BucketObjects.LARGE, clock);
        this.cache = cache;
        this.owner = new BucketOwner(objects, database, clock);
        this.self = self;
        this.clock = clock;
    }

    /**
     * Asks the bucket whether it is there and this database's.
     *
     * @throws TidemillException {@code UNAVAILABLE} if it does not answer, {@code FAILED_PRECONDITION} if it is another database's
     */
    public void check() {
        owner.look();
    }

    /**
     * Blobs that were kept on this disk before there was a bucket, and are being brought into it: they are read from there until they
     * are in the bucket, and none is collected.
     *
     * @param usable tells of a blob whether it may be read from there; any other is as one that is not there
     */
    public void readAlso(PrimaryBlobs kept, Predicate<Digest> usable) {
        former = Optional.of(new Former(kept, usable));
    }

    /** Ends {@link #readAlso}: all that can be brought into the bucket is there. */
    public void readNoOther() {
        former = Optional.empty();
    }

    private Optional<Blob> inFormer(Digest digest) {
        return former.flatMap(kept -> kept.find(digest));
    }

    /** @throws TidemillException {@code FAILED_PRECONDITION} if anything is in this part of the bucket: it names some of it */
    public void requireEmpty() {
        objects.requireEmpty();
    }

    /** Removes everything in this part of the bucket, and all copies. */
    public void clear() {
        objects.list(
                "",
                page -> objects.delete(
                        page.stream().map(BucketObjects.Listed::name).toList()));
    }

    /** Whether the bucket has answered, but is not there or not for this server to use. */
    public boolean isRefused(TidemillException failure) {
        return Reachability.isRefused(failure.getCause());
    }

    /** Since when the bucket has not answered; empty if it does. */
    public Optional<Instant> awaySince() {
        return objects.reachability().awaySince();
    }

    /** Bytes of the copies on this disk. */
    public long cachedBytes() {
        return cache.bytes();
    }

    @Override
    public Blob put(InputStream content, long limit) throws IOException {
        objects.reachability().require();
        owner.require();
        try (Staged staged = cache.stage(content, limit)) {
            return send(staged);
        }
    }

    private Blob send(Staged staged) throws IOException {
        Blob blob = staged.blob();
        return turns.take(blob.digest(), () -> {
            // In this order: see above.
            objects.put(RENEWED + blob.digest() + "/" + Ids.next(), "");
            boolean there = objects.find(name(blob.digest()))
                    .filter(known -> known.size() == blob.size())
                    .isPresent();
            if (!there) {
                objects.put(
                        name(blob.digest()),
                        staged.file(),
                        blob.size(),
                        blob.digest().value());
            }
            cache.keep(staged).close();
            return blob;
        });
    }

    /**
     * As {@link #put(InputStream, long)}, of a blob that was kept elsewhere; sends nothing if the content is another's.
     *
     * @return the digest of the content
     */
    public Digest bringIn(Digest digest, InputStream content) throws IOException {
        objects.reachability().require();
        owner.require();
        try (Staged staged = cache.stage(content, Long.MAX_VALUE)) {
            Digest found = staged.blob().digest();
            if (found.equals(digest)) {
                send(staged);
            }
            return found;
        }
    }

    @Override
    public Blob put(byte[] content) {
        try {
            return put(new ByteArrayInputStream(content), Long.MAX_VALUE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Optional<Blob> find(Digest digest) {
        Optional<Blob> kept = inFormer(digest);
        if (kept.isPresent()) {
            return kept;
        }
        try {
            return stored(digest);
        } catch (TidemillException e) {
            OptionalLong copied = cache.size(digest);
            if (e.code() == ErrorCode.UNAVAILABLE && copied.isPresent()) {
                return Optional.of(new Blob(digest, copied.getAsLong()));
            }
            throw e;
        }
    }

    private Optional<Blob> stored(Digest digest) {
        return objects.find(name(digest)).map(known -> new Blob(digest, known.size()));
    }

    @Override
    public Set<Digest> absent(Set<Digest> digests) {
        assert !UnitOfWork.isUnderWay() : "a bucket is asked within a unit of work";
        objects.reachability().require();
        var turn = new Semaphore(LOOKS_AT_ONCE);
        try (var looks = Executors.newVirtualThreadPerTaskExecutor()) {
            Map<Digest, Future<Boolean>> asked = digests.stream()
                    .filter(digest -> inFormer(digest).isEmpty())
                    .collect(Collectors.toMap(
                            digest -> digest,
                            digest -> looks.submit(() -> {
                                turn.acquire();
                                try {
                                    return stored(digest).isEmpty();
                                } finally {
                                    turn.release();
                                }
                            })));
            return asked.entrySet().stream()
                    .filter(one -> answer(one.getValue()))
                    .map(Map.Entry::getKey)
                    .collect(Collectors.toSet());
        }
    }

    private static boolean answer(Future<Boolean> asked) {
        try {
            return asked.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TidemillException(ErrorCode.CANCELLED, "Interrupted").causedBy(e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException refusal) {
                throw refusal;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    @Override
    public InputStream open(Digest digest) {
        return use(digest).stream();
    }

    @Override
    public InputStream openOnce(Digest digest) {
        Optional<BlobCache.Use> copy = cache.use(digest);
        if (copy.isPresent()) {
            return copy.get().stream();
        }
        return new VerifiedStream(content(digest), digest, objects.place());
    }

    private InputStream content(Digest digest) {
        Optional<Former> kept = former.filter(one -> one.usable().test(digest));
        if (kept.isPresent()) {
            try {
                return kept.get().blobs().open(digest);
            } catch (TidemillException e) {
                // It is in the bucket by now.
                if (e.code() != ErrorCode.NOT_FOUND) {
                    throw e;
                }
            }
        }
        return objects.open(name(digest)).orElseThrow(() -> TidemillException.notFound("blob", digest));
    }

    @Override
    public Path localFile(Digest digest) {
        try (BlobCache.Use use = use(digest)) {
            return use.file();
        }
    }

    private BlobCache.Use use(Digest digest) {
        try {
            Optional<BlobCache.Use> copy = cache.use(digest);
            return copy.isPresent()
                    ? copy.get()
                    : turns.take(digest, () -> {
                        Optional<BlobCache.Use> fetched = cache.use(digest);
                        return fetched.isPresent() ? fetched.get() : fetch(digest);
                    });
        } catch (IOException e) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE,
                            "Blob " + digest + " did not come whole from " + objects.place() + ": " + e.getMessage())
                    .causedBy(e);
        }
    }

    private BlobCache.Use fetch(Digest digest) throws IOException {
        try (InputStream content = content(digest);
                Staged staged = cache.stage(content, Long.MAX_VALUE)) {
            if (!staged.blob().digest().equals(digest)) {
                throw VerifiedStream.damaged(digest, staged.blob().digest(), objects.place());
            }
            return cache.keep(staged);
        }
    }

    @Override
    public List<Digest> beginningWith(int first) {
        String folder = HexFormat.of().toHexDigits((byte) first);
        var digests = new LinkedHashSet<Digest>();
        former.ifPresent(kept -> digests.addAll(readable(kept.blobs(), first)));
        objects.list(
                BLOBS + folder + "/",
                page -> page.forEach(object -> {
                    String digest = folder + object.name().substring(BLOBS.length() + folder.length() + 1);
                    if (Digest.is(digest)) {
                        digests.add(new Digest(digest));
                    }
                }));
        return List.copyOf(digests);
    }

    /** What cannot be read is none of the blobs until it can be brought into the bucket. */
    private static List<Digest> readable(PrimaryBlobs blobs, int first) {
        try {
            return blobs.beginningWith(first);
        } catch (UncheckedIOException | DirectoryIteratorException e) {
            return List.of();
        }
    }

    @Override
    public void bringAllBack() {
        owner.require();
        Instant old = clock.instant().minus(FORGOTTEN);
        objects.list(
                ASIDE,
                page -> page.forEach(object -> {
                    Optional<Aside> aside = Aside.parse(object.name());
                    if (aside.isPresent()) {
                        restore(aside.get());
                        if (aside.get().owner().equals(self)
                                || object.modified().isBefore(old)) {
                            objects.delete(object.name());
                        }
                    }
                }));
    }

    /** The marks of those who have long gone on. */
    @Override
    public void tidy() {
        Instant old = clock.instant().minus(FORGOTTEN);
        objects.list(
                RENEWED,
                page -> objects.delete(page.stream()
                        .filter(mark -> mark.modified().isBefore(old))
                        .map(BucketObjects.Listed::name)
                        .toList()));
    }

    @Override
    public boolean setAside(Digest digest, Instant before) {
        owner.require();
        if (inFormer(digest).isPresent()) {
            return false;
        }
        Optional<BucketObjects.Known> known = objects.find(name(digest));
        if (known.isEmpty()) {
            cache.remove(digest);
            return true;
        }
        if (isAfter(known.get().modified(), before) || isRenewed(digest, before)) {
            return false;
        }
        var aside = new Aside(digest, self);
        Instant begun = clock.instant();
        if (!objects.copy(name(digest), aside.name())) {
            return true;
        }
        if (clock.instant().isAfter(begun.plus(PROMPT))) {
            objects.delete(aside.name());
            return false;
        }
        objects.delete(name(digest));
        cache.remove(digest);
        if (isRenewed(digest, before)) {
            bringBack(digest);
            return false;
        }
        return true;
    }

    private boolean isRenewed(Digest digest, Instant before) {
        var marks = new ArrayList<BucketObjects.Listed>();
        objects.list(
                RENEWED + digest + "/",
                page -> page.stream()
                        .filter(mark -> isAfter(mark.modified(), before))
                        .forEach(marks::add));
        return !marks.isEmpty();
    }

    private static boolean isAfter(Instant modified, Instant before) {
        return modified.plus(TICK).isAfter(before);
    }

    @Override
    public void bringBack(Digest digest) {
        var aside = new Aside(digest, self);
        restore(aside);
        objects.delete(aside.name());
    }

    /** Puts back what is aside, unless it was stored anew. */
    private void restore(Aside aside) {
        if (objects.find(name(aside.digest())).isEmpty()) {
            objects.copy(aside.name(), name(aside.digest()));
        }
    }

    /** Whoever has set it aside; and if it is just being brought back, from its place. */
    @Override
    public Optional<InputStream> openAside(Digest digest) {
        var names = new ArrayList<String>();
        objects.list(ASIDE + digest + "/", page -> page.forEach(object -> names.add(object.name())));
        names.add(name(digest));
        return names.stream().flatMap(name -> objects.open(name).stream()).findFirst();
    }

    @Override
    public void removeAside(Digest digest) {
        objects.delete(new Aside(digest, self).name());
    }

    private static String name(Digest digest) {
        return BLOBS + digest.value().substring(0, 2) + "/" + digest.value().substring(2);
    }

    private record Aside(Digest digest, String owner) {
        static Optional<Aside> parse(String name) {
            String[] parts = name.substring(ASIDE.length()).split("/", -1);
            return parts.length == 2 && Digest.is(parts[0])
                    ? Optional.of(new Aside(new Digest(parts[0]), parts[1]))
                    : Optional.empty();
        }

        String name() {
            return ASIDE + digest + "/" + owner;
        }
    }
}
