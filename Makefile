# Common commands. `make help` lists them.
JDK := $(shell bash -c 'for h in "$$TIDEMILL_JAVA_HOME" "$$JAVA_HOME" /usr/lib/jvm/* /opt/java/* $$HOME/.sdkman/candidates/java/* $$HOME/.jdks/*; do grep -qsE "^JAVA_VERSION=\"25" "$$h/release" && [ -x "$$h/bin/javac" ] && echo "$$h" && exit; done')
MVN := JAVA_HOME="$(JDK)" mvn -B --no-transfer-progress

SDK := .cache/peers/sdk/bin

# Names of files hold any letter in tests; Java writes them as the locale says.
export LC_ALL ?= C.UTF-8

.PHONY: bench-inference bench-trees help build ui java test java-test ui-test python-test e2e-test peers bench bench-tracking soak surety fmt clean jdk

help: ## list the commands
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

jdk:
	@[ -n "$(JDK)" ] || { echo "No JDK 25 was found; set TIDEMILL_JAVA_HOME"; exit 1; }
	@command -v mvn >/dev/null || { echo "Maven (mvn) was not found"; exit 1; }
	@command -v npm >/dev/null || { echo "Node.js with npm was not found"; exit 1; }

ui/node_modules: ui/package-lock.json
	cd ui && npm ci --no-audit --no-fund --loglevel=error
	touch ui/node_modules

ui: jdk ui/node_modules ## build the user interface
	cd ui && npm run --silent build

build: ui ## build the jar, without tests
	$(MVN) -q install -DskipTests
	./tidemill --make-cache

test: jdk ui-test python-test java-test e2e-test ## every test; skips by name what this machine lacks

ui-test: ui/node_modules
	cd ui && npm run --silent check && npm run --silent test && npm run --silent build

python-test:
	@[ -x $(SDK)/python ] || echo "note: the Python package's tools are not here (make peers); its checks are skipped"
	[ ! -x $(SDK)/python ] || { $(SDK)/ruff check python e2e benchmarks registry/tools --config python/pyproject.toml && $(SDK)/ruff format --check python e2e benchmarks registry/tools --config python/pyproject.toml && $(SDK)/mypy --config-file python/pyproject.toml python/src python/tests && $(SDK)/python -m unittest discover -s python/tests; }

java-test: jdk
	@[ -n "$$TIDEMILL_TEST_POSTGRES" ] || echo "note: TIDEMILL_TEST_POSTGRES is not set; tests on PostgreSQL are skipped"
	$(MVN) install
	./tidemill --make-cache

e2e-test:
	@command -v chromium >/dev/null || echo "note: no Chromium; the walk through the screens is skipped"
	@[ -x .cache/peers/mlflow/bin/python ] || echo "note: no MLflow peer (make peers); its test is skipped"
	python3 e2e/suite.py

peers: ## install the Python peers that tests compare with, one virtual environment each
	e2e/peers.sh

bench: build ## measure against the budgets; results go to benchmarks/results
	python3 benchmarks/measure.py

bench-tracking: build peers ## measure tracking beside MLflow's own server
	python3 benchmarks/tracking.py

bench-inference: build peers ## measure inference beside MLServer and MLflow's scoring server
	JAVA_HOME=$(JDK) python3 benchmarks/inference.py

bench-trees: jdk peers ## measure tree scoring beside ONNX Runtime, LightGBM and XGBoost
	$(MVN) -q install -DskipTests -pl trees
	JAVA_HOME=$(JDK) python3 benchmarks/trees.py

surety: jdk ## simulate how often a promotion errs, and write it into docs/promotion.md
	$(MVN) -q install -DskipTests -pl deployments -am
	$(MVN) -q test -pl deployments -Dtest=Surety

soak: build ## hours of kills, mixed load and random requests, on both databases
	cd e2e && TIDEMILL_E2E_KILLS=60 python3 -m unittest -v test_loop.LoopTest.test_killed_again_and_again_while_another_stands_by_it_ends_the_same
	python3 e2e/soak/kills.py --kills 200
	python3 e2e/soak/fuzz.py --minutes 60
	python3 e2e/soak/mixed.py --minutes 120
	[ -z "$$TIDEMILL_TEST_POSTGRES" ] || { python3 e2e/soak/kills.py --kills 200 --postgres && python3 e2e/soak/mixed.py --minutes 120 --postgres; }

fmt: jdk ## format the Java sources
	$(MVN) -q spotless:apply

clean: ## remove what was built
	$(MVN) -q clean
	rm -rf ui/dist
