package dev.tidemill.artifacts.domain;

/** The store that blobs are kept in, and nowhere else: they stay until they are collected. */
public interface PrimaryBlobs extends BlobStore, CollectableBlobs {}
