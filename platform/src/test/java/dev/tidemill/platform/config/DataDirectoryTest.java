package dev.tidemill.platform.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.HeldElsewhere;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataDirectoryTest {
    @TempDir
    Path folder;

    @Test
    void whatIsOpenIsRefusedToASecond() {
        try (DataDirectory directory = DataDirectory.open(folder)) {
            assertThat(directory.isHeld()).isTrue();
            assertThatThrownBy(() -> DataDirectory.open(folder)).matches(HeldElsewhere::isCauseOf);
        }
        DataDirectory.open(folder).close();
    }

    @Test
    void aLockThatWasRemovedIsTakenAgainBeforeAnybodyElseDoes() throws Exception {
        try (DataDirectory directory = DataDirectory.open(folder)) {
            Files.delete(folder.resolve("lock"));
            assertThat(directory.isHeld()).isTrue();
            assertThatThrownBy(() -> DataDirectory.open(folder)).matches(HeldElsewhere::isCauseOf);
            assertThat(directory.isHeld()).isTrue();
        }
        DataDirectory.open(folder).close();
    }

    @Test
    void aLockThatWasReplacedByOneNobodyHoldsIsTakenAgain() throws Exception {
        try (DataDirectory directory = DataDirectory.open(folder)) {
            Files.move(folder.resolve("lock"), folder.resolve("old"));
            Files.writeString(folder.resolve("lock"), "");
            assertThat(directory.isHeld()).isTrue();
            assertThatThrownBy(() -> DataDirectory.open(folder)).matches(HeldElsewhere::isCauseOf);
        }
    }

    @Test
    void whoseLockWasRemovedAndTakenByAnotherWritesNothingMore() throws Exception {
        try (DataDirectory directory = DataDirectory.open(folder)) {
            directory.requireHeld();
            Files.delete(folder.resolve("lock"));
            try (FileChannel other =
                    FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                assertThat(other.tryLock()).isNotNull();
                assertThat(directory.isHeld()).isFalse();
            }
            assertThat(directory.isHeld()).as("for good").isFalse();
        }
    }

    @Test
    void eachTimeThatItIsOpenHasANameOfItsOwnAndTheSameIdentity() {
        String opening;
        String identity;
        try (DataDirectory first = DataDirectory.open(folder)) {
            opening = first.opening();
            identity = first.identity();
        }
        try (DataDirectory second = DataDirectory.open(folder)) {
            assertThat(second.opening()).isNotEqualTo(opening);
            assertThat(second.identity()).isEqualTo(identity);
        }
    }
}
