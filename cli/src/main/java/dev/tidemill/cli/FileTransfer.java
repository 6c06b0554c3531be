package dev.tidemill.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

/** Sends files of a source to where a server keeps artifacts. */
final class FileTransfer {
    /** How often a file is sent at most. */
    private static final int ATTEMPTS = 4;

    private final Api api;
    private final Runnable sent;

    /** @param sent called for each file that has arrived */
    FileTransfer(Api api, Runnable sent) {
        this.api = api;
        this.sent = sent;
    }

    /**
     * A transfer that breaks off, on either side, is begun anew.
     *
     * @param root path below which the file lies afterwards, under its own path
     */
    void send(ImportSource.ArtifactFile file, String root) throws IOException {
        if (file.refusal().isPresent()) {
            throw new CliException(Exit.FAILURE, file.refusal().get());
        }
        String path = Api.artifact(root + "/" + file.path());
        for (int attempt = 1; ; attempt++) {
            var content = new AtomicReference<WatchedContent>();
            IOException failure;
            try {
                api.putStream(path, () -> open(file, content));
                WatchedContent read = content.get();
                if (read == null || read.bytes() >= file.bytes()) {
                    sent.run();
                    return;
                }
                failure = new IOException("it ended after " + read.bytes() + " of its " + file.bytes() + " bytes");
            } catch (Api.Unreachable e) {
                WatchedContent read = content.get();
                if (attempt == ATTEMPTS && (read == null || read.failure() == null)) {
                    throw e;
                }
                failure = read == null || read.failure() == null ? new IOException(e) : read.failure();
            }
            if (failure instanceof ArrivingBody.TooLong) {
                throw new CliException(
                        Exit.FAILURE,
                        failure.getMessage()
                                + (file.bytes() < 0
                                        ? ""
                                        : ", which is what it is listed with; it may still be written"));
            }
            if (attempt == ATTEMPTS && failure instanceof ArrivingBody.TooSlow) {
                throw new CliException(Exit.FAILURE, String.valueOf(failure.getMessage()));
            }
            if (attempt == ATTEMPTS) {
                throw failure;
            }
            Retry.sleep(Duration.ofMillis(250L << attempt));
        }
    }

    private static InputStream open(ImportSource.ArtifactFile file, AtomicReference<WatchedContent> content) {
        try {
            var opened = new WatchedContent(file.content().open());
            content.set(opened);
            return opened;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
