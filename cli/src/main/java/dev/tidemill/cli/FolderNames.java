package dev.tidemill.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Paths made of what a server calls its things. None leads out of its folder. */
final class FolderNames {
    private static final Pattern KEY = Pattern.compile("[/\\w.\\- :]+", Pattern.UNICODE_CHARACTER_CLASS);

    /** Of a file, in bytes, on the file systems that are used. */
    private static final int LONGEST = 255;

    private FolderNames() {}

    /** Where a file of a name, slashes in it make folders, lies in a folder, if the folder can hold it beside what is there. */
    static Path inside(Path folder, String name) {
        Path file = within(folder, name);
        if (Files.isDirectory(file)) {
            throw new CliException(
                    Exit.FAILURE, "it is written as a folder of other names, so that it cannot be a file too");
        }
        return file;
    }

    /** Where something with an id or another name of one part lies in a folder. */
    static Path one(Path folder, String name) {
        if (!folder.getFileSystem()
                        .getPath(name)
                        .equals(folder.getFileSystem().getPath(name).getFileName())
                || name.isEmpty()
                || name.equals(".")) {
            throw new CliException(Exit.FAILURE, "'" + name + "' cannot be the name of a file or folder");
        }
        return within(folder, name);
    }

    private static Path within(Path folder, String name) {
        Path file = folder.resolve(name).normalize();
        if (!file.startsWith(folder) || file.equals(folder)) {
            throw new CliException(Exit.FAILURE, "the name leads out of its folder");
        }
        for (Path part : folder.relativize(file)) {
            int bytes = part.toString().getBytes(StandardCharsets.UTF_8).length;
            if (bytes > LONGEST) {
                throw new CliException(
                        Exit.FAILURE, "a file's name has at most " + LONGEST + " bytes, this one " + bytes);
            }
        }
        for (Path above = file.getParent(); above != null && !above.equals(folder); above = above.getParent()) {
            if (Files.exists(above) && !Files.isDirectory(above)) {
                throw new CliException(
                        Exit.FAILURE,
                        "'" + folder.relativize(above) + "' is written as a file, so that it cannot be a folder too");
            }
        }
        return file;
    }

    /** MLflow reads nothing of a run in whose folder one name has other letters. */
    static String key(String key) {
        if (!KEY.matcher(key).matches()) {
            throw new CliException(
                    Exit.FAILURE, "MLflow reads only names of letters, digits, spaces, '_', '-', '.', ':' and '/'");
        }
        return key;
    }

    /** A name of one part for a data set of any name and digest, and for no other one. */
    static String dataSet(String name, String digest) {
        String letters = name.replaceAll("[^\\w-]", "_");
        return letters.substring(0, Math.min(letters.length(), 100)) + "-"
                + Sha256.of(name + "\0" + digest).substring(0, 32);
    }
}
