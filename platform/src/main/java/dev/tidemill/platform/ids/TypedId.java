package dev.tidemill.platform.ids;

/** An identifier that knows what it identifies; on the wire and in the database it is its {@link #value()}. */
public interface TypedId {
    String value();
}
