"""Makes at a tracking address what imports and exports have stumbled over, and prints what is to be found afterwards.

Arguments: ``make`` or ``tell``, and the address; for ``make`` also the folder of artifacts.
"""

from __future__ import annotations

import json
import os
import pathlib
import sys

os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")

import mlflow

mlflow.set_tracking_uri(sys.argv[2])
client = mlflow.MlflowClient()
WORDS = "it's"


def make() -> None:
    experiment = client.create_experiment("odd", artifact_location=pathlib.Path(sys.argv[3], "odd").as_uri())
    with mlflow.start_run(experiment_id=experiment, run_name="r") as run:
        mlflow.log_metric("loss", 0.5)
        mlflow.log_text("plain", "plain.txt")
        mlflow.log_text("umlaut", "ümläut dir/a b.txt")
        model = client.create_logged_model(experiment, name="net", source_run_id=run.info.run_id)
        client.finalize_logged_model(model.model_id, "READY")
        for step in range(3):
            client.log_metric(run.info.run_id, "acc", 0.1 * step, step=step, model_id=model.model_id)
        files = pathlib.Path(sys.argv[3], "odd", run.info.run_id, "artifacts")
        (files / "model").mkdir()
        (files / "model" / "MLmodel").write_text("flavors: {}\n")
        (files / "a#b.txt").write_text("odd")
        (files / "c\\d.txt").write_text("odd")
        source = f"{(files / 'model').as_uri()}"
    client.create_registered_model(WORDS)
    client.create_model_version(WORDS, source, run.info.run_id)
    client.set_registered_model_alias(WORDS, "ü", 1)
    client.create_registered_model("copied")
    client.copy_model_version(f"models:/{WORDS}/1", "copied")


def tell() -> None:
    experiment = client.get_experiment_by_name("odd")
    run = client.search_runs([experiment.experiment_id])[0]
    model = client.search_logged_models([experiment.experiment_id])[0]
    told = {
        "files": sorted(one.path for one in client.list_artifacts(run.info.run_id)),
        "text": pathlib.Path(client.download_artifacts(run.info.run_id, "ümläut dir/a b.txt")).read_text(),
        "tags": {key: value for key, value in run.data.tags.items() if key.startswith("git")},
        "measured": sorted((one.key, one.step, one.value, one.run_id) for one in model.metrics),
        "aliases": {key: int(value) for key, value in client.get_registered_model(WORDS).aliases.items()},
        "copied": sorted(
            path.name
            for path in pathlib.Path(mlflow.artifacts.download_artifacts("models:/copied/1")).iterdir()
            if path.is_file() and path.name != "registered_model_meta"
        ),
    }
    print(json.dumps(told, sort_keys=True))


globals()[sys.argv[1]]()
