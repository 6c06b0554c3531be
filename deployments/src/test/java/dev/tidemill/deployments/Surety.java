package dev.tidemill.deployments;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemill.deployments.domain.Deployment;
import dev.tidemill.deployments.domain.Evidence;
import dev.tidemill.deployments.domain.Policy;
import dev.tidemill.deployments.domain.RolloutRules;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/**
 * {@code make surety}: how often the rules of a rollout err where the truth is known, and what being sure costs. Not one of
 * the tests that every build runs; its seeds are fixed. It writes its tables into {@code docs/promotion.md}.
 */
class Surety {
    private static final Instant START = Instant.parse("2026-01-05T00:00:00Z");
    private static final int TRIALS = Integer.getInteger("surety.trials", 4000);
    private static final int DAYS = 56;
    private static final double STATED = 0.05;
    private static final double ERROR = 10;
    private static final Policy.Promotion POLICY = new Policy.Promotion(
            0.02,
            Duration.ofDays(3),
            Duration.ofDays(7),
            Duration.ofDays(1000),
            0.1,
            1 - STATED,
            48,
            Policy.Promotion.DAY,
            Policy.Promotion.WEEK_OF_DAYS);

    /** How the hourly differences behave: an autoregression, its tails, and seasons as sines of these heights. */
    private record World(String name, double correlation, boolean heavy, double daily, double weekly) {}

    private record Frequencies(double promoted, double rejected, int[] days) {}

    @Test
    void theStatedErrorHolds() throws IOException {
        var worlds = new ArrayList<World>();
        for (double correlation : new double[] {0, 0.3, 0.5, 0.8, 0.9, 0.95}) {
            worlds.add(new World("normal", correlation, false, 0, 0));
        }
        for (double correlation : new double[] {0, 0.3, 0.5, 0.8, 0.9, 0.95}) {
            worlds.add(new World("Student's t, 3 degrees of freedom", correlation, true, 0, 0));
        }
        for (double correlation : new double[] {0, 0.5, 0.8, 0.9, 0.95}) {
            worlds.add(new World("daily season", correlation, false, 1, 0));
            worlds.add(new World("weekly season", correlation, false, 0, 0.5));
            worlds.add(new World("both seasons", correlation, false, 1, 0.5));
        }
        double error = Math.sqrt(STATED * (1 - STATED) / TRIALS);
        var table = new StringBuilder("| differences | correlation of neighbouring hours | promoted | rejected |\n")
                .append("|---|---|---|---|\n");
        var exceeded = new ArrayList<String>();
        for (World world : worlds) {
            Frequencies found = simulate(world, 0);
            String line = line(
                    "| %s | %.2f | %.1f %% | %.1f %% |",
                    world.name(), world.correlation(), 100 * found.promoted(), 100 * found.rejected());
            table.append(line).append('\n');
            if (Math.max(found.promoted(), found.rejected()) > STATED + 2 * error) {
                exceeded.add(line);
            }
        }
        write("level", table.toString());
        write("price", price());
        assertThat(exceeded)
                .as("beyond the stated 5 %% and two standard errors of %s trials", TRIALS)
                .isEmpty();
    }

    /**
     * A classifier's rows.
     *
     * @param champion share that the champion gets wrong
     * @param shared whether the challenger gets those wrong too, and others beside them
     */
    private record Classes(int rowsADay, double champion, boolean shared) {}

    @Test
    void theStatedErrorHoldsForClasses() throws IOException {
        double error = Math.sqrt(STATED * (1 - STATED) / TRIALS);
        var table = new StringBuilder("| rows a day | champion wrong | the challenger's errors | promoted | rejected |"
                        + " 30 % better: promoted in 8 weeks | median days |\n")
                .append("|---|---|---|---|---|---|---|\n");
        var exceeded = new ArrayList<String>();
        for (int rows : new int[] {10, 24, 100, 400}) {
            for (double champion : new double[] {0, 0.01, 0.05, 0.2}) {
                for (boolean shared : champion == 0 ? new boolean[] {false} : new boolean[] {false, true}) {
                    var classes = new Classes(rows, champion, shared);
                    // Without an error of the champion's whatever the challenger gets wrong is too much.
                    Frequencies found = judged(random ->
                            sums(classes, champion == 0 ? 0.3 / rows : champion * (1 + POLICY.margin()), random));
                    Frequencies better = judged(random -> sums(classes, champion * 0.7, random));
                    int[] days = Arrays.stream(better.days()).sorted().toArray();
                    String line = line(
                            "| %d | %.0f %% | %s | %.1f %% | %.1f %% | %s | %s |",
                            rows,
                            100 * champion,
                            shared ? "the champion's and others" : "independent",
                            100 * found.promoted(),
                            100 * found.rejected(),
                            champion == 0 || shared ? "" : line("%.0f %%", within(days, DAYS)),
                            champion == 0 || shared
                                    ? ""
                                    : days[days.length / 2] > DAYS ? "over 56" : days[days.length / 2]);
                    table.append(line).append('\n');
                    boolean inTurn = champion > 0 && found.rejected() > STATED + 2 * error;
                    if (found.promoted() > STATED + 2 * error || inTurn) {
                        exceeded.add(line);
                    }
                }
            }
        }
        write("classes", table.toString());
        assertThat(exceeded)
                .as("beyond the stated 5 %% and two standard errors of %s trials", TRIALS)
                .isEmpty();
    }

    private static List<Evidence.Sums> sums(Classes classes, double challenger, Random random) {
        double more = (challenger - classes.champion()) / (1 - classes.champion());
        var sums = new ArrayList<Evidence.Sums>();
        for (int day = 0; day < DAYS; day++) {
            int wrong = 0;
            int challengers = 0;
            for (int row = 0; row < classes.rowsADay(); row++) {
                boolean both = random.nextDouble() < classes.champion();
                double other = random.nextDouble();
                wrong += both ? 1 : 0;
                challengers += classes.shared() ? both || other < more ? 1 : 0 : other < challenger ? 1 : 0;
            }
            Instant start = START.plus(Duration.ofDays(day));
            sums.add(new Evidence.Sums(
                    start,
                    start.plus(Duration.ofDays(1)),
                    classes.rowsADay(),
                    wrong,
                    challengers,
                    true,
                    Evidence.Unlike.NONE));
        }
        return sums;
    }

    private static String price() {
        var table = new StringBuilder(
                        "| better than the margin by | correlation | promoted in 2 weeks | in 4 weeks | in 8 weeks |"
                                + " median days | median rows |\n")
                .append("|---|---|---|---|---|---|---|\n");
        for (double effect : new double[] {0.1, 0.2, 0.3, 0.5}) {
            for (double correlation : new double[] {0, 0.5, 0.8}) {
                Frequencies found = simulate(new World("normal", correlation, false, 0, 0), effect);
                int[] days = Arrays.stream(found.days()).sorted().toArray();
                int median = days[days.length / 2];
                table.append(line(
                                "| %.1f standard deviations | %.1f | %.0f %% | %.0f %% | %.0f %% | %s | %s |",
                                effect,
                                correlation,
                                within(days, 14),
                                within(days, 28),
                                within(days, DAYS),
                                median > DAYS ? "over 56" : String.valueOf(median),
                                median > DAYS ? "over 1344" : String.valueOf(24 * median)))
                        .append('\n');
            }
        }
        return table.toString();
    }

    private static double within(int[] days, int limit) {
        return 100.0 * Arrays.stream(days).filter(day -> day <= limit).count() / days.length;
    }

    /** Trials of hourly rows with a look a day; the challenger is worse by the margin, less the effect. */
    private static Frequencies simulate(World world, double effect) {
        return judged(random -> sums(world, effect, random));
    }

    private static Frequencies judged(Function<Random, List<Evidence.Sums>> world) {
        var random = new Random(20111);
        int promoted = 0;
        int rejected = 0;
        var days = new int[TRIALS];
        for (int trial = 0; trial < TRIALS; trial++) {
            List<Evidence.Sums> sums = world.apply(random);
            RolloutRules.Outcome outcome = RolloutRules.Outcome.WAIT;
            int day = POLICY.blocks();
            while (outcome == RolloutRules.Outcome.WAIT && day <= DAYS) {
                Instant now = START.plus(Duration.ofDays(day));
                outcome = RolloutRules.judge(
                                Deployment.Phase.CANARY,
                                Evidence.of(sums.subList(0, day), START, now, POLICY),
                                Duration.ofDays(day),
                                POLICY)
                        .outcome();
                day++;
            }
            promoted += outcome == RolloutRules.Outcome.PROMOTE ? 1 : 0;
            rejected += outcome == RolloutRules.Outcome.REJECT ? 1 : 0;
            days[trial] = outcome == RolloutRules.Outcome.PROMOTE ? day - 1 : DAYS + 1;
        }
        return new Frequencies((double) promoted / TRIALS, (double) rejected / TRIALS, days);
    }

    private static List<Evidence.Sums> sums(World world, double effect, Random random) {
        var sums = new ArrayList<Evidence.Sums>();
        int phase = random.nextInt(7);
        double state = random.nextGaussian();
        double step = Math.sqrt(1 - world.correlation() * world.correlation());
        for (int warm = 0; warm < 200; warm++) {
            state = world.correlation() * state + step * noise(world, random);
        }
        for (int day = 0; day < DAYS; day++) {
            double champion = 0;
            double challenger = 0;
            for (int hour = 0; hour < 24; hour++) {
                state = world.correlation() * state + step * noise(world, random);
                double season = world.daily() * Math.sin(2 * Math.PI * hour / 24)
                        + world.weekly() * ((day + phase) % 7 < 5 ? 1 : -2.5);
                double loss = ERROR + random.nextGaussian();
                champion += loss;
                challenger += (1 + POLICY.margin()) * loss + state + season - effect;
            }
            Instant start = START.plus(Duration.ofDays(day));
            sums.add(new Evidence.Sums(start, start.plus(Duration.ofDays(1)), 24, champion, challenger));
        }
        return sums;
    }

    /** Of variance 1. */
    private static double noise(World world, Random random) {
        if (!world.heavy()) {
            return random.nextGaussian();
        }
        double squares = 0;
        for (int i = 0; i < 3; i++) {
            double normal = random.nextGaussian();
            squares += normal * normal;
        }
        return random.nextGaussian() / Math.sqrt(squares / 3) / Math.sqrt(3);
    }

    private static String line(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    /** Replaces what stands between two marks of the document. */
    private static void write(String mark, String table) throws IOException {
        Path file = Path.of(System.getProperty("surety.document", "../docs/promotion.md"));
        String text = Files.readString(file);
        String begin = "<!-- " + mark + " -->\n";
        String end = "<!-- end of " + mark + " -->";
        int from = text.indexOf(begin) + begin.length();
        Files.writeString(file, text.substring(0, from) + table + text.substring(text.indexOf(end)));
    }
}
