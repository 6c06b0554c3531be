package dev.tidemill.artifacts.domain;

import dev.tidemill.artifacts.domain.UploadStore.Part;
import dev.tidemill.artifacts.domain.UploadStore.Upload;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.ids.Ids;
import dev.tidemill.platform.sql.Transactions;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.time.Clock;
import java.util.Enumeration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * Uploads in parts, which may come in any order, at once and again. What has arrived survives a restart, so that an
 * interrupted upload goes on where it was. Thread-safe.
 */
public final class MultipartUploads {
    private static final int TURNS = 64;

    /** Most parts of one upload. */
    public static final int MOST_PARTS = 10_000;

    private final UploadStore store;
    private final ArtifactTree tree;
    private final BlobStore blobs;
    private final BlobReferences references;
    private final Transactions transactions;
    private final Clock clock;
    private final Lock[] turns =
            Stream.generate(ReentrantLock::new).limit(TURNS).toArray(Lock[]::new);

    public MultipartUploads(
            UploadStore store,
            ArtifactTree tree,
            BlobStore blobs,
            BlobReferences references,
            Transactions transactions,
            Clock clock) {
        this.transactions = transactions;
        this.references = references;
        this.store = store;
        this.tree = tree;
        this.blobs = blobs;
        this.clock = clock;
    }

    /** Begins an upload of a file; its id is a secret that lets its holder send parts. */
    public Upload begin(String project, String path) {
        var upload = new Upload(Ids.secret(), project, tree.requireWritable(path), clock.instant());
        store.insert(upload);
        return upload;
    }

    /** @throws TidemillException {@code NOT_FOUND} for an upload that is not there, or not in the project */
    public Upload find(String project, String id) {
        return store.find(id)
                .filter(upload -> upload.project().equals(project))
                .orElseThrow(() -> TidemillException.notFound("upload", shortened(id)));
    }

    private static String shortened(String id) {
        return id.length() <= 6 ? id : id.substring(0, 6) + "...";
    }

    public List<Part> parts(Upload upload) {
        return store.parts(upload.id());
    }

    /**
     * Takes one part.
     *
     * @throws TidemillException {@code NOT_FOUND} for an upload that is not there, or has ended while the part came
     */
    public Part put(String id, int number, InputStream content, long limit) throws IOException {
        Upload upload = store.find(id).orElseThrow(() -> TidemillException.notFound("upload", shortened(id)));
        if (number < 1 || number > MOST_PARTS) {
            throw TidemillException.invalid(
                    "number", "'" + number + "' is not a part's number from 1 to " + MOST_PARTS);
        }
        var part = new Part(number, blobs.put(content, limit));
        // Parts that come side by side take one row; on PostgreSQL each would overtake the others again and again.
        Lock turn = turns[Math.floorMod(upload.id().hashCode(), turns.length)];
        turn.lock();
        try {
            keep(upload, part);
        } finally {
            turn.unlock();
        }
        return part;
    }

    private void keep(Upload upload, Part part) {
        transactions.write(() -> {
            List<Digest> replaced = store.parts(upload.id()).stream()
                    .filter(before -> before.number() == part.number())
                    .map(before -> before.blob().digest())
                    .toList();
            if (!store.putPart(upload.id(), part)) {
                throw ended(upload.id());
            }
            references.release(replaced, false, clock.instant());
        });
    }

    /**
     * Puts the parts together as the file.
     *
     * @param expected digests of parts by number, as the sender knows them; parts that are not named are left out
     * @throws TidemillException {@code NOT_FOUND} for an upload that is not there, or ends while its parts are put together
     */
    public BlobStore.Blob complete(String project, String id, Map<Integer, String> expected, long limit)
            throws IOException {
        Upload upload = find(project, id);
        List<Part> parts = store.parts(id);
        for (var entry : expected.entrySet()) {
            boolean same = parts.stream()
                    .anyMatch(part -> part.number() == entry.getKey()
                            && part.blob().digest().value().equals(entry.getValue()));
            if (!same) {
                throw new TidemillException(
                                ErrorCode.INVALID_ARGUMENT,
                                "Part " + entry.getKey() + " has not arrived as it was sent")
                        .at("parts")
                        .remedy("Send the part again");
            }
        }
        List<Part> named = parts.stream()
                .filter(part -> expected.isEmpty() || expected.containsKey(part.number()))
                .toList();
        if (named.isEmpty()) {
            throw TidemillException.invalid("parts", "No part of the upload has arrived");
        }
        if (expected.isEmpty()) {
            requireWhole(named);
        }
        try (InputStream whole = inTurn(named)) {
            BlobStore.Blob blob = blobs.put(whole, limit);
            transactions.write(() -> {
                if (!forget(upload)) {
                    throw ended(id);
                }
                tree.name(project, upload.path(), blob);
            });
            return blob;
        }
    }

    /** Where nobody names the parts, one that was lost on its way would be missing from the file without a word. */
    private static void requireWhole(List<Part> parts) {
        for (int i = 0; i < parts.size(); i++) {
            if (parts.get(i).number() != i + 1) {
                throw TidemillException.invalid(
                                "parts",
                                "Part " + (i + 1) + " has not arrived, and part "
                                        + parts.get(i).number() + " has")
                        .remedy("Send it, and complete the upload then");
            }
        }
    }

    /** One after the other, so that of thousands of parts one is open at a time. */
    private InputStream inTurn(List<Part> parts) {
        Iterator<InputStream> contents =
                parts.stream().map(part -> blobs.open(part.blob().digest())).iterator();
        return new SequenceInputStream(new Enumeration<>() {
            @Override
            public boolean hasMoreElements() {
                return contents.hasNext();
            }

            @Override
            public InputStream nextElement() {
                return contents.next();
            }
        });
    }

    /** Gives up what would become a file or lie below a folder that is removed for good; joins the caller's unit of work. */
    void abortAt(String project, String path) {
        store.at(project, path).forEach(this::forget);
    }

    public void abort(String project, String id) {
        forget(find(project, id));
    }

    private static TidemillException ended(String id) {
        return TidemillException.notFound("upload", shortened(id)).remedy("It has ended meanwhile; begin another");
    }

    /** False where the upload has ended before. */
    private boolean forget(Upload upload) {
        return transactions.write(() -> {
            references.release(
                    store.parts(upload.id()).stream()
                            .map(part -> part.blob().digest())
                            .toList(),
                    false,
                    clock.instant());
            return store.delete(upload.id());
        });
    }

    /** Gives up what was begun before a time and never completed; gives how many uploads that were. */
    public int abandon(java.time.Instant before) {
        List<Upload> old = store.before(before);
        old.forEach(this::forget);
        return old.size();
    }
}
