"""Asks this server and MLflow's own several hundred times the same, out of tables, and compares every answer.

Each module here but ``frame`` is a subject, and is found by its name: it holds one function ``probe(story)`` that sends requests with
``story.step`` (the answer is kept) or ``story.call`` (it is not) and keeps values with ``story.tell``. What is known to differ is in
``known_differences.txt``, with the reason. By hand: ``python3 -m mlflow_probe OUR-ADDRESS MLFLOWS-ADDRESS [SUBJECT ...]``.
"""
