package dev.tidemill.wires.oip;

/** What inference clients are told of the server; some examples of other servers' clients assert a name of theirs. */
public record ServerName(String name, String version) {}
