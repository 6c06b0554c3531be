package dev.tidemill.deployments.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemill.platform.errors.ErrorCode;
import dev.tidemill.platform.errors.TidemillException;
import dev.tidemill.platform.events.EventQuery;
import dev.tidemill.training.domain.Incumbents;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What is offered, tried, promoted, turned down and put back. */
class RolloutsTest extends AssembledDeployments {
    private static final Map<String, Double> BETTER = Map.of("error", 1.0, "champion_error", 2.0);
    private static final Evidence EVIDENCE =
            new Evidence(48, 2, 1, Duration.ofDays(1), 2, 2, 0, -1.5, -0.5, Evidence.Unlike.NONE);
    private static final Instant TICK = Instant.parse("2026-03-01T00:00:00Z");

    private String stages(int... of) {
        return Arrays.stream(of)
                .mapToObj(version -> models.version("p", "m", version).stage().label())
                .collect(Collectors.joining(" "));
    }

    @Test
    void whatServesIsNotArchivedAndWhatServesNoMoreIs() {
        deployment("d", "model");
        Deployment second = deployment("d", "model");
        assertThat(second.champion()).contains(2);
        Rollouts rollouts = rollouts();
        rollouts.rollBack("p", "d", 1, "tester");
        assertThat(stages(1, 2)).isEqualTo("None Archived");
        rollouts.rollBack("p", "d", 2, "tester");
        assertThat(stages(1, 2)).isEqualTo("Archived None");
        deployment("e", "model");
        rollouts.rollBack("p", "e", 2, "tester");
        rollouts.rollBack("p", "d", 1, "tester");
        assertThat(stages(1, 2, 3)).as("version 2 serves in another deployment").isEqualTo("None None Archived");
        models.moveToStage("p", "m", 1, "Production", false, "tester");
        rollouts.rollBack("p", "d", 3, "tester");
        rollouts.rollBack("p", "e", 1, "tester");
        assertThat(stages(1, 2, 3)).isEqualTo("None Archived None");
    }

    @Test
    void whatWasLoadedIsNoVersionOfAnotherModelThatIsServedMeanwhile() {
        registered.insertModel("p", "other", "", Instant.EPOCH);
        Deployment.Definition definition = deployment("d", "model").definition();
        var other = new Deployment.Definition(
                "other", Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
        store.define("p", "new", definition);
        Rollouts rollouts = rollouts(version -> {
            store.define("p", "new", other);
            return cache.acquire(version);
        });
        for (Runnable change : List.<Runnable>of(
                () -> rollouts.offer("p", "new", number, Map.of(), Optional.empty(), "run/offer", "tester"),
                () -> rollouts.rollBack("p", "new", number, "tester"))) {
            store.define("p", "new", definition);
            assertThatThrownBy(change::run).isInstanceOfSatisfying(TidemillException.class, refusal -> {
                assertThat(refusal.code()).isEqualTo(ErrorCode.CONFLICT);
                assertThat(refusal.message()).contains("'other'").contains("'m'");
            });
            assertThat(store.find("p", "new").orElseThrow().champion()).isEmpty();
        }
    }

    /** As after a crash between the offer and the end of the step that made it. */
    @Test
    void anOfferThatWasMadeBeforeEndsTheSame() {
        Deployment served = deployment("d", "model");
        Deployment next = deployment("next", "model");
        int version = next.champion().orElseThrow();
        Map<String, Double> errors = Map.of("error", 1.0, "champion_error", 2.0);
        Rollouts rollouts = rollouts();
        Deployment offered = rollouts.offer("p", "d", version, errors, Optional.empty(), "run/offer", "tester");
        assertThat(offered.challenger()).contains(version);
        assertThat(rollouts.offer("p", "d", version, errors, Optional.empty(), "run/offer", "tester"))
                .isEqualTo(offered);
        rollouts.promote(offered, "better", Map.of(), Optional.empty(), "tester");
        assertThat(rollouts.offer("p", "d", version, errors, Optional.empty(), "run/offer", "tester")
                        .champion())
                .contains(version);
        assertThat(rollouts.decisionOf("p", "d", "run/offer").orElseThrow().action())
                .isEqualTo(Decision.Action.SHADOWED);
        assertThatThrownBy(() -> {
                    rollouts.offer("p", "d", number - 1, errors, Optional.empty(), "run/second", "tester");
                    rollouts.offer("p", "d", version, errors, Optional.empty(), "run/third", "tester");
                })
                .hasMessageContaining("is trying version " + (number - 1) + " already");
        assertThat(served.champion()).contains(number - 1);
    }

    /** As after a second training on the same rows: by held-out rows that the champion has seen it would look inferior. */
    @Test
    void theSameModelAgainIsSaidToBeTheSame() {
        Deployment served = deployment("d", "model", "the model");
        int champion = served.champion().orElseThrow();
        int again = deployment("again", "model", "the model").champion().orElseThrow();
        Rollouts rollouts = rollouts();
        Map<String, Double> errors = Map.of("error", 2.0, "champion_error", 1.0);
        assertThat(rollouts.offer("p", "d", again, errors, Optional.empty(), "run/same", "tester")
                        .challenger())
                .isEmpty();
        Decision decision = rollouts.decisionOf("p", "d", "run/same").orElseThrow();
        assertThat(decision.action()).isEqualTo(Decision.Action.REJECTED);
        assertThat(decision.reason())
                .startsWith("at the gate: it is the same model as the champion, version " + champion)
                .doesNotContain("inferior");
    }

    /** What the gate's comparison needs to know of the version that serves. */
    @Test
    void theIncumbentSaysHowFarItsDataWentAndHowManyRowsDecide() {
        Deployment served = deployment("d", "model");
        Rollouts rollouts = rollouts();
        Incumbents.Incumbent incumbent = rollouts.incumbent("p", "d").orElseThrow();
        assertThat(incumbent.reference()).isEqualTo("m/" + served.champion().orElseThrow());
        assertThat(incumbent.dataUntil()).contains(TRAINED_UNTIL);
        assertThat(incumbent.rows()).isEqualTo(48);
    }

    private Map<String, Integer> aliases() {
        return aliases.of("p", "m");
    }

    /** Every state that a rollout can be in, in the order of one that ends well, and what each says. */
    @Test
    void aTrialGoesFromShadowThroughCanaryToPromotion() {
        int champion = deployment("d", "model").champion().orElseThrow();
        int offered = deployment("next", "model").champion().orElseThrow();
        Rollouts rollouts = rollouts();

        Deployment shadowed =
                rollouts.offer("p", "d", offered, BETTER, Optional.of(TRAINED_UNTIL), "run/offer", "tester");
        assertThat(shadowed.phase()).isEqualTo(Deployment.Phase.SHADOW);
        assertThat(shadowed.champion()).contains(champion);
        assertThat(shadowed.challenger()).contains(offered);
        assertThat(shadowed.share()).isZero();
        assertThat(shadowed.offeredAt()).contains(TRAINED_UNTIL);
        assertThat(aliases()).containsEntry("challenger", offered);

        Deployment inCanary = rollouts.canary(shadowed, 0.1, "not worse", EVIDENCE, TICK);
        assertThat(inCanary.phase()).isEqualTo(Deployment.Phase.CANARY);
        assertThat(inCanary.share()).isEqualTo(0.1);
        assertThat(inCanary.phaseSince()).contains(TICK);
        assertThat(inCanary.offeredAt()).as("when the trial began").contains(TRAINED_UNTIL);

        Deployment promoted = rollouts.promote(inCanary, "better", Map.of(), Optional.of(TICK), "tester");
        assertThat(promoted.phase()).isEqualTo(Deployment.Phase.NONE);
        assertThat(promoted.champion()).contains(offered);
        assertThat(promoted.championSince()).contains(TICK);
        assertThat(promoted.challenger()).isEmpty();
        assertThat(promoted.revision()).isEqualTo(shadowed.revision() + 2);
        assertThat(aliases()).containsEntry("champion", offered).doesNotContainKey("challenger");
        assertThat(stages(champion)).isEqualTo("Archived");
        assertThat(rollouts.decisions("p", "d", Long.MAX_VALUE, 10))
                .extracting(Decision::action)
                .containsExactly(Decision.Action.SHADOWED, Decision.Action.CANARIED, Decision.Action.PROMOTED);
        assertThat(rollouts.lastFinalDecision("p", "d")).contains(TICK);
        assertThat(events.newest(new EventQuery(
                                Optional.of("p"),
                                Optional.of("model.alias.removed"),
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                10))
                        .items())
                .extracting(stored -> stored.event().actor())
                .containsExactly("tester");
    }

    @Test
    void aTrialThatIsTurnedDownLeavesTheChampionAndArchivesTheVersion() {
        int champion = deployment("d", "model").champion().orElseThrow();
        int offered = deployment("next", "model").champion().orElseThrow();
        store.delete("p", "next", TICK);
        Rollouts rollouts = rollouts();
        Deployment shadowed = rollouts.offer("p", "d", offered, BETTER, Optional.empty(), "run/offer", "tester");
        Deployment rejected = rollouts.reject(shadowed, "worse", Map.of(), Optional.of(TICK), "tester");
        assertThat(rejected.champion()).contains(champion);
        assertThat(rejected.challenger()).isEmpty();
        assertThat(rejected.phase()).isEqualTo(Deployment.Phase.NONE);
        assertThat(rejected.offeredAt()).isEmpty();
        assertThat(stages(champion, offered)).isEqualTo("None Archived");
        assertThat(aliases()).doesNotContainKey("challenger");
    }

    @Test
    void whatTheGateTurnsDownIsNeverOnTrial() {
        int champion = deployment("d", "model").champion().orElseThrow();
        int offered = deployment("next", "model").champion().orElseThrow();
        Rollouts rollouts = rollouts();
        Map<String, Double> worse = Map.of("error", 2.0, "champion_error", 1.0);
        Deployment after = rollouts.offer("p", "d", offered, worse, Optional.empty(), "run/offer", "tester");
        assertThat(after.champion()).contains(champion);
        assertThat(after.challenger()).isEmpty();
        assertThat(rollouts.decisionOf("p", "d", "run/offer").orElseThrow().reason())
                .startsWith("at the gate: ");
        assertThat(stages(champion, offered)).as("another deployment serves it").isEqualTo("None None");

        int lone = deployment("lone", "model").champion().orElseThrow();
        store.delete("p", "lone", TICK);
        rollouts.offer("p", "d", lone, worse, Optional.empty(), "run/again", "tester");
        assertThat(stages(champion, lone))
                .as("nobody is answered by it as the newest version")
                .isEqualTo("None Archived");
    }

    @Test
    void withoutATrialNothingIsPromotedOrTurnedDownAndWhatServesIsNotPutBack() {
        Deployment served = deployment("d", "model");
        Rollouts rollouts = rollouts();
        for (Runnable refused : List.<Runnable>of(
                () -> rollouts.promote(served, "better", Map.of(), Optional.empty(), "tester"),
                () -> rollouts.reject(served, "worse", Map.of(), Optional.empty(), "tester"),
                () -> rollouts.rollBack("p", "d", number, "tester"))) {
            assertThatThrownBy(refused::run)
                    .isInstanceOfSatisfying(
                            TidemillException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.FAILED_PRECONDITION));
        }
        assertThat(store.find("p", "d")).contains(served);
        assertThat(rollouts.decisions("p", "d", Long.MAX_VALUE, 10)).isEmpty();
    }

    /** As of two that look at the same trial, or somebody who decides by hand while a tick does. */
    @Test
    void aDecisionOnWhatHasChangedMeanwhileIsRefusedAndLeavesNothing() {
        deployment("d", "model");
        int offered = deployment("next", "model").champion().orElseThrow();
        Rollouts rollouts = rollouts();
        Deployment shadowed = rollouts.offer("p", "d", offered, BETTER, Optional.empty(), "run/offer", "tester");
        Deployment promoted = rollouts.promote(shadowed, "better", Map.of(), Optional.empty(), "tester");
        assertThatThrownBy(() -> rollouts.reject(shadowed, "worse", Map.of(), Optional.empty(), "tester"))
                .isInstanceOfSatisfying(
                        TidemillException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.CONFLICT));
        assertThat(store.find("p", "d")).contains(promoted);
        assertThat(rollouts.decisions("p", "d", Long.MAX_VALUE, 10)).hasSize(2);
    }

    /** Whoever asks the registry for the champion is told the version that answers. */
    @Test
    void theAliasesOfARolloutAreMovedByItsDecisionsAlone() {
        int champion = deployment("d", "model").champion().orElseThrow();
        int offered = deployment("next", "model").champion().orElseThrow();
        store.delete("p", "next", TICK);
        Rollouts rollouts = rollouts();
        aliases.set("p", "m", "champion", offered, "user:ada");
        models.knowUse(deployments());
        rollouts.offer("p", "d", offered, BETTER, Optional.empty(), "run/offer", "tester");
        assertThat(aliases()).isEqualTo(Map.of("champion", champion, "challenger", offered));
        for (Runnable refused : List.<Runnable>of(
                () -> aliases.set("p", "m", "champion", offered, "user:ada"),
                () -> aliases.set("p", "m", "challenger", champion, "user:ada"),
                () -> aliases.remove("p", "m", "champion", "user:ada"),
                () -> aliases.remove("p", "m", "challenger", "user:ada"))) {
            assertThatThrownBy(refused::run).isInstanceOfSatisfying(TidemillException.class, refusal -> {
                assertThat(refusal.code()).isEqualTo(ErrorCode.CONFLICT);
                assertThat(refusal.message()).contains("by deployment 'd'");
            });
        }
        aliases.set("p", "m", "champion", champion, "user:ada");
        aliases.set("p", "m", "tested", offered, "user:ada");
        aliases.remove("p", "m", "tested", "user:ada");
        assertThat(aliases()).isEqualTo(Map.of("champion", champion, "challenger", offered));
        rollouts.rollBack("p", "d", champion, "tester");
        aliases.set("p", "m", "challenger", offered, "user:ada");
        assertThat(aliases()).as("no trial keeps it").containsEntry("challenger", offered);
    }

    @Test
    void theEndOfOneDeploymentsTrialLeavesTheAliasToAnotherThatTries() {
        int first = deployment("d", "model").champion().orElseThrow();
        deployment("e", "model");
        int offered = deployment("next", "model").champion().orElseThrow();
        store.delete("p", "next", TICK);
        Rollouts rollouts = rollouts();
        rollouts.offer("p", "e", offered, BETTER, Optional.empty(), "run/offer", "tester");
        assertThat(aliases()).containsEntry("challenger", offered);
        rollouts.rollBack("p", "d", offered, "tester");
        assertThat(aliases()).as("'e' tries it still").containsEntry("challenger", offered);
        assertThat(stages(first)).isEqualTo("Archived");
    }

    /** It is served by that stage, or by its name, to whoever has given it. */
    @Test
    void whatHasAStageIsNotArchivedByTheGate() {
        deployment("d", "model");
        int offered = deployment("next", "model").champion().orElseThrow();
        store.delete("p", "next", TICK);
        models.moveToStage("p", "m", offered, "Production", false, "tester");
        Map<String, Double> worse = Map.of("error", 2.0, "champion_error", 1.0);
        rollouts().offer("p", "d", offered, worse, Optional.empty(), "run/offer", "tester");
        assertThat(stages(offered)).isEqualTo("Production");
    }
}
