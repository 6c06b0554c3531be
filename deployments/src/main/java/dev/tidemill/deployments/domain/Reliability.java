package dev.tidemill.deployments.domain;

/**
 * How reliably a challenger answers what the champion answers too; known without labels.
 *
 * @param asked rows that it was asked
 * @param failed those among them on which it failed
 */
public record Reliability(long asked, long failed) {
    public double share() {
        return asked == 0 ? 0 : (double) failed / asked;
    }
}
