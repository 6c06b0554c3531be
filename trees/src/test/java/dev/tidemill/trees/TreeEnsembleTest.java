package dev.tidemill.trees;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TreeEnsembleTest {
    private static final int FEATURES = 5;

    /** Appends a random tree of so many leaves; gives its root. Thresholds are few, so that values often meet them. */
    private static int grow(Random chance, List<Node> nodes, int leaves) {
        int at = nodes.size();
        if (leaves == 1) {
            nodes.add(Node.leaf(chance.nextGaussian()));
            return at;
        }
        nodes.add(Node.leaf(0));
        int onTheLeft = 1 + chance.nextInt(leaves - 1);
        int left = grow(chance, nodes, onTheLeft);
        int right = grow(chance, nodes, leaves - onTheLeft);
        int feature = chance.nextInt(FEATURES);
        Node.Missing missing = Node.Missing.values()[chance.nextInt(3)];
        nodes.set(
                at,
                chance.nextInt(5) == 0
                        ? new Node(
                                feature,
                                0,
                                left,
                                right,
                                Node.Missing.NAN,
                                chance.nextBoolean(),
                                new long[] {chance.nextLong(), chance.nextLong()},
                                Node.Strangers.values()[chance.nextInt(2)])
                        : Node.numeric(feature, chance.nextInt(-4, 5), left, right, missing, chance.nextBoolean()));
        return at;
    }

    private static double[] row(Random chance) {
        double[] row = new double[FEATURES];
        for (int i = 0; i < FEATURES; i++) {
            row[i] = switch (chance.nextInt(6)) {
                case 0 -> Double.NaN;
                case 1 -> 0;
                case 2 -> chance.nextInt(0, 200);
                case 3 -> Double.NEGATIVE_INFINITY;
                default -> chance.nextInt(-5, 6) + (chance.nextBoolean() ? 0.5 : 0);
            };
        }
        return row;
    }

    @Test
    void bitVectorsFindTheLeavesThatWalkingFinds() {
        for (int seed = 0; seed < 200; seed++) {
            var chance = new Random(seed);
            var nodes = new ArrayList<Node>();
            int[] roots = new int[6];
            int[] outputs = new int[6];
            for (int tree = 0; tree < roots.length; tree++) {
                // Up to 64 leaves by bit vectors, more by walking; both ends of a word are met.
                int leaves = tree == 0 ? 64 : tree == 1 ? 65 : 1 + chance.nextInt(80);
                roots[tree] = grow(chance, nodes, leaves);
                outputs[tree] = tree % 2;
            }
            var arithmetic = new TreeEnsemble.Arithmetic(chance.nextBoolean(), chance.nextBoolean());
            var ensemble = new TreeEnsemble(
                    FEATURES, new double[] {0.5, -1}, nodes.toArray(Node[]::new), roots, outputs, arithmetic);
            double[][] rows = new double[50][];
            for (int i = 0; i < rows.length; i++) {
                rows[i] = row(chance);
            }
            double[][] together = ensemble.margins(rows);
            for (int i = 0; i < rows.length; i++) {
                assertThat(ensemble.margins(rows[i])).as("seed %s", seed).isEqualTo(ensemble.walkedMargins(rows[i]));
                assertThat(together[i]).isEqualTo(ensemble.margins(rows[i]));
            }
        }
    }

    @Test
    void damagedTreesAreRefused() {
        Node[] loop = {Node.numeric(0, 1, 0, 1, Node.Missing.NAN, true), Node.leaf(1)};
        assertThatThrownBy(() -> ensemble(loop)).isInstanceOf(UnsupportedModelException.class);
        Node[] outside = {Node.numeric(0, 1, 1, 7, Node.Missing.NAN, true), Node.leaf(1)};
        assertThatThrownBy(() -> ensemble(outside)).isInstanceOf(UnsupportedModelException.class);
        Node[] stranger = {Node.numeric(9, 1, 1, 2, Node.Missing.NAN, true), Node.leaf(1), Node.leaf(2)};
        assertThatThrownBy(() -> ensemble(stranger)).hasMessageContaining("input 9");
    }

    private static TreeEnsemble ensemble(Node[] nodes) {
        return new TreeEnsemble(
                FEATURES, new double[1], nodes, new int[1], new int[1], TreeEnsemble.Arithmetic.LIGHTGBM);
    }

    @Test
    void noBytesMakeAParserFailOtherwiseThanByRefusing() {
        byte[] whole = "{i\u0007learneri\u0001{i\u0004name[$d#i\u0002abcdabcd}}"
                .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
        for (int seed = 0; seed < 3000; seed++) {
            var chance = new Random(seed);
            byte[] damaged = java.util.Arrays.copyOf(whole, chance.nextInt(whole.length + 1));
            for (int i = 0; i < damaged.length / 8; i++) {
                damaged[chance.nextInt(damaged.length)] = (byte) chance.nextInt(256);
            }
            try {
                XgboostModel.parse(damaged);
            } catch (UnsupportedModelException refused) {
                assertThat(refused.getMessage()).isNotBlank();
            }
            try {
                LightgbmText.parse(damaged);
            } catch (UnsupportedModelException refused) {
                assertThat(refused).isNotNull();
            }
        }
    }
}
