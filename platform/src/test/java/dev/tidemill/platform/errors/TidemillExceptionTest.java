package dev.tidemill.platform.errors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.platform.auth.RefusalJournal.Refusal;
import org.junit.jupiter.api.Test;

/** Words of errors are stored with what failed, so every database must keep them. */
class TidemillExceptionTest {
    @Test
    void itsWordsCanBeStoredWhateverTheyRepeat() {
        var refusal = new TidemillException(ErrorCode.INTERNAL, "no column 'a\0' of \uD83D").remedy("rename 'a\0'");

        assertThat(refusal.message()).isEqualTo("no column 'a\uFFFD' of \uFFFD");
        assertThat(refusal.remedy()).contains("rename 'a\uFFFD'");
        assertThat(TidemillException.said(refusal)).isEqualTo(refusal.message());
        assertThat(TidemillException.said(new IllegalStateException("a\0"))).endsWith("IllegalStateException: a\uFFFD");
    }

    @Test
    void thePathOfARefusalCanBeStoredWhereverItIsCut() {
        String path = "x".repeat(999) + "\uD83D\uDE00";

        assertThat(new Refusal("ada", "::1", "GET", path, ErrorCode.NOT_FOUND).path())
                .isEqualTo("x".repeat(999));
        assertThat(new Refusal("ada", "::1", "GET", "/\0", ErrorCode.NOT_FOUND).path())
                .isEqualTo("/\uFFFD");
    }
}
