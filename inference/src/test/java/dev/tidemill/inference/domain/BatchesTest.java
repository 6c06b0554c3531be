package dev.tidemill.inference.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.load.BytesInFlight;
import dev.tidemill.platform.load.RequestMemory;
import dev.tidemill.testkit.Await;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BatchesTest {
    private static final double REFUSED = -1;

    /** Doubles numbers, refuses some, and can be held so that others have to wait. */
    private static final class Doubling extends FunctionModel {
        private volatile boolean dropsRows;
        /** How many rows of one call are more than memory has. */
        private volatile int tooMany = Integer.MAX_VALUE;

        private volatile boolean counted;

        private Doubling() {
            super(x -> 2 * x);
        }

        @Override
        public Batching batching() {
            return Batching.joined(1, 1_024, "a test says so");
        }

        @Override
        public List<Tensor> predict(List<Tensor> given) {
            Tensor answer = super.predict(given).getFirst();
            if (given.getFirst().rows() >= tooMany) {
                throw new OutOfMemoryError("Cannot reserve direct buffer memory");
            }
            Tensor x = given.getFirst();
            for (int i = 0; i < x.size(); i++) {
                if (x.number(i) == REFUSED) {
                    throw TidemillException.invalid("x", "row " + i + " is refused");
                }
            }
            if (counted) {
                AnswerMemory.take(AnswerMemory.weight(List.of(answer)));
            }
            return List.of(dropsRows && x.rows() > 1 ? TensorRows.of(answer, 0, 1) : answer);
        }
    }

    private final Doubling model = new Doubling();
    private final Batches batches = new Batches(model, new WaitingRoom(2_000, 2_000).line());
    private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();

    @AfterEach
    void stop() {
        model.gate.countDown();
        // Whoever hangs is a failure of its test, not of all.
        callers.shutdownNow();
    }

    private static Tensor column(double... values) {
        return Tensor.numbers("x", Datatype.FP64, new long[] {values.length}, values);
    }

    private Future<Calls.Outcome> ask(Tensor tensor) {
        return callers.submit(() -> batches.call(List.of(tensor), CallContext.NONE));
    }

    private static void assertAnswers(Calls.Outcome outcome, double... wanted) {
        Tensor answer = outcome.outputs().getFirst();
        assertThat(answer.rows()).isEqualTo(wanted.length);
        for (int i = 0; i < wanted.length; i++) {
            assertThat(answer.number(i)).isEqualTo(wanted[i]);
        }
    }

    /** Lets one request hold the model; gives its answer to come. */
    private Future<Calls.Outcome> hold() {
        model.gate = new CountDownLatch(1);
        Future<Calls.Outcome> first = ask(column(100));
        Await.until("a call that is held", () -> model.rowsOfCalls().size() == 1);
        return first;
    }

    private List<Future<Calls.Outcome>> queued(Tensor... tensors) {
        List<Future<Calls.Outcome>> asked = new ArrayList<>();
        for (Tensor tensor : tensors) {
            int waiting = batches.waiting();
            asked.add(ask(tensor));
            Await.until("one more that waits", () -> batches.waiting() == waiting + 1);
        }
        return asked;
    }

    @Test
    void aLoneRequestGoesAtOnce() {
        assertAnswers(batches.call(List.of(column(1, 2)), CallContext.NONE), 2, 4);
        assertThat(model.rowsOfCalls()).containsExactly(2);
    }

    @Test
    void thoseWhoWaitAreJoinedAndEachGetsItsRows() throws Exception {
        Future<Calls.Outcome> first = hold();
        List<Future<Calls.Outcome>> others = queued(column(1), column(2, 3), column(4));
        model.gate.countDown();
        assertAnswers(first.get(), 200);
        assertAnswers(others.get(0).get(), 2);
        assertAnswers(others.get(1).get(), 4, 6);
        assertAnswers(others.get(2).get(), 8);
        assertThat(model.rowsOfCalls()).containsExactly(1, 4);
        assertThat(List.of(others.get(0).get().executed(), others.get(1).get().executed()))
                .as("one call was made for all")
                .containsExactly(true, false);
    }

    @Test
    void nobodyWaitsForEverWhereTheRowsOfAllAreTooMuch() throws Exception {
        model.tooMany = 3;
        Future<Calls.Outcome> first = hold();
        List<Future<Calls.Outcome>> others = queued(column(1), column(2), column(3));
        model.gate.countDown();
        assertAnswers(first.get(60, TimeUnit.SECONDS), 200);
        assertAnswers(others.get(0).get(60, TimeUnit.SECONDS), 2);
        assertAnswers(others.get(1).get(60, TimeUnit.SECONDS), 4);
        assertAnswers(others.get(2).get(60, TimeUnit.SECONDS), 6);
    }

    /** Each request holds its own part of a joined answer, whoever made the call. */
    @Test
    void aJoinedAnswerIsCountedToThoseWhoGetIt() throws Exception {
        var budget = new BytesInFlight(64 << 20);
        int rows = 400;
        int width = 100;
        try (var leader = budget.open("ada");
                var other = budget.open("bob")) {
            Future<Calls.Outcome> first = hold();
            // Read by the model as ONNX Runtime's answers are: counted to who makes the call.
            model.counted = true;
            Tensor matrix = Tensor.numbers("x", Datatype.FP64, new long[] {rows, width}, new double[rows * width]);
            List<Future<Calls.Outcome>> asked = new ArrayList<>();
            for (var request : List.of(leader, other)) {
                int waiting = batches.waiting();
                asked.add(callers.submit(
                        () -> RequestMemory.of(request, () -> batches.call(List.of(matrix), CallContext.NONE))));
                Await.until("one more that waits", () -> batches.waiting() == waiting + 1);
            }
            model.gate.countDown();
            first.get();
            assertThat(asked.get(0).get().executed()).isTrue();
            assertThat(asked.get(1).get().executed()).isFalse();
            assertThat(leader.held()).isEqualTo(8L * rows * width);
            assertThat(other.held()).isEqualTo(8L * rows * width);
        }
    }

    @Test
    void otherShapesAndDatatypesStayApart() throws Exception {
        Future<Calls.Outcome> first = hold();
        List<Future<Calls.Outcome>> others = queued(
                column(1),
                column(2).as("x", 1, 1),
                Tensor.numbers("x", Datatype.FP32, new long[] {1}, new double[] {3}),
                column(4));
        model.gate.countDown();
        first.get();
        for (int i = 0; i < others.size(); i++) {
            assertAnswers(others.get(i).get(), 2 * (i + 1));
        }
        assertThat(model.rowsOfCalls()).containsExactly(1, 2, 1, 1);
        assertThat(others.get(1).get().outputs().getFirst().shape()).containsExactly(1, 1);
    }

    @Test
    void aRefusedRequestSpoilsNoOther() throws Exception {
        Future<Calls.Outcome> first = hold();
        List<Future<Calls.Outcome>> others = queued(column(1), column(5, REFUSED), column(4));
        model.gate.countDown();
        first.get();
        assertAnswers(others.get(0).get(), 2);
        assertAnswers(others.get(2).get(), 8);
        assertThatThrownBy(() -> others.get(1).get())
                .isInstanceOf(ExecutionException.class)
                .cause()
                .hasMessageContaining("row 1 is refused");
        assertThat(batches.waiting()).isZero();
    }

    @Test
    void aModelThatDoesNotAnswerRowByRowIsNotJoinedAgain() throws Exception {
        model.dropsRows = true;
        Future<Calls.Outcome> first = hold();
        List<Future<Calls.Outcome>> others = queued(column(1), column(2));
        model.gate.countDown();
        first.get();
        assertAnswers(others.get(0).get(), 2);
        assertAnswers(others.get(1).get(), 4);
        model.rowsOfCalls().clear();
        first = hold();
        others = queued(column(1), column(2));
        model.gate.countDown();
        first.get();
        assertAnswers(others.get(0).get(), 2);
        assertAnswers(others.get(1).get(), 4);
        assertThat(model.rowsOfCalls()).containsExactly(1, 1, 1);
    }

    @Test
    void underLoadEveryCallerGetsItsOwn() throws Exception {
        var chance = new Random(3);
        List<Future<Calls.Outcome>> asked = new ArrayList<>();
        List<double[]> values = new ArrayList<>();
        for (int i = 0; i < 1_500; i++) {
            double[] some = chance.doubles(1 + chance.nextInt(4)).toArray();
            if (chance.nextInt(50) == 0) {
                some[0] = REFUSED;
            }
            values.add(some);
            asked.add(ask(column(some)));
        }
        for (int i = 0; i < asked.size(); i++) {
            double[] some = values.get(i);
            Future<Calls.Outcome> one = asked.get(i);
            if (some[0] == REFUSED) {
                assertThatThrownBy(one::get).isInstanceOf(ExecutionException.class);
            } else {
                double[] wanted = some.clone();
                for (int j = 0; j < wanted.length; j++) {
                    wanted[j] *= 2;
                }
                assertAnswers(one.get(), wanted);
            }
        }
        assertThat(batches.waiting()).isZero();
    }

    @Test
    void whoIsCancelledLeavesTheQueueAndIsNotPredicted() throws Exception {
        Future<Calls.Outcome> first = hold();
        var gone = new AtomicBoolean();
        try (var cancellation = Cancellation.of(gone::get, Optional.empty())) {
            Future<Calls.Outcome> leaves =
                    callers.submit(() -> batches.call(List.of(column(1)), new CallContext(Map.of(), cancellation)));
            Await.until("it waits", () -> batches.waiting() == 1);
            Future<Calls.Outcome> stays = queued(column(2)).getFirst();
            gone.set(true);
            Await.until("it has left", () -> batches.waiting() == 1);
            assertThatThrownBy(leaves::get).cause().hasMessageContaining("gone");
            model.gate.countDown();
            assertAnswers(first.get(), 200);
            assertAnswers(stays.get(), 4);
            assertThat(model.rowsOfCalls()).containsExactly(1, 1);
        }
    }

    @Test
    void requestsOfDifferentParametersAreNotJoined() throws Exception {
        Future<Calls.Outcome> first = hold();
        List<Future<Calls.Outcome>> asked = new ArrayList<>();
        for (Object temperature : List.of(1.0, 2.0, 1.0)) {
            int waiting = batches.waiting();
            var context = new CallContext(Map.of("temperature", temperature), Cancellation.NEVER);
            asked.add(callers.submit(() -> batches.call(List.of(column(3)), context)));
            Await.until("one more that waits", () -> batches.waiting() == waiting + 1);
        }
        model.gate.countDown();
        first.get();
        for (Future<Calls.Outcome> one : asked) {
            assertAnswers(one.get(), 6);
        }
        assertThat(model.rowsOfCalls()).containsExactly(1, 2, 1);
    }

    @Test
    void whoIsCancelledLeavesTheTurnstile() throws Exception {
        var turnstile = new Turnstile(model, new WaitingRoom(2_000, 2_000).line());
        model.gate = new CountDownLatch(1);
        var gone = new AtomicBoolean();
        try (var cancellation = Cancellation.of(gone::get, Optional.empty())) {
            List<Future<Calls.Outcome>> inside = new ArrayList<>();
            while (turnstile.waiting() == 0) {
                int calls = model.rowsOfCalls().size();
                inside.add(callers.submit(() -> turnstile.call(List.of(column(1)), CallContext.NONE)));
                Await.until("in or waiting", () -> model.rowsOfCalls().size() > calls || turnstile.waiting() > 0);
            }
            int running = model.rowsOfCalls().size();
            Future<Calls.Outcome> leaves =
                    callers.submit(() -> turnstile.call(List.of(column(2)), new CallContext(Map.of(), cancellation)));
            Await.until("it waits", () -> turnstile.waiting() == 2);
            gone.set(true);
            Await.until("it has left", () -> turnstile.waiting() == 1);
            assertThatThrownBy(leaves::get).cause().hasMessageContaining("gone");
            model.gate.countDown();
            for (Future<Calls.Outcome> one : inside) {
                one.get();
            }
            assertThat(model.rowsOfCalls()).hasSize(running + 1);
            // Every place is free again.
            assertAnswers(turnstile.call(List.of(column(5)), CallContext.NONE), 10);
        }
    }
}
