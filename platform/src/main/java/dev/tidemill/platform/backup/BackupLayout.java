package dev.tidemill.platform.backup;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Which files of a data directory an archive may have: those below some folders, and some of its own.
 *
 * @param folders names of folders
 * @param files names of files beside them
 */
public record BackupLayout(List<String> folders, Set<String> files) {
    private static final Pattern SEGMENT = Pattern.compile("[^/\\\\\\x00-\\x1f]+");

    public BackupLayout {
        folders = List.copyOf(folders);
        files = Set.copyOf(files);
    }

    /** Whether an archive may have a file, by its path below the data directory with slashes. */
    boolean allows(String path) {
        if (files.contains(path)) {
            return true;
        }
        String[] segments = path.split("/", -1);
        if (segments.length < 2 || !folders.contains(segments[0])) {
            return false;
        }
        for (String segment : segments) {
            if (segment.equals(".")
                    || segment.equals("..")
                    || !SEGMENT.matcher(segment).matches()) {
                return false;
            }
        }
        return true;
    }
}
