package dev.tidemill.artifacts;

import dev.tidemill.artifacts.api.ArtifactRoutes;
import dev.tidemill.artifacts.api.CollectionRoutes;
import dev.tidemill.artifacts.api.TransferRoutes;
import dev.tidemill.artifacts.domain.ArtifactTree;
import dev.tidemill.artifacts.domain.BlobCollector;
import dev.tidemill.artifacts.domain.BlobStore;
import dev.tidemill.artifacts.domain.CachedBlobs;
import dev.tidemill.artifacts.domain.ExternalFiles;
import dev.tidemill.artifacts.domain.LocatedFiles;
import dev.tidemill.artifacts.domain.MultipartUploads;
import dev.tidemill.artifacts.domain.PrimaryBlobs;
import dev.tidemill.artifacts.domain.ProjectBlobs;
import dev.tidemill.artifacts.domain.SignedLinks;
import dev.tidemill.artifacts.domain.UnnamedBlobs;
import dev.tidemill.artifacts.filesystem.ConfinedFolderFiles;
import dev.tidemill.artifacts.filesystem.FolderBlobStore;
import dev.tidemill.artifacts.s3.BucketBlobStore;
import dev.tidemill.artifacts.s3.BucketRoot;
import dev.tidemill.artifacts.store.SqlBlobReferences;
import dev.tidemill.artifacts.store.SqlFileStore;
import dev.tidemill.artifacts.store.SqlProjectBlobs;
import dev.tidemill.artifacts.store.SqlStoreIdentity;
import dev.tidemill.artifacts.store.SqlUploadStore;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.http.Route;
import dev.tidemill.platform.modules.DigestColumn;
import dev.tidemill.platform.modules.Module;
import dev.tidemill.platform.modules.ProcessRole;
import dev.tidemill.platform.modules.Schema;
import dev.tidemill.platform.retention.Chore;
import dev.tidemill.platform.retention.DeletionHold;
import dev.tidemill.platform.sql.Database;
import dev.tidemill.platform.telemetry.Telemetry;
import dev.tidemill.platform.threads.Loop;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Wires artifacts. */
public final class ArtifactsModule implements Module {
    public static final Schema SCHEMA = Schema.of(
            "artifacts",
            DigestColumn.blob("artifact_file", "digest"),
            DigestColumn.blob("artifact_upload_part", "digest"),
            DigestColumn.reader("project_blob", "digest"),
            DigestColumn.released("blob_candidate", "digest"));

    /** For how long parts of an upload wait for its end. */
    private static final Duration ABANDONED = Duration.ofDays(7);

    /** For how long a blob that nothing refers to may still be named by somebody who has just sent it. */
    private static final Duration GRACE = Duration.ofDays(1);
    /** How much of the store is looked at each time for blobs that nothing has named: all of it in sixteen times. */
    private static final int PARTS_AT_A_TIME = UnnamedBlobs.PARTS / 16;

    private final PrimaryBlobs blobs;
    private final Optional<BucketWatch> bucket;
    private final ProjectBlobs projectBlobs;
    private final long uploadLimit;
    private final ArtifactTree tree;
    private final MultipartUploads uploads;
    private final SignedLinks links;
    private final BlobCollector collector;
    private final UnnamedBlobs unnamed;
    private final LocatedFiles located;
    private final Clock clock;

    /** As the other, with blobs in a folder. */
    public ArtifactsModule(
            Database database,
            Path folder,
            long uploadLimit,
            List<Schema> schemas,
            String root,
            Map<String, String> environment,
            DeletionHold deletions,
            Clock clock) {
        this(database, ArtifactStorage.inFolder(folder), uploadLimit, schemas, root, environment, deletions, clock);
    }

    /**
     * @param uploadLimit most bytes of one upload
     * @param schemas of every module, which tell where digests of blobs are held
     * @param root URI below which experiments keep artifacts, without a slash at its end
     * @param environment where a bucket's endpoint and region are found
     * @param deletions keeps blobs while a backup copies them
     */
    public ArtifactsModule(
            Database database,
            ArtifactStorage storage,
            long uploadLimit,
            List<Schema> schemas,
            String root,
            Map<String, String> environment,
            DeletionHold deletions,
            Clock clock) {
        this.clock = clock;
        var identity = new SqlStoreIdentity(database);
        Optional<BucketBlobStore> store = storage.bucket().map(where -> {
            requireApart(root, where.uri());
            return storage.open(where, environment, identity, clock);
        });
        this.blobs = store.isPresent() ? store.get() : inFolder(storage.folder(), identity);
        var references = new SqlBlobReferences(
                database,
                schemas.stream().flatMap(schema -> schema.digests().stream()).toList());
        this.collector = new BlobCollector(references, blobs, blobs, database, deletions, clock);
        this.bucket = store.map(of -> new BucketWatch(
                of, storage.bucket().orElseThrow(), storage.folder(), identity::note, collector::bringBack, clock));
        this.projectBlobs = new SqlProjectBlobs(database);
        this.unnamed = new UnnamedBlobs(blobs, projectBlobs, references, database, clock);
        this.uploadLimit = uploadLimit;
        this.tree = new ArtifactTree(new SqlFileStore(database), blobs, projectBlobs, references, database, clock);
        var uploadStore = new SqlUploadStore(database);
        this.uploads = new MultipartUploads(uploadStore, tree, blobs, references, database, clock);
        this.links = new SignedLinks(uploadStore, clock);
        this.located = new LocatedFiles(tree, uploads, blobs, root, external(root, environment));
    }

    private static FolderBlobStore inFolder(Path folder, SqlStoreIdentity identity) {
        var blobs = new FolderBlobStore(folder);
        ArtifactStorage.requireNoBucket(blobs, folder, identity);
        return blobs;
    }

    /** What lies below the experiments' root their clients read and write. */
    private static void requireApart(String root, String store) {
        String above = root + "/";
        String below = store + "/";
        if (above.startsWith(below) || below.startsWith(above)) {
            throw new TidemillException(
                            ErrorCode.INVALID_ARGUMENT,
                            "'" + store + "' and artifacts.root, '" + root + "', lie within each other")
                    .at("artifacts.store")
                    .remedy("Give each a prefix of its own");
        }
    }

    /** What the server itself can read of an operator's root: a folder of this machine, or a bucket. */
    private static Optional<ExternalFiles> external(String root, Map<String, String> environment) {
        if (root.startsWith("s3://")) {
            return Optional.of(BucketRoot.of(root, environment));
        }
        String path = root.replaceFirst("^file:(//)?(?=/)", "");
        return path.startsWith("/") ? Optional.of(new ConfinedFolderFiles(Path.of(path))) : Optional.empty();
    }

    public LocatedFiles located() {
        return located;
    }

    /** Blobs in a folder alone, for a process without a database. */
    public static CachedBlobs folder(Path folder) {
        return new FolderBlobStore(folder);
    }

    public BlobStore blobs() {
        return blobs;
    }

    /** Blobs that are not in the folder, for whoever copies the folder; empty where they are. */
    public Optional<PrimaryBlobs> elsewhere() {
        return bucket.map(watch -> blobs);
    }

    public ArtifactTree tree() {
        return tree;
    }

    public MultipartUploads uploads() {
        return uploads;
    }

    public SignedLinks links() {
        return links;
    }

    @Override
    public void publish(Telemetry telemetry) {
        bucket.ifPresent(watch -> watch.publish(telemetry));
    }

    @Override
    public void prepare() {
        bucket.ifPresentOrElse(BucketWatch::begin, collector::bringBack);
    }

    @Override
    public void start(Set<ProcessRole> roles) {
        bucket.ifPresent(BucketWatch::start);
    }

    @Override
    public List<Loop> loops() {
        return bucket.map(BucketWatch::loops).orElse(List.of());
    }

    /** Rows are gone, and the bucket is this database's still. */
    @Override
    public void reset() {}

    @Override
    public void close() {
        bucket.ifPresent(BucketWatch::close);
    }

    @Override
    public List<Chore> chores() {
        return List.of(
                Chore.silent("Uploads", () -> uploads.abandon(clock.instant().minus(ABANDONED))),
                new Chore("Blobs that nothing has named", () -> {
                    int found = unnamed.look(PARTS_AT_A_TIME);
                    return Chore.told(found > 0, found + " were stored and never named; they go after their grace");
                }),
                new Chore("Blobs", () -> {
                    var collected = collector.collect(GRACE, false);
                    return Chore.told(
                            collected.blobs() > 0,
                            collected.blobs() + " of " + collected.bytes() + " bytes that nothing refers to are gone");
                }));
    }

    @Override
    public List<Route> routes() {
        var routes = new ArrayList<>(new ArtifactRoutes(blobs, projectBlobs, tree, uploadLimit).routes());
        routes.addAll(new TransferRoutes(tree, uploads, links, uploadLimit).routes());
        routes.addAll(new CollectionRoutes(collector).routes());
        return routes;
    }
}
