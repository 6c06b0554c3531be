package dev.tidemill.inference.onnx;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps ONNX Runtime from telling its maker of itself. It reads the variable {@code ORT_DISABLE_TELEMETRY} of the process when its
 * environment is made; its own call that switches telemetry off comes after that, when it has opened a database in the user's home.
 */
final class QuietOnnx {
    private static final Logger LOG = LoggerFactory.getLogger(QuietOnnx.class);

    private QuietOnnx() {}

    /** Sets the variable for this process, which Java itself has no call for. */
    static void withoutTelemetry() {
        try (Arena arena = Arena.ofConfined()) {
            Linker linker = Linker.nativeLinker();
            var setenv = linker.defaultLookup().find("setenv");
            if (setenv.isEmpty()) {
                return;
            }
            MethodHandle call = linker.downcallHandle(
                    setenv.get(),
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
            int unused =
                    (int) call.invokeExact(arena.allocateFrom("ORT_DISABLE_TELEMETRY"), arena.allocateFrom("1"), 1);
        } catch (Throwable e) {
            LOG.info("ONNX Runtime's telemetry cannot be switched off: {}", e.toString());
        }
    }
}
