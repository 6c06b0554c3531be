package dev.tidemill.platform.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ByteRangeTest {
    /** What is sent of a file of six bytes; empty is the whole file, {@code none} is 416. */
    @ParameterizedTest
    @CsvSource({
        "bytes=0-5, 0-5",
        "bytes=2-3, 2-3",
        "bytes=2-, 2-5",
        "bytes=2-99, 2-5",
        "bytes=-2, 4-5",
        "bytes=-99, 0-5",
        "bytes=-0, none",
        "bytes=6-, none",
        "bytes=6-9, none",
        "bytes=99999999999999999999999-, none",
        "bytes=0-99999999999999999999999, 0-5",
        "'bytes= 2 - 3 ', 2-3",
        "BYTES=2-3, 2-3",
        "bytes=abc, ''",
        "bytes=, ''",
        "bytes=-, ''",
        "bytes=3-2, ''",
        "bytes=--2, ''",
        "bytes=1.5-2, ''",
        "'bytes=0-1,3-4', ''",
        "items=0-1, ''",
        "'', ''"
    })
    void partsOfSixBytes(String header, String sent) {
        String found = ByteRange.asked(header, 6)
                .map(range -> range.isSatisfiable(6) ? range.first() + "-" + range.last() : "none")
                .orElse("");
        assertThat(found).isEqualTo(sent);
    }

    @ParameterizedTest
    @CsvSource({"bytes=0-", "bytes=-1", "bytes=0-0"})
    void nothingOfAnEmptyFile(String header) {
        assertThat(ByteRange.asked(header, 0).orElseThrow().isSatisfiable(0)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "model.pkl, attachment; filename=\"model.pkl\"",
        "Übersicht.csv, attachment; filename=\"_bersicht.csv\"; filename*=UTF-8''%C3%9Cbersicht.csv",
        "模型 1.bin, attachment; filename=\"__ 1.bin\"; filename*=UTF-8''%E6%A8%A1%E5%9E%8B%201.bin",
        "a\"b.txt, attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"
    })
    void namesInEveryAlphabet(String name, String header) {
        assertThat(FileAnswer.disposition(name)).isEqualTo(header);
    }
}
