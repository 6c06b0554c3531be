package dev.tidemill.artifacts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobCollector;
import dev.tidemill.artifacts.domain.BlobReferences;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.CollectableBlobs;
import dev.tidemill.artifacts.domain.Digest;
import dev.tidemill.artifacts.domain.Folder;
import dev.tidemill.artifacts.domain.PrimaryBlobs;
import dev.tidemill.artifacts.domain.UnnamedBlobs;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.store.SqlBlobReferences;
import dev.tidemill.artifacts.store.SqlFileStore;
import dev.tidemill.artifacts.store.SqlProjectBlobs;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.testkit.Await;
import dev.tidemill.testkit.MovableClock;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a collection of blobs that nothing refers to promises, on every database. */
abstract class BlobCollectionContract {
    private static final long LIMIT = 1_000_000;

    @TempDir
    Path folder;

    private final MovableClock clock = new MovableClock(Instant.parse("2026-11-25T08:00:00Z"));
    private final DeletionHold deletions = new DeletionHold();
    private Database database;
    private ArtifactTree tree;
    private BlobReferences references;
    private BlobCollector collector;

    /** A new database with the schemas of the domains. */
    abstract Database open(List<String> domains);

    /** The store of blobs, as whoever opens it after another finds it; its copies of blobs, or itself, are in the folder. */
    PrimaryBlobs blobs() {
        return new FolderBlobStore(folder);
    }

    @BeforeEach
    void start() {
        database = open(List.of("artifacts"));
        var blobs = blobs();
        references = new SqlBlobReferences(database, ArtifactsModule.SCHEMA.digests());
        tree = new ArtifactTree(
                new SqlFileStore(database), blobs, new SqlProjectBlobs(database), references, database, clock);
        collector = new BlobCollector(references, blobs, blobs, database, deletions, clock);
    }

    @AfterEach
    void stop() {
        if (database != null) {
            database.close();
        }
    }

    private long store(String path, String content) throws Exception {
        return tree.put("a", path, new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8)), LIMIT)
                .size();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void onlyWhatNothingRefersToIsCollectedAndOnlyAfterItsGrace() throws Exception {
        store("one.txt", "shared");
        store("two.txt", "shared");
        store("three.txt", "alone");
        store("three.txt", "newer");
        var shared = tree.find("a", "one.txt").orElseThrow();
        var newer = tree.find("a", "three.txt").orElseThrow();
        tree.delete("a", "one.txt");
        // Files' times are the machine's, so that the clock here has to be ahead of them.
        clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(2));
        assertThat(collector.collect(Duration.ofDays(9), false).blobs()).isZero();
        assertThat(collector.collect(Duration.ofDays(1), true).blobs()).isEqualTo(1);
        var collected = collector.collect(Duration.ofDays(1), false);
        assertThat(collected).isEqualTo(new BlobCollector.Collected(1, 5, 1));
        assertThat(tree.open(shared).readAllBytes()).hasSize(6);
        tree.delete("a", "two.txt");
        tree.delete("a", "three.txt");
        // Somebody stores the same again in time.
        store("again.txt", "newer");
        clock.advance(Duration.ofDays(2));
        assertThat(collector.collect(Duration.ofDays(1), false).blobs()).isEqualTo(1);
        assertThat(tree.open(newer).readAllBytes()).hasSize(5);
        assertThatThrownBy(() -> tree.open(shared)).isInstanceOf(TidemillException.class);
        assertThat(collector.collect(Duration.ofDays(1), false).blobs()).isZero();
    }

    @Test
    void whatABackupCopiesStaysUntilItsEndAndNobodyWaitsForIt() throws Exception {
        store("one.txt", "needed by the backup");
        var blob = tree.find("a", "one.txt").orElseThrow();
        tree.delete("a", "one.txt");
        clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(2));
        try (DeletionHold.Held first = deletions.hold()) {
            try (DeletionHold.Held second = deletions.hold()) {
                assertThat(CompletableFuture.supplyAsync(() -> collector.collect(Duration.ofDays(1), false))
                                .get(20, TimeUnit.SECONDS))
                        .isEqualTo(new BlobCollector.Collected(0, 0, 1));
            }
            assertThat(collector.collect(Duration.ofDays(1), false).blobs()).isZero();
            assertThat(tree.open(blob).readAllBytes()).hasSize(20);
        }
        assertThat(collector.collect(Duration.ofDays(1), false).blobs()).isEqualTo(1);
        assertThatThrownBy(() -> tree.open(blob)).isInstanceOf(TidemillException.class);
    }

    @Test
    void theFilesOfAFolderGoWithItUnlessSomethingElseHasThem() throws Exception {
        var blobs = blobs();
        store("kept.txt", "shared");
        Folder model = Folder.store(
                blobs,
                Map.of(
                        "MLmodel", "flavors".getBytes(StandardCharsets.UTF_8),
                        "data/trees", "leaves".getBytes(StandardCharsets.UTF_8),
                        "data/notes", "shared".getBytes(StandardCharsets.UTF_8)));
        tree.releaseFolders(List.of(model.digest()));
        clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(2));
        var planned = collector.collect(Duration.ofDays(1), true);
        assertThat(planned.blobs()).isEqualTo(3);
        assertThat(collector.collect(Duration.ofDays(1), false)).isEqualTo(planned);
        assertThat(model.files().values())
                .filteredOn(file -> blobs.find(file.digest()).isPresent())
                .containsExactly(tree.find("a", "kept.txt").orElseThrow());
        assertThat(blobs.find(model.digest())).isEmpty();
        assertThat(collector.collect(Duration.ofDays(1), false)).isEqualTo(new BlobCollector.Collected(0, 0, 0));
    }

    /** As where a version is registered, and what its files were called before is deleted, while a collection goes on. */
    @Test
    void whatAFolderHoldsThatIsNamedDuringACollectionStays() throws Exception {
        var blobs = blobs();
        Folder model = Folder.store(blobs, Map.of("MLmodel", "flavors".getBytes(StandardCharsets.UTF_8)));
        BlobStore.Blob file = model.file("MLmodel").orElseThrow();
        clock.advance(Duration.between(clock.instant(), Instant.now()));
        for (boolean manifestToo : List.of(false, true)) {
            tree.release(List.of(file.digest()));
            if (manifestToo) {
                tree.releaseFolders(List.of(model.digest()));
            }
            clock.advance(Duration.ofDays(2));
            var looks = new AtomicInteger();
            BlobReferences late = new ForwardingReferences(references) {
                @Override
                public Set<Digest> inTexts() {
                    return looks.incrementAndGet() == 1 ? Set.of() : Set.of(model.digest());
                }
            };
            var racing = new BlobCollector(late, blobs, blobs, database, deletions, clock);
            assertThat(racing.collect(Duration.ofDays(1), false).blobs()).isZero();
            assertThat(looks).hasValueGreaterThan(1);
            assertThat(blobs.read(file.digest())).hasSize(7);
            assertThat(Folder.load(blobs, model.digest())).isEqualTo(model);
        }
    }

    @Test
    void aFolderThatWasLetGoOfLatelyKeepsTheFilesThatItSharesWithAnOlderOne() {
        var blobs = blobs();
        Folder older = Folder.store(blobs, Map.of("weights", bytes("shared"), "MLmodel", bytes("older")));
        Folder later = Folder.store(blobs, Map.of("weights", bytes("shared"), "MLmodel", bytes("later")));
        clock.advance(Duration.between(clock.instant(), Instant.now()));
        tree.releaseFolders(List.of(older.digest()));
        clock.advance(Duration.ofDays(2));
        tree.releaseFolders(List.of(later.digest()));

        assertThat(collector.collect(Duration.ofDays(1), false).blobs()).isEqualTo(2);
        assertThat(blobs.find(older.digest())).isEmpty();
        later.files()
                .forEach((path, file) ->
                        assertThat(blobs.find(file.digest())).as(path).isPresent());

        clock.advance(Duration.ofDays(2));
        assertThat(collector.collect(Duration.ofDays(1), false).blobs()).isEqualTo(3);
    }

    @Test
    void filesThatWereLetGoOfLaterThanTheirFolderKeepTheirGrace() {
        var blobs = blobs();
        Folder model = Folder.store(blobs, Map.of("weights", bytes("let go of later")));
        Digest file = model.file("weights").orElseThrow().digest();
        clock.advance(Duration.between(clock.instant(), Instant.now()));
        tree.releaseFolders(List.of(model.digest()));
        clock.advance(Duration.ofDays(2));
        tree.release(List.of(file));

        assertThat(collector.collect(Duration.ofDays(1), false).blobs()).isEqualTo(1);
        assertThat(blobs.find(file)).isPresent();
    }

    @Test
    void aFileThatLooksLikeAFolderLetsGoOfNothing() {
        var blobs = blobs();
        Digest victim = blobs.put(bytes("of somebody else")).digest();
        Digest crafted = blobs.put(bytes(victim + " 16 file\n")).digest();
        tree.release(List.of(crafted));
        clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(2));
        assertThat(collector.collect(Duration.ofDays(1), true).blobs()).isEqualTo(1);
        assertThat(collector.collect(Duration.ofDays(1), false).blobs()).isEqualTo(1);
        assertThat(blobs.find(crafted)).isEmpty();
        assertThat(blobs.find(victim)).isPresent();
    }

    @Test
    void aCollectionThatFailsInTheMidstLosesNothingAndLeavesNothing() {
        var blobs = blobs();
        Folder model = Folder.store(blobs, Map.of("MLmodel", bytes("flavors"), "weights", bytes("heavy")));
        tree.releaseFolders(List.of(model.digest()));
        clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(2));
        var looks = new AtomicInteger();
        BlobReferences failing = new ForwardingReferences(references) {
            @Override
            public Set<Digest> inTexts() {
                if (looks.incrementAndGet() == 2) {
                    throw new IllegalStateException("the database is away");
                }
                return super.inTexts();
            }
        };
        var broken = new BlobCollector(failing, blobs, blobs, database, deletions, clock);
        assertThatThrownBy(() -> broken.collect(Duration.ofDays(1), false)).hasMessageContaining("away");
        assertThat(Folder.load(blobs, model.digest())).isEqualTo(model);
        assertThat(broken.collect(Duration.ofDays(1), false).blobs()).isEqualTo(3);
    }

    @Test
    void aCollectionThatIsKilledLeavesNothingThatNobodyLooksAt() {
        var blobs = blobs();
        Folder model = Folder.store(blobs, Map.of("MLmodel", bytes("flavors"), "weights", bytes("heavy")));
        Digest single = blobs.put(bytes("single")).digest();
        tree.releaseFolders(List.of(model.digest()));
        tree.release(List.of(single));
        clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(2));
        CollectableBlobs killed = new KilledAtRemoval(blobs);
        var dying = new BlobCollector(references, killed, blobs, database, deletions, clock);
        assertThatThrownBy(() -> dying.collect(Duration.ofDays(1), false)).isInstanceOf(AssertionError.class);

        var restarted = blobs();
        var next = new BlobCollector(references, restarted, restarted, database, deletions, clock);
        next.collect(Duration.ofDays(1), false);
        assertThat(Stream.concat(
                        Stream.of(model.digest(), single),
                        model.files().values().stream().map(BlobStore.Blob::digest)))
                .allMatch(digest -> restarted.find(digest).isEmpty());
        assertThat(next.collect(Duration.ofDays(1), false)).isEqualTo(new BlobCollector.Collected(0, 0, 0));
    }

    @Test
    void whatIsUploadedAgainDuringItsRemovalIsTheirsWhoUploadedIt() throws Exception {
        var blobs = blobs();
        var owned = new SqlProjectBlobs(database);
        for (boolean named : List.of(false, true)) {
            Digest digest = blobs.put(bytes("again " + named)).digest();
            tree.take("a", digest);
            clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(2));
            var looks = new AtomicInteger();
            BlobReferences late = new ForwardingReferences(references) {
                @Override
                public void forget(Collection<Digest> digests, Instant before) {
                    if (looks.incrementAndGet() == 1) {
                        uploadAgain(blobs, named);
                    }
                    super.forget(digests, before);
                }
            };
            new BlobCollector(late, blobs, blobs, database, deletions, clock).collect(Duration.ofDays(1), false);
            assertThat(blobs.find(digest)).isPresent();
            assertThat(owned.contains("a", digest)).isTrue();
            assertThat(references.releasedAmong(Set.of(digest))).hasSize(1);
        }
    }

    /** As a registration by a folder's digest, of what a collection is about to remove. */
    @Test
    void whatIsClaimedBeforeItIsMovedStaysAndWhatIsClaimedLaterIsRefused() throws Exception {
        var blobs = blobs();
        var files = new SqlFileStore(database);
        BlobStore.Blob early = blobs.put(bytes("claimed early"));
        BlobStore.Blob late = blobs.put(bytes("claimed late"));
        tree.take("a", early.digest());
        tree.take("a", late.digest());
        clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(2));
        var claimed = new CountDownLatch(1);
        var moved = new CountDownLatch(1);
        BlobReferences references = new ForwardingReferences(this.references) {
            @Override
            public Set<Removal> beginRemoval(Collection<Digest> digests) {
                moved.countDown();
                return super.beginRemoval(digests);
            }
        };
        var racing = new BlobCollector(references, blobs, blobs, database, deletions, clock);
        ArtifactTree.Claim looked = tree.look("a", Set.of(early.digest()));
        ArtifactTree.Claim lookedBefore = tree.look("a", Set.of(late.digest()));
        var claiming = CompletableFuture.runAsync(() -> database.write(() -> {
            tree.claim(looked);
            claimed.countDown();
            await(moved);
            files.put("a", "named.txt", early, clock.instant());
        }));
        await(claimed);
        racing.collect(Duration.ofDays(1), false);
        claiming.get(20, TimeUnit.SECONDS);
        for (ArtifactTree.Claim gone : List.of(lookedBefore, tree.look("a", Set.of(late.digest())))) {
            assertThatThrownBy(() -> database.write(() -> tree.claim(gone)))
                    .hasMessageContaining(late.digest().value());
        }
        assertThat(blobs.find(early.digest())).isPresent();
        assertThat(blobs.find(late.digest())).isEmpty();
    }

    /** Who looked before it was moved, and names it while it is being removed, or once it has been stored anew. */
    @Test
    void whatIsBeingRemovedIsClaimedByNobodyUntilItIsStoredAnew() throws Exception {
        var blobs = blobs();
        Digest digest = blobs.put(bytes("being removed")).digest();
        tree.take("a", digest);
        clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(2));
        ArtifactTree.Claim looked = tree.look("a", Set.of(digest));
        var claims = new AtomicInteger();
        BlobReferences references = new ForwardingReferences(this.references) {
            @Override
            public Set<Removal> beginRemoval(Collection<Digest> digests) {
                Set<Removal> begun = super.beginRemoval(digests);
                assertThatThrownBy(() -> database.write(() -> tree.claim(looked)))
                        .hasMessageContaining(digest.value());
                blobs.put(bytes("being removed"));
                ArtifactTree.Claim again = tree.look("a", Set.of(digest));
                database.write(() -> tree.claim(again));
                claims.incrementAndGet();
                return begun;
            }
        };
        new BlobCollector(references, blobs, blobs, database, deletions, clock).collect(Duration.ofDays(1), false);
        assertThat(claims).hasValue(1);
        assertThat(blobs.find(digest)).isPresent();
        database.write(() -> tree.claim(looked));
        assertThat(this.references.removals()).isEmpty();
    }

    @Test
    void aRemovalThatDidNotComeToItsEndKeepsNobodyFromClaimingWhatCameBack() {
        var blobs = blobs();
        Digest kept = blobs.put(bytes("comes back")).digest();
        tree.take("a", kept);
        clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(2));
        CollectableBlobs killed = new KilledAtRemoval(blobs);
        var dying = new BlobCollector(references, killed, blobs, database, deletions, clock);
        assertThatThrownBy(() -> dying.collect(Duration.ofDays(1), false)).isInstanceOf(AssertionError.class);
        assertThat(references.removals())
                .extracting(BlobReferences.Removal::digest)
                .containsExactly(kept);

        var restarted = blobs();
        new BlobCollector(references, restarted, restarted, database, deletions, clock).bringBack();
        assertThat(references.removals()).isEmpty();
        ArtifactTree.Claim looked = tree.look("a", Set.of(kept));
        database.write(() -> tree.claim(looked));
    }

    /** Its server was killed in the midst of a collection, and is started next in a newer version. */
    @Test
    void aRemovalOfAnOlderVersionIsEndedByTheNextStart() {
        try (Database older = open(List.of())) {
            older.migrateTo(Map.of("artifacts", "9"));
            var blobs = blobs();
            Digest there = blobs.put(bytes("there")).digest();
            var gone = new Digest("0".repeat(64));
            for (Digest digest : List.of(there, gone)) {
                older.writing(handle -> handle.execute(
                        "INSERT INTO blob_candidate (digest, released_at, folder, removing) VALUES (?, 5, FALSE, TRUE)",
                        digest.value()));
            }
            older.migrate(List.of("artifacts"));
            var upgraded = new SqlBlobReferences(older, ArtifactsModule.SCHEMA.digests());
            assertThat(upgraded.removals())
                    .extracting(BlobReferences.Removal::digest)
                    .containsExactlyInAnyOrder(there, gone);
            assertThat(upgraded.removals())
                    .extracting(BlobReferences.Removal::id)
                    .doesNotHaveDuplicates();
            new BlobCollector(upgraded, blobs, blobs, older, deletions, clock).bringBack();
            assertThat(upgraded.removals())
                    .extracting(BlobReferences.Removal::digest)
                    .containsExactly(gone);
            assertThat(upgraded.claim(Set.of(there), clock.instant())).isEmpty();
        }
    }

    /** A look at many blobs of a bucket takes long: the next collection may begin with what the look has just seen. */
    @Test
    void aLookEndsNoRemovalThatBeganAfterIt() throws Exception {
        var blobs = blobs();
        Digest digest = blobs.put(bytes("removed twice")).digest();
        tree.take("a", digest);
        clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(2));
        var dying = new BlobCollector(references, new KilledAtRemoval(blobs), blobs, database, deletions, clock);
        assertThatThrownBy(() -> dying.collect(Duration.ofDays(1), false)).isInstanceOf(AssertionError.class);
        blobs.bringAllBack();

        var asked = new CountDownLatch(1);
        var tried = new CountDownLatch(1);
        BlobReferences pausing = new ForwardingReferences(references) {
            @Override
            public Set<Digest> named(Set<Digest> among) {
                Set<Digest> named = super.named(among);
                if (blobs.find(digest).isEmpty()) {
                    asked.countDown();
                    await(tried);
                }
                return named;
            }
        };
        var next = new BlobCollector(pausing, blobs, blobs, database, deletions, clock);
        var collecting = new ArrayList<CompletableFuture<BlobCollector.Collected>>();
        var slow = new ForwardingStore(blobs) {
            @Override
            public Set<Digest> absent(Set<Digest> digests) {
                Set<Digest> absent = super.absent(digests);
                collecting.add(CompletableFuture.supplyAsync(() -> next.collect(Duration.ofDays(1), false)));
                await(asked);
                return absent;
            }
        };
        var looking = new ArtifactTree(
                new SqlFileStore(database), slow, new SqlProjectBlobs(database), references, database, clock);
        ArtifactTree.Claim looked = looking.look("a", Set.of(digest));
        try {
            assertThatThrownBy(() -> database.write(() -> looking.claim(looked)))
                    .hasMessageContaining(digest.value());
        } finally {
            tried.countDown();
        }
        assertThat(collecting.getFirst().get(20, TimeUnit.SECONDS).blobs()).isEqualTo(1);
    }

    @Test
    void aRemovalEndsForWhoeverReadItsIdAlone() {
        Digest digest = blobs().put(bytes("begun twice")).digest();
        tree.release(List.of(digest));
        Set<BlobReferences.Removal> first = references.beginRemoval(Set.of(digest));
        assertThat(references.removals()).isEqualTo(first);
        Set<BlobReferences.Removal> second = references.beginRemoval(Set.of(digest));
        assertThat(second).hasSize(1).doesNotContainAnyElementsOf(first);
        references.endRemoval(first);
        assertThat(references.removals(Set.of(digest))).isEqualTo(second);
        assertThat(references.claim(Set.of(digest), clock.instant())).containsExactly(digest);
        references.endRemoval(second);
        assertThat(references.removals()).isEmpty();
        assertThat(references.claim(Set.of(digest), clock.instant())).isEmpty();
    }

    /** A claim would not see that it is being removed. */
    @Test
    void whatHasNoRowAnyMoreIsNotRemoved() {
        var blobs = blobs();
        Digest digest = blobs.put(bytes("kept by another collection")).digest();
        tree.take("a", digest);
        clock.advance(Duration.between(clock.instant(), Instant.now()).plusDays(2));
        CollectableBlobs late = new ForwardingBlobs(blobs) {
            @Override
            public boolean setAside(Digest digest, Instant before) {
                references.keep(Set.of(digest), before);
                return super.setAside(digest, before);
            }
        };
        var racing = new BlobCollector(references, late, blobs, database, deletions, clock);
        assertThat(racing.collect(Duration.ofDays(1), false).blobs()).isZero();
        assertThat(blobs.find(digest)).isPresent();
        assertThat(references.beginRemoval(Set.of(digest))).isEmpty();
    }

    /** A bucket may take long for each, and a backup waits for what is under way. */
    @Test
    void aCollectionStopsForABackupThatWaits() throws Exception {
        var blobs = blobs();
        clock.advance(Duration.between(clock.instant(), Instant.now()));
        for (int i = 0; i < 5; i++) {
            tree.take("a", blobs.put(bytes("slow " + i)).digest());
        }
        clock.advance(Duration.ofDays(2));
        var held = new ArrayList<Thread>();
        var moved = new AtomicInteger();
        CollectableBlobs slow = new ForwardingBlobs(blobs) {
            @Override
            public boolean setAside(Digest digest, Instant before) {
                if (moved.incrementAndGet() == 2) {
                    held.add(Thread.ofVirtual().start(() -> deletions.hold().close()));
                    Await.until("a backup waits", deletions::isWanted);
                    assertThat(deletions.unlessHeld(() -> {}))
                            .as("others go on and do not wait behind it")
                            .isFalse();
                }
                return super.setAside(digest, before);
            }
        };
        new BlobCollector(references, slow, blobs, database, deletions, clock).collect(Duration.ofDays(1), false);
        assertThat(moved).hasValue(2);
        assertThat(held.getFirst().join(Duration.ofSeconds(20))).isTrue();
        assertThat(collector.collect(Duration.ofDays(1), false).blobs()).isEqualTo(5);
    }

    /** As where the store answers the deletion too late, or is away while others are brought back. */
    @Test
    void oneThatFailsKeepsNoOtherFromComingBack() {
        var blobs = blobs();
        clock.advance(Duration.between(clock.instant(), Instant.now()));
        for (boolean late : List.of(true, false)) {
            Digest one = blobs.put(bytes("one " + late)).digest();
            Digest two = blobs.put(bytes("two " + late)).digest();
            tree.release(List.of(one, two));
            clock.advance(Duration.ofDays(2));
            var moved = new AtomicInteger();
            var returned = new AtomicInteger();
            CollectableBlobs failing = new ForwardingBlobs(blobs) {
                @Override
                public boolean setAside(Digest digest, Instant before) {
                    boolean aside = super.setAside(digest, before);
                    if (moved.incrementAndGet() == 2) {
                        throw new IllegalStateException("the bucket is away");
                    }
                    return aside;
                }

                @Override
                public void bringBack(Digest digest) {
                    if (returned.incrementAndGet() == 1 && !late) {
                        throw new IllegalStateException("the bucket is away again");
                    }
                    super.bringBack(digest);
                }
            };
            var collector = new BlobCollector(references, failing, blobs, database, deletions, clock);
            assertThatThrownBy(() -> collector.collect(Duration.ofDays(1), false))
                    .hasMessage("the bucket is away");
            assertThat(Stream.of(one, two).filter(digest -> blobs.find(digest).isPresent()))
                    .hasSize(late ? 2 : 1);
            collector.bringBack();
            assertThat(Stream.of(one, two).filter(digest -> blobs.find(digest).isPresent()))
                    .hasSize(2);
            this.collector.collect(Duration.ofDays(1), false);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void whatWasStoredAndNeverNamedIsFoundAndGoesAfterItsGrace() throws Exception {
        var blobs = blobs();
        var unnamed = new UnnamedBlobs(blobs, new SqlProjectBlobs(database), references, database, clock);
        store("named.txt", "named");
        Digest named = tree.find("a", "named.txt").orElseThrow().digest();
        Folder killed =
                Folder.store(blobs, Map.of("MLmodel", bytes("of an attempt"), "weights", bytes("that was killed")));
        clock.advance(Duration.between(clock.instant(), Instant.now()));
        assertThat(unnamed.look(UnnamedBlobs.PARTS)).isEqualTo(3);
        assertThat(unnamed.look(UnnamedBlobs.PARTS))
                .as("they are known, and their grace goes on")
                .isZero();
        assertThat(collector.collect(Duration.ofDays(1), false).blobs()).isZero();
        // Somebody names one in time.
        Digest weights = killed.file("weights").orElseThrow().digest();
        store("late.txt", "that was killed");
        clock.advance(Duration.ofDays(2));
        assertThat(collector.collect(Duration.ofDays(1), false).blobs()).isEqualTo(2);
        assertThat(blobs.find(named)).isPresent();
        assertThat(blobs.find(weights)).isPresent();
        assertThat(blobs.find(killed.digest())).isEmpty();
        assertThat(unnamed.look(UnnamedBlobs.PARTS)).isZero();
    }

    @Test
    void theWholeStoreIsLookedAtInParts() {
        var blobs = blobs();
        var unnamed = new UnnamedBlobs(blobs, new SqlProjectBlobs(database), references, database, clock);
        for (int i = 0; i < 50; i++) {
            blobs.put(bytes("never named " + i));
        }
        int found = 0;
        for (int i = 0; i < 16; i++) {
            found += unnamed.look(UnnamedBlobs.PARTS / 16);
        }
        assertThat(found).isEqualTo(50);
    }

    private void uploadAgain(PrimaryBlobs blobs, boolean named) {
        try {
            if (named) {
                store("again.txt", "again true");
            } else {
                tree.take("a", blobs.put(bytes("again false")).digest());
            }
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** Blobs as they are, but for what a subclass says. */
    private static class ForwardingBlobs implements CollectableBlobs {
        private final PrimaryBlobs target;

        ForwardingBlobs(PrimaryBlobs target) {
            this.target = target;
        }

        @Override
        public List<Digest> beginningWith(int first) {
            return target.beginningWith(first);
        }

        @Override
        public void bringAllBack() {
            target.bringAllBack();
        }

        @Override
        public boolean setAside(Digest digest, Instant before) {
            return target.setAside(digest, before);
        }

        @Override
        public void bringBack(Digest digest) {
            target.bringBack(digest);
        }

        @Override
        public Optional<InputStream> openAside(Digest digest) {
            return target.openAside(digest);
        }

        @Override
        public void removeAside(Digest digest) {
            target.removeAside(digest);
        }
    }

    /** As if the process were killed when the first blob is to be removed for good: nothing after that is done. */
    private static final class KilledAtRemoval extends ForwardingBlobs {
        KilledAtRemoval(PrimaryBlobs target) {
            super(target);
        }

        @Override
        public void bringBack(Digest digest) {
            // It is killed.
        }

        @Override
        public void removeAside(Digest digest) {
            throw new AssertionError("killed");
        }
    }

    /** References as they are, but for what a subclass says. */
    private static class ForwardingReferences implements BlobReferences {
        private final BlobReferences target;

        ForwardingReferences(BlobReferences target) {
            this.target = target;
        }

        @Override
        public void release(Collection<Digest> digests, boolean folders, Instant now) {
            target.release(digests, folders, now);
        }

        @Override
        public List<Released> released(boolean folders, Instant before, Optional<Released> after, int limit) {
            return target.released(folders, before, after, limit);
        }

        @Override
        public Set<Digest> foldersReleasedAfter(Instant time) {
            return target.foldersReleasedAfter(time);
        }

        @Override
        public Set<Digest> releasedAmong(Set<Digest> digests) {
            return target.releasedAmong(digests);
        }

        @Override
        public Set<Removal> beginRemoval(Collection<Digest> digests) {
            return target.beginRemoval(digests);
        }

        @Override
        public Set<Removal> removals(Set<Digest> among) {
            return target.removals(among);
        }

        @Override
        public Set<Removal> removals() {
            return target.removals();
        }

        @Override
        public void endRemoval(Collection<Removal> there) {
            target.endRemoval(there);
        }

        @Override
        public Set<Digest> claim(Set<Digest> digests, Instant now) {
            return target.claim(digests, now);
        }

        @Override
        public void renew(Digest digest, Instant now) {
            target.renew(digest, now);
        }

        @Override
        public Set<Digest> named(Set<Digest> among) {
            return target.named(among);
        }

        @Override
        public Set<Digest> inTexts() {
            return target.inTexts();
        }

        @Override
        public void keep(Collection<Digest> digests, Instant releasedBefore) {
            target.keep(digests, releasedBefore);
        }

        @Override
        public void forget(Collection<Digest> digests, Instant releasedBefore) {
            target.forget(digests, releasedBefore);
        }
    }
}
