package dev.tidemill.app;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.tidemill.platform.http.RequestBody;
import dev.tidemill.platform.http.SentFile;
import java.io.InputStream;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The arrows of the design, and who may import what. */
class ArchitectureTest {
    private static final String ROOT = "dev.tidemill.";
    private static final List<String> ARROWS = List.of(
            "identity",
            "artifacts",
            "pipelines",
            "datasets",
            "features",
            "tracking",
            "registry",
            "inference",
            "training",
            "deployments",
            "monitoring",
            "wires",
            "app");
    private static final List<String> WIRES = List.of("otlp", "oip", "mlflow");
    private static final List<String> BASE = List.of("platform", "statistics", "trees");
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.tidemill");

    @Test
    void everyModuleIsSeen() {
        for (String module : ARROWS) {
            assertThat(CLASSES.stream().filter(c -> c.getPackageName().startsWith(ROOT + module)))
                    .as(module)
                    .isNotEmpty();
        }
    }

    @Test
    void modulesUseOnlyWhatStandsToTheirLeft() {
        for (int i = 0; i < ARROWS.size(); i++) {
            for (int j = i + 1; j < ARROWS.size(); j++) {
                noClasses()
                        .that()
                        .resideInAPackage(ROOT + ARROWS.get(i) + "..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage(ROOT + ARROWS.get(j) + "..")
                        .check(CLASSES);
            }
        }
        for (String base : BASE) {
            noClasses()
                    .that()
                    .resideInAPackage(ROOT + base + "..")
                    .should()
                    .dependOnClassesThat(JavaClass.Predicates.resideInAnyPackage(
                            ARROWS.stream().map(module -> ROOT + module + "..").toArray(String[]::new)))
                    .check(CLASSES);
        }
    }

    @Test
    void ofAnotherDomainOnlyItsDomainPackage() {
        for (String module : ARROWS.subList(0, ARROWS.size() - 1)) {
            for (String other : ARROWS.subList(0, ARROWS.size() - 1)) {
                if (!module.equals(other)) {
                    noClasses()
                            .that()
                            .resideInAPackage(ROOT + module + "..")
                            .should()
                            .dependOnClassesThat(JavaClass.Predicates.resideInAPackage(ROOT + other + "..")
                                    .and(DescribedPredicate.not(
                                            JavaClass.Predicates.resideInAPackage(ROOT + other + ".domain"))))
                            .check(CLASSES);
                }
            }
        }
    }

    @Test
    void aWireUsesOnlyTheWiresToItsLeft() {
        for (int i = 0; i < WIRES.size(); i++) {
            for (String right : WIRES.subList(i + 1, WIRES.size())) {
                noClasses()
                        .that()
                        .resideInAPackage(ROOT + "wires." + WIRES.get(i) + "..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage(ROOT + "wires." + right + "..")
                        .check(CLASSES);
            }
        }
    }

    @Test
    void pureModulesTouchNoOther() {
        noClasses()
                .that()
                .resideInAnyPackage(ROOT + "statistics..", ROOT + "trees..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("java.io.File", "java.nio.file..", "java.net..", "java.sql..", ROOT + "platform..")
                .check(CLASSES);
    }

    @Test
    void theCommandLineKnowsNoServer() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + "cli..")
                .should()
                .dependOnClassesThat(JavaClass.Predicates.resideInAPackage("dev.tidemill..")
                        .and(DescribedPredicate.not(JavaClass.Predicates.resideInAPackage(ROOT + "cli.."))))
                .check(CLASSES);
    }

    @Test
    void domainsKnowNoHttpSqlOrJson() {
        noClasses()
                .that()
                .resideInAPackage("dev.tidemill.*.domain")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "io.javalin..",
                        "org.jdbi..",
                        "java.sql..",
                        "com.fasterxml..",
                        ROOT + "platform.http..",
                        ROOT + "platform.json..")
                .check(CLASSES);
    }

    @Test
    void onlyRoutesImportTheWebFramework() {
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT + "platform.http..", ROOT + "wires.mlflow.messages")
                .and()
                .haveSimpleNameNotEndingWith("Routes")
                .and()
                .haveSimpleNameNotEndingWith("Json")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.javalin..")
                .check(CLASSES);
    }

    /** What the web framework itself reads of a body is packed still, and not counted in the budget of bytes in flight. */
    @Test
    void onlyOneReadsBodiesOfRequests() {
        noClasses()
                .that()
                .doNotHaveFullyQualifiedName(RequestBody.class.getName())
                .should()
                .accessTargetWhere(DescribedPredicate.describe(
                        "reads a body past RequestBody",
                        access -> isBodyOf("io.javalin.http.Context", "body.*|form.*|uploaded.*", access)
                                || isBodyOf(
                                        "jakarta.servlet.ServletRequest",
                                        "get(InputStream|Reader|Part|Param).*",
                                        access)))
                .check(CLASSES);
    }

    /** So a file has parts, conditions and a name on every route that sends one, and {@code FileRoutesTest} finds the route. */
    @Test
    void filesAreSentInOnePlace() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + "platform.http..")
                .should()
                .accessTargetWhere(DescribedPredicate.describe(
                        "sends a file past Route.file",
                        access -> isBodyOf("io.javalin.http.Context", "outputStream|writeSeekableStream", access)
                                || isBodyOf("jakarta.servlet.ServletResponse", "get(OutputStream|Writer)", access)
                                || isBodyOf(SentFile.class.getName(), "send", access)
                                || access.getName().equals("result")
                                        && access.getTargetOwner().isAssignableTo("io.javalin.http.Context")
                                        && access.getTarget() instanceof AccessTarget.CodeUnitAccessTarget target
                                        && target.getRawParameterTypes().stream()
                                                .anyMatch(type -> type.isAssignableTo(InputStream.class))))
                .check(CLASSES);
    }

    private static boolean isBodyOf(String type, String methods, JavaAccess<?> access) {
        return access.getTargetOwner().isAssignableTo(type) && access.getName().matches(methods);
    }

    @Test
    void onlyStoresImportJdbi() {
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT + "platform.sql..", "dev.tidemill.*.store..")
                .and()
                .haveSimpleNameNotStartingWith("Sql")
                .and()
                .doNotHaveSimpleName("WebhookStore")
                .and()
                .doNotHaveSimpleName("EventCursors")
                .and()
                .doNotHaveSimpleName("Reset")
                .and()
                .doNotHaveSimpleName("OperationsRoutes")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.jdbi..")
                .check(CLASSES);
    }

    @Test
    void namesSayWhatThingsAre() {
        classes()
                .that()
                .resideInAPackage("dev.tidemill..")
                .should()
                .haveSimpleNameNotEndingWith("Impl")
                .andShould()
                .haveSimpleNameNotEndingWith("Manager")
                .andShould()
                .haveSimpleNameNotEndingWith("Util")
                .andShould()
                .haveSimpleNameNotEndingWith("Utils")
                .andShould()
                .haveSimpleNameNotEndingWith("Helper")
                .check(CLASSES);
    }
}
