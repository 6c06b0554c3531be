package dev.tidemill.statistics;

/**
 * Distribution of the two-sided one-sample Kolmogorov-Smirnov statistic for large samples: the expansion of Pelz and Good
 * (1976), as recommended by Simard and L'Ecuyer (2011, Journal of Statistical Software 39-11) for the range used here.
 */
final class KolmogorovDistribution {
    private static final int TERMS = 20;

    private KolmogorovDistribution() {}

    /** Probability that the statistic of {@code n} observations exceeds {@code d}. */
    static double survival(double d, long n) {
        double z = d * Math.sqrt(n);
        if (d <= 0 || z < 0.04) {
            return 1;
        }
        if (z > 5) {
            // The leading term; the others vanish in double precision.
            return Math.min(1, 2 * Math.exp(-2 * z * z));
        }
        double root = Math.sqrt(n);
        double cdf = k0(z) + k1(z) / root + k2(z) / n + k3(z) / (n * root);
        return Math.clamp(1 - cdf, 0, 1);
    }

    private static double k0(double z) {
        double sum = 0;
        for (int k = TERMS; k >= 0; k--) {
            sum += Math.exp(-square((k + 0.5) * Math.PI / z) / 2);
        }
        return Math.sqrt(2 * Math.PI) / z * sum;
    }

    private static double k1(double z) {
        double sum = 0;
        double z2 = z * z;
        for (int k = TERMS; k >= 0; k--) {
            double u = square((k + 0.5) * Math.PI);
            sum += (u - z2) * Math.exp(-u / (2 * z2));
        }
        return Math.sqrt(Math.PI / 2) / (3 * square(z2)) * sum;
    }

    private static double k2(double z) {
        double z2 = z * z;
        double z4 = z2 * z2;
        double z6 = z4 * z2;
        double pi2 = Math.PI * Math.PI;
        double first = 0;
        double second = 0;
        for (int k = TERMS; k >= 0; k--) {
            double h = square(k + 0.5);
            double term = 6 * z6 + 2 * z4 + pi2 * (2 * z4 - 5 * z2) * h + pi2 * pi2 * (1 - 2 * z2) * h * h;
            first += term * Math.exp(-pi2 * h / (2 * z2));
            double k2 = square(k);
            second += pi2 * k2 * Math.exp(-pi2 * k2 / (2 * z2));
        }
        double a = Math.sqrt(Math.PI / 2) / (36 * z6 * z) * first;
        double b = Math.sqrt(Math.PI / 2) / (18 * z2 * z) * second;
        return a - b;
    }

    private static double k3(double z) {
        double z2 = z * z;
        double z4 = z2 * z2;
        double z6 = z4 * z2;
        double z8 = z4 * z4;
        double pi2 = Math.PI * Math.PI;
        double pi4 = pi2 * pi2;
        double pi6 = pi4 * pi2;
        double first = 0;
        double second = 0;
        for (int k = TERMS; k >= 0; k--) {
            double h = square(k + 0.5);
            double term = -30 * z6
                    - 90 * z8
                    + pi2 * (135 * z4 - 96 * z6) * h
                    + pi4 * (212 * z4 - 60 * z2) * h * h
                    + pi6 * (5 - 30 * z2) * h * h * h;
            first += term * Math.exp(-pi2 * h / (2 * z2));
            double k2 = square(k);
            second += (-pi4 * k2 * k2 + 3 * pi2 * z2 * k2) * Math.exp(-pi2 * k2 / (2 * z2));
        }
        double a = Math.sqrt(Math.PI / 2) / (3240 * z6 * z4) * first;
        double b = Math.sqrt(Math.PI / 2) / (108 * z6) * second;
        return a + b;
    }

    private static double square(double value) {
        return value * value;
    }
}
