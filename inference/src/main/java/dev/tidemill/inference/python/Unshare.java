package dev.tidemill.inference.python;

import dev.tidemill.platform.json.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalInt;

/**
 * The program {@code unshare} of util-linux, which gives namespaces, and a script of ours, which makes the view within them; for
 * machines without bubblewrap. Immutable.
 *
 * @param userNamespace whether a namespace of users is needed, as for anybody but root
 * @param interpreter the operator's, which runs the script
 * @param script makes the view: {@code enter_view.py}
 */
record Unshare(boolean userNamespace, String interpreter, Path script) implements Isolator {
    @Override
    public List<String> wrap(List<String> command, IsolatedView view, int megabytes, OptionalInt user) {
        var all = new ArrayList<String>(
                List.of("unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--ipc", "--uts"));
        if (userNamespace) {
            all.addAll(List.of("--user", "--map-root-user"));
        }
        if (!view.network()) {
            all.add("--net");
        }
        all.addAll(List.of("--", interpreter, "-I", "-S", "-B", script.toString(), described(view, megabytes, user)));
        all.addAll(command);
        return all;
    }

    private static String described(IsolatedView view, int megabytes, OptionalInt user) {
        var described = new LinkedHashMap<String, Object>();
        described.put("system", view.system());
        described.put("links", view.links());
        described.put("optional", view.optional());
        described.put("covered", view.covered().orElse(null));
        described.put("readable", view.readable());
        described.put("writable", view.writable());
        described.put("directory", view.directory());
        described.put("megabytes", megabytes);
        described.put("user", user.isPresent() ? user.getAsInt() : null);
        return Json.write(described);
    }
}
