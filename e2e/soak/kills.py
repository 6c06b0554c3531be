"""SIGKILL again and again with runs, predictions, labels and pipelines in flight; nothing acknowledged is lost.

python3 e2e/soak/kills.py [--kills 200] [--postgres] [--seed N]
"""

from __future__ import annotations

import argparse
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import Server, command, postgres_schema, tabular_project
from load import MLFLOW, PROJECT, Caller, Client, Neighbour, Trainer

SETTLE_SECONDS = 180


def lost_points(server: Server, neighbours: list[Neighbour]) -> list[str]:
    """Runs whose history lacks an acknowledged step."""
    found = []
    for neighbour in neighbours:
        for run, last in neighbour.acknowledged.items():
            steps: set[int] = set()
            token = ""
            while True:
                path = f"{MLFLOW}/metrics/get-history?run_id={run}&metric_key=loss&max_results=25000{token}"
                answer = server.get(path)[1]
                steps.update(point["step"] for point in answer["metrics"])
                if not answer.get("next_page_token"):
                    break
                token = "&page_token=" + answer["next_page_token"]
            missing = set(range(last + 1)) - steps
            if missing:
                found.append(f"run {run} lacks {len(missing)} of {last + 1} acknowledged points")
    return found


def lost_predictions(server: Server, callers: list[Caller]) -> list[str]:
    """Acknowledged predictions that take no label: the journal does not hold them."""
    found = []
    for caller in callers:
        for start in range(0, len(caller.acknowledged), 1_000):
            ids = caller.acknowledged[start : start + 1_000]
            labels = [{"id": one, "value": "yes"} for one in ids]
            status, answer = server.call("POST", f"{PROJECT}/deployments/model/labels", {"labels": labels})
            count = len(answer.get("unknown", [])) + len(answer.get("lost", []))
            if status != 200 or count:
                found.append(f"{count} of {len(ids)} acknowledged predictions are unknown ({status}: {str(answer)[:200]})")
    return found


def unfinished(server: Server, trainers: list[Trainer]) -> list[str]:
    """Pipeline runs that do not come to an end."""
    found = []
    deadline = time.monotonic() + SETTLE_SECONDS
    for trainer in trainers:
        for run in trainer.started:
            while True:
                answer = server.get(f"{PROJECT}/pipeline-runs/{run}")[1]
                state = answer.get("run", answer).get("state")
                if state in ("SUCCEEDED", "FAILED", "CANCELLED"):
                    if state != "SUCCEEDED":
                        found.append(f"run {run} ended {state}")
                    break
                if time.monotonic() > deadline:
                    found.append(f"run {run} is still {state}")
                    break
                time.sleep(0.5)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--postgres", action="store_true", help="on the server that TIDEMILL_TEST_POSTGRES names")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    address = postgres_schema() if options.postgres else None
    server = Server(*(["--database", address] if address else []))
    chance = random.Random(options.seed)
    try:
        folder = tabular_project()
        for words in (("apply", "-f", str(folder)), ("run", "train")):
            done = command(*words, "--server", server.url)
            assert done.returncode == 0, done.stdout + done.stderr
        experiment = server.call("POST", f"{MLFLOW}/experiments/create", {"name": "killed"})[1]["experiment_id"]
        neighbours = [Neighbour(server.port, 200, experiment) for _ in range(4)]
        callers = [Caller(server.port, 50, "model", seed) for seed in range(2)]
        trainers = [Trainer(server.port, 1 / 10)]
        clients: list[Client] = [*neighbours, *callers, *trainers]
        for client in clients:
            client.start()
        for count in range(options.kills):
            time.sleep(0.3 + chance.random() * 4)
            server.kill()
            server.restart()
            if count % 20 == 19:
                print(f"{count + 1} kills", flush=True)
        time.sleep(2)
        for client in clients:
            client.stop()
        for client in clients:
            client.join(120)
        found = lost_points(server, neighbours) + lost_predictions(server, callers) + unfinished(server, trainers)
        points = sum(sum(last + 1 for last in one.acknowledged.values()) for one in neighbours)
        predictions = sum(len(one.acknowledged) for one in callers)
        runs = sum(len(one.started) for one in trainers)
        refused = {text: count for client in clients for text, count in client.unexpected.items()}
        print(f"{options.kills} kills, {points} points, {predictions} predictions, {runs} pipeline runs; refused: {refused}")
    finally:
        server.close()
    for complaint in found:
        print("lost: " + complaint, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
