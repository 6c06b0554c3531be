package dev.tidemill.artifacts.s3;

import dev.tidemill.artifacts.domain.ExternalFiles;
import dev.tidemill.artifacts.domain.FileStore;
import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.sql.UnitOfWork;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.Delete;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;

/** Part of a bucket: every key below a prefix. */
public final class BucketFiles implements ExternalFiles {
    /** The most keys that one request may remove. */
    private static final int REMOVED_AT_ONCE = 1000;

    private final Supplier<S3Client> client;
    private final String bucket;
    private final String prefix;

    /**
     * @param client is asked for at the first use, since making it takes a while
     * @param prefix where the files are in the bucket, without slashes around it; may be empty
     */
    public BucketFiles(Supplier<S3Client> client, String bucket, String prefix) {
        this.client = client;
        this.bucket = bucket;
        this.prefix = prefix;
    }

    @Override
    public List<FileStore.Entry> list(String path) {
        String folder = key(path) + "/";
        var request = ListObjectsV2Request.builder()
                .bucket(bucket)
                .prefix(folder)
                .delimiter("/")
                .build();
        return answered(() -> {
            var entries = new TreeMap<String, FileStore.Entry>();
            for (var page : client.get().listObjectsV2Paginator(request)) {
                page.commonPrefixes().forEach(common -> {
                    String name = common.prefix()
                            .substring(folder.length(), common.prefix().length() - 1);
                    entries.put(name, new FileStore.Entry(name, true, 0));
                });
                page.contents().stream()
                        .filter(object -> object.key().length() > folder.length())
                        .forEach(object -> {
                            String name = object.key().substring(folder.length());
                            entries.put(name, new FileStore.Entry(name, false, object.size()));
                        });
            }
            return List.copyOf(entries.values());
        });
    }

    @Override
    public OptionalLong size(String path) {
        return answered(() -> {
            try {
                return OptionalLong.of(client.get()
                        .headObject(request -> request.bucket(bucket).key(key(path)))
                        .contentLength());
            } catch (NoSuchKeyException e) {
                return OptionalLong.empty();
            }
        });
    }

    @Override
    public InputStream open(String path) {
        return answered(() -> {
            try {
                return client.get().getObject(request -> request.bucket(bucket).key(key(path)));
            } catch (NoSuchKeyException e) {
                throw TidemillException.notFound("file", path);
            }
        });
    }

    @Override
    public SortedMap<String, Long> below(String folder) {
        String start = key(folder) + "/";
        var request =
                ListObjectsV2Request.builder().bucket(bucket).prefix(start).build();
        return answered(() -> {
            var found = new TreeMap<String, Long>();
            client.get().listObjectsV2Paginator(request).contents().stream()
                    .filter(object -> !object.key().endsWith("/"))
                    .forEach(object -> found.put(object.key().substring(start.length()), object.size()));
            return found;
        });
    }

    @Override
    public int delete(String path) {
        if (path.isEmpty()) {
            return 0;
        }
        var keys = new ArrayList<String>();
        below(path).keySet().forEach(file -> keys.add(key(path) + "/" + file));
        if (size(path).isPresent()) {
            keys.add(key(path));
        }
        return answered(() -> {
            for (int from = 0; from < keys.size(); from += REMOVED_AT_ONCE) {
                List<ObjectIdentifier> some = keys.subList(from, Math.min(keys.size(), from + REMOVED_AT_ONCE)).stream()
                        .map(key -> ObjectIdentifier.builder().key(key).build())
                        .toList();
                client.get()
                        .deleteObjects(request -> request.bucket(bucket)
                                .delete(Delete.builder().objects(some).build()));
            }
            return keys.size();
        });
    }

    private String key(String path) {
        if (prefix.isEmpty()) {
            return path;
        }
        return path.isEmpty() ? prefix : prefix + "/" + path;
    }

    private <T> T answered(Supplier<T> work) {
        assert !UnitOfWork.isUnderWay() : "a bucket is asked within a unit of work";
        try {
            return work.get();
        } catch (SdkException e) {
            throw new TidemillException(
                            ErrorCode.UNAVAILABLE, "The bucket '" + bucket + "' did not answer: " + e.getMessage())
                    .remedy("Look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL_S3 of"
                            + " the server");
        }
    }
}
