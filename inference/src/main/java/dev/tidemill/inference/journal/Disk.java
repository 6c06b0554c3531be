package dev.tidemill.inference.journal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** What the journal asks of the file system where that may fail half way. */
interface Disk {
    /** Creates a file that is not there. */
    FileChannel create(Path file) throws IOException;

    /** Makes the names in a folder survive with what the files hold. */
    void force(Path folder) throws IOException;

    Disk REAL = new Disk() {
        @Override
        public FileChannel create(Path file) throws IOException {
            return FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        }

        @Override
        public void force(Path folder) throws IOException {
            try (FileChannel directory = FileChannel.open(folder)) {
                directory.force(true);
            }
        }
    };
}
