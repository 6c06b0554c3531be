package dev.tidemill.monitoring.domain;

/**
 * A column of a window whose data is at fault.
 *
 * @param missing share of the window's rows in which it is missing or of another type than the reference's, from 0 to 1
 * @param reference the same share in the champion's reference profile
 */
public record ColumnFault(String column, double missing, double reference) {
    double rise() {
        return missing - reference;
    }
}
