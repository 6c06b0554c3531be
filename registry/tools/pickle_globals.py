"""Finds what honest pickles of data and models refer to, and writes the allow-list of `PickleGlobals` from it.

    python pickle_globals.py collect here.json      # once in an environment for each set of versions
    python pickle_globals.py merge *.json           # writes the list and what its test compares with

A pair is listed if a library's own object was pickled and named it, or if it is a class of a kind whose pickles hold attributes
alone (an estimator, a kernel, a loss), and always under the module that defines it. How it may be used is noted too: `c` called
(REDUCE), `m` made without a call of its initialiser (NEWOBJ) and given its state (BUILD); nothing: named as a value.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import fractions
import gzip
import importlib
import inspect
import io
import json
import pathlib
import pickle
import pkgutil
import sys
import uuid
import warnings
from collections import Counter, OrderedDict, defaultdict, deque

HERE = pathlib.Path(__file__).resolve().parent.parent / "src"
LIST = HERE / "main/resources/dev/tidemill/registry/domain/pickle-globals.txt"
REACHABLE = HERE / "test/resources/dev/tidemill/registry/pickle-reachable.txt.gz"
ROOTS = ("builtins", "collections", "copyreg", "_codecs", "datetime", "decimal", "fractions", "uuid", "pathlib", "numpy", "scipy")
ROOTS += ("pandas", "sklearn", "xgboost", "lightgbm")
# What scikit-learn's losses call their own module.
ROOTS += ("_loss",)
# Whatever a pickle names, these import, open or evaluate what their arguments say.
NEVER = {
    "numpy.core._ufunc_reconstruct",
    "numpy._core._ufunc_reconstruct",
    "numpy.core._DType_reconstruct",
    "builtins.getattr",
    "builtins.eval",
    "builtins.exec",
    "builtins.open",
    "builtins.print",
    "builtins.type",
    "functools.partial",
    "operator.attrgetter",
    "operator.methodcaller",
}
NEVER_BELOW = ("sklearn.datasets", "sklearn.externals", "sklearn.utils._testing", "sklearn.utils._mocking", "scipy.stats")
# Names of Python 2, which its pickles still carry.
OLD = {
    "__builtin__": ["set", "frozenset", "object", "list", "dict", "tuple", "bytes", "bytearray", "slice", "complex", "xrange"],
    "copy_reg": ["_reconstructor"],
}
# Gradient boosting checks its categories with a part of check_array; PickleScan lets functools.partial be made of that alone.
MORE = {
    "functools partial": "c",
    "sklearn.utils.validation check_array": "",
    "sklearn.compose._column_transformer _RemainderColsList": "m",
}

uses: dict[tuple[str, str], set[str]] = defaultdict(set)


class Tracer(pickle._Unpickler):
    """Notes what is named and how it is used. Opens our own pickles alone."""

    dispatch = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.named: dict[int, tuple[str, str]] = {}

    def find_class(self, module: str, name: str) -> object:
        found = super().find_class(module, name)
        self.named[id(found)] = (module, name)
        uses[module, name].add("v")
        return found

    def note(self, what: object, use: str) -> None:
        if id(what) in self.named:
            uses[self.named[id(what)]].add(use)

    def load_reduce(self) -> None:
        function, arguments = self.stack[-2:]
        self.note(function, "c")
        if getattr(function, "__name__", "") == "_reconstructor":
            self.note(arguments[0], "m")
        super().load_reduce()

    def load_newobj(self) -> None:
        self.note(self.stack[-2], "m")
        super().load_newobj()

    def load_newobj_ex(self) -> None:
        self.note(self.stack[-3], "m")
        super().load_newobj_ex()

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.NEWOBJ[0]] = load_newobj
    dispatch[pickle.NEWOBJ_EX[0]] = load_newobj_ex


def trace(thing: object) -> None:
    if type(thing) is list:
        for one in thing:
            trace(one)
        return
    for protocol in (0, 2, 3, 4, 5):
        try:
            content = pickle.dumps(thing, protocol)
        except Exception as error:
            print("cannot be pickled:", type(thing).__name__, str(error)[:80], file=sys.stderr)
            return
        try:
            Tracer(io.BytesIO(content)).load()
        except Exception as error:
            print("cannot be read:", type(thing), protocol, str(error)[:80], file=sys.stderr)


def plain() -> None:
    trace([{1}, frozenset([1]), 1j, bytearray(b"x"), slice(1, 2), range(3), object(), int, float, bool, str, bytes, type(None)])
    trace([list, dict, tuple, set, frozenset, complex, bytearray, object, slice, range, type(...), NotImplemented])
    trace(
        [
            OrderedDict(a=1),
            defaultdict(list),
            defaultdict(int),
            deque([1]),
            Counter("aab"),
            OrderedDict,
            defaultdict,
            deque,
            Counter,
        ]
    )
    now = datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.timezone.utc)
    trace([now, now.date(), now.time(), datetime.timedelta(1), datetime.timezone(datetime.timedelta(hours=1))])
    trace(
        [decimal.Decimal("1.5"), fractions.Fraction(1, 3), uuid.UUID(int=1), pathlib.PurePosixPath("a"), pathlib.PosixPath("a")]
    )


def numbers() -> None:
    import numpy as np

    kinds = sorted(set(np.sctypeDict.values()), key=lambda kind: kind.__name__)
    trace(kinds)
    for kind in kinds:
        trace([np.zeros(2, kind), np.dtype(kind)])
        if kind not in (np.void,):
            trace(np.zeros(2, kind)[0])
    trace([type(np.dtype(kind)) for kind in kinds if type(np.dtype(kind)) is not np.dtype])
    trace([np.ndarray, np.dtype, np.array([[1, "a"]], dtype=object), np.array(["a", "bb"]), np.array([b"a"])])
    trace(
        [
            np.asfortranarray(np.ones((3, 2))),
            np.ones((4, 4))[::2],
            np.array(1.5),
            np.array("2026-01-01", "M8[D]"),
            np.timedelta64(1, "s"),
        ]
    )
    trace([np.zeros(2, [("a", "f8"), ("b", "U3")]), np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), np.matrix([[1]])])
    trace([np.ma.masked_array([1, 2], [0, 1]), np.poly1d([1, 2]), np.polynomial.Polynomial([1, 2]), np.polynomial.Chebyshev([1])])
    for name in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"):
        generator = getattr(np.random, name)(1)
        trace([generator, np.random.Generator(generator)])
    trace([np.random.RandomState(1), np.random.SeedSequence(1), np.random.default_rng(1)])
    # numpy.random.mtrand._rand is what sklearn.utils.check_random_state(None) gives.
    trace(np.random.mtrand._rand)
    trace([value for _, value in inspect.getmembers(np) if isinstance(value, np.ufunc)])
    trace([np.mean, np.median, np.sum, np.std, np.var, np.min, np.max, np.mod])


def science() -> None:
    import numpy as np
    from scipy import interpolate, sparse, spatial, special

    for form in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil"):
        trace(getattr(sparse, form + "_matrix")(np.eye(3)))
        if hasattr(sparse, form + "_array"):
            trace(getattr(sparse, form + "_array")(np.eye(3)))
    x = np.arange(6.0)
    trace(
        [interpolate.interp1d(x, x**2), interpolate.BSpline(np.arange(9.0), np.ones(5), 3), interpolate.PchipInterpolator(x, x)]
    )
    trace([interpolate.CubicSpline(x, x), interpolate.UnivariateSpline(x, x), interpolate.PPoly(np.ones((2, 2)), np.arange(3.0))])
    trace([interpolate.Akima1DInterpolator(x, x), interpolate.RegularGridInterpolator((x,), x)])
    trace([spatial.cKDTree(np.random.rand(20, 2)), spatial.KDTree(np.random.rand(20, 2))])
    trace([value for _, value in inspect.getmembers(special) if isinstance(value, np.ufunc)])


def tables() -> None:
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame(
        {
            "a": [1, 2],
            "b": [1.5, None],
            "c": ["x", None],
            "d": pd.Categorical(["u", "v"]),
            "e": pd.to_datetime(["2026-01-01", "2026-01-02"]),
            "f": pd.to_datetime(["2026-01-01", "2026-01-02"]).tz_localize("UTC"),
            "g": pd.to_timedelta([1, 2], "h"),
            "h": pd.array([1, None], "Int64"),
            "i": pd.array([1.0, None], "Float64"),
            "j": pd.array([True, None], "boolean"),
            "k": pd.period_range("2026-01", periods=2, freq="M"),
            "l": pd.interval_range(0, 2),
            "m": [{"a": 1}, [1]],
            "n": np.array([True, False]),
            "o": pd.arrays.SparseArray([0, 1]),
        }
    )
    for column in frame:
        trace([frame[[column]], frame[column], frame[column].dtype])
        trace(frame.set_index(column) if column not in "m" else frame)
    for storage in ("python", "object"):
        with contextlib.suppress(TypeError, ValueError):
            trace(pd.array(["a", None], f"string[{storage}]"))
    trace([pd.Timestamp("2026-01-01"), pd.Timedelta(1, "h"), pd.Period("2026-01"), pd.Interval(0, 1), pd.NaT, pd.NA])
    trace([pd.MultiIndex.from_tuples([(1, "a")]), pd.RangeIndex(3), pd.DatetimeIndex(["2026-01-01"], freq="D"), pd.Index(["a"])])
    trace([pd.offsets.Day(1), pd.offsets.MonthEnd(1), pd.offsets.BusinessDay(1), pd.offsets.Hour(2), pd.offsets.Week(weekday=1)])


def estimators() -> None:
    import numpy as np
    import sklearn
    from sklearn.utils import all_estimators

    chance = np.random.RandomState(1)
    x = np.abs(chance.rand(60, 4))
    classes, target = (x[:, 0] > 0.5).astype(int), x @ [1.0, 2.0, 3.0, 4.0]
    texts = ["a b c", "b c d", "c d e f"] * 20

    def fitted(thing: object) -> None:
        for features, answer in (
            (x, classes),
            (x, target),
            (x, np.stack([classes, 1 - classes], 1)),
            (x, None),
            (texts, classes),
            (x, x),
            (x[:, 0], target),
        ):
            try:
                thing.fit(features, answer) if answer is not None else thing.fit(features)
                trace(thing)
            except Exception:
                pass

    from sklearn.linear_model import LogisticRegression, Ridge

    for _, kind in all_estimators():
        for arguments in (
            (),
            (LogisticRegression(),),
            (Ridge(),),
            ([("a", Ridge())],),
            ([("a", LogisticRegression())],),
            ([("a", "passthrough", [0])],),
            (LogisticRegression(), {"C": [1.0]}),
        ):
            try:
                thing = kind(*arguments)
            except TypeError:
                continue
            fitted(thing)
    variants(fitted)
    kinds(sklearn)


def variants(fitted) -> None:
    import numpy as np
    import sklearn.gaussian_process.kernels as kernels
    from sklearn import (
        cluster,
        compose,
        ensemble,
        feature_extraction,
        gaussian_process,
        linear_model,
        metrics,
        model_selection,
        multiclass,
        naive_bayes,
        neighbors,
        neural_network,
        pipeline,
        preprocessing,
        svm,
        tree,
    )

    for loss in ("squared_error", "absolute_error", "gamma", "poisson", "quantile", "log_loss", "binary_crossentropy"):
        for kind in (ensemble.HistGradientBoostingRegressor, ensemble.HistGradientBoostingClassifier):
            for more in ({}, {"quantile": 0.5}):
                with contextlib.suppress(TypeError):
                    fitted(kind(loss=loss, max_iter=3, **more))
    for loss in ("squared_error", "huber", "quantile", "absolute_error", "log_loss", "deviance", "exponential"):
        fitted(ensemble.GradientBoostingRegressor(loss=loss, n_estimators=2))
        fitted(ensemble.GradientBoostingClassifier(loss=loss, n_estimators=2))
    for loss in (
        "hinge",
        "log_loss",
        "log",
        "modified_huber",
        "squared_hinge",
        "perceptron",
        "huber",
        "epsilon_insensitive",
        "squared_epsilon_insensitive",
        "squared_error",
    ):
        fitted(linear_model.SGDClassifier(loss=loss))
        fitted(linear_model.SGDRegressor(loss=loss))
    for algorithm in ("kd_tree", "ball_tree", "brute"):
        for metric in (
            "euclidean",
            "manhattan",
            "chebyshev",
            "minkowski",
            "cosine",
            "hamming",
            "canberra",
            "braycurtis",
            "seuclidean",
            "haversine",
        ):
            for more in ({}, {"metric_params": {"V": np.ones(4)}}):
                fitted(neighbors.KNeighborsClassifier(algorithm=algorithm, metric=metric, **more))
                fitted(
                    neighbors.KernelDensity(algorithm=algorithm, metric=metric)
                    if algorithm != "brute" and not more
                    else neighbors.LocalOutlierFactor(novelty=True)
                )
    for kernel in (
        kernels.RBF(),
        kernels.Matern(),
        kernels.DotProduct() + kernels.WhiteKernel(),
        kernels.ConstantKernel() * kernels.RationalQuadratic(),
        kernels.ExpSineSquared() ** 2,
        kernels.PairwiseKernel(),
    ):
        fitted(gaussian_process.GaussianProcessRegressor(kernel))
        fitted(gaussian_process.GaussianProcessClassifier(kernel))
    for criterion in ("gini", "entropy", "squared_error", "absolute_error", "poisson", "friedman_mse"):
        for kind in (
            tree.DecisionTreeClassifier,
            tree.DecisionTreeRegressor,
            ensemble.ExtraTreesRegressor,
            ensemble.RandomForestClassifier,
        ):
            fitted(kind(criterion=criterion))
    for metric in sorted(getattr(metrics, "get_scorer_names", lambda: [])()):
        trace(metrics.get_scorer(metric))
    for search in (model_selection.GridSearchCV, model_selection.RandomizedSearchCV):
        for inner, grid in (
            (linear_model.Ridge(), {"alpha": [1.0, 2.0]}),
            (linear_model.LogisticRegression(), {"C": [1.0, 2.0]}),
        ):
            fitted(
                search(
                    inner,
                    grid,
                    cv=model_selection.KFold(2),
                    **({"n_iter": 1} if search is model_selection.RandomizedSearchCV else {}),
                )
            )
            fitted(
                search(
                    inner,
                    grid,
                    cv=2,
                    scoring={"a": metrics.make_scorer(metrics.r2_score)},
                    refit="a",
                    **({"n_iter": 1} if search is model_selection.RandomizedSearchCV else {}),
                )
            )
    for function in (np.log1p, np.sqrt, np.abs, np.exp, np.log, np.square, None):
        fitted(pipeline.make_pipeline(preprocessing.FunctionTransformer(function), linear_model.LogisticRegression()))
        fitted(compose.TransformedTargetRegressor(linear_model.Ridge(), func=np.log1p, inverse_func=np.expm1))
    selecting = compose.make_column_selector(dtype_include=np.number)
    fitted(pipeline.make_pipeline(feature_extraction.text.TfidfVectorizer(), naive_bayes.MultinomialNB()))
    fitted(pipeline.make_pipeline(feature_extraction.text.HashingVectorizer(), linear_model.SGDClassifier()))
    fitted(feature_extraction.DictVectorizer())
    trace([selecting, compose.ColumnTransformer([("a", preprocessing.StandardScaler(), selecting)])])
    for more in (
        svm.SVC(probability=True),
        svm.NuSVR(),
        neural_network.MLPClassifier((3,)),
        multiclass.OneVsRestClassifier(svm.LinearSVC()),
        cluster.Birch(),
        cluster.BisectingKMeans() if hasattr(cluster, "BisectingKMeans") else cluster.KMeans(2),
    ):
        fitted(more)
    for splitter in (
        model_selection.KFold(),
        model_selection.StratifiedKFold(),
        model_selection.GroupKFold(),
        model_selection.TimeSeriesSplit(),
        model_selection.ShuffleSplit(),
        model_selection.LeaveOneOut(),
    ):
        trace(splitter)
    for output in ("default", "pandas"):
        thing = preprocessing.StandardScaler()
        fitted(thing.set_output(transform=output) if hasattr(thing, "set_output") else thing)


def kinds(package) -> None:
    """Classes whose pickles hold attributes alone, where they are defined."""
    from sklearn.base import BaseEstimator
    from sklearn.gaussian_process.kernels import Kernel
    from sklearn.model_selection import BaseCrossValidator

    bases = (BaseEstimator, Kernel, BaseCrossValidator)
    for module in modules(package):
        if module.__name__.startswith(NEVER_BELOW):
            continue
        for name, value in vars(module).items():
            if (
                inspect.isclass(value)
                and issubclass(value, bases)
                and value.__module__ == module.__name__
                and value.__qualname__ == name
            ):
                uses[module.__name__, name].add("m")
        # Losses and distances are extension types, restored by a function that Cython makes beside each.
        if module.__name__.startswith(("sklearn._loss.", "sklearn.linear_model._sgd_fast", "sklearn.metrics._dist_metrics")):
            for name, value in vars(module).items():
                if inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("__"):
                    uses[module.__name__, name].add("c")
                    if hasattr(module, "__pyx_unpickle_" + name):
                        uses[module.__name__, "__pyx_unpickle_" + name].add("c")


def boosters() -> None:
    import numpy as np

    x = np.random.RandomState(1).rand(60, 3)
    y = (x[:, 0] > 0.5).astype(int)
    try:
        import xgboost
    except ImportError:
        xgboost = None
    if xgboost:
        for kind in (xgboost.XGBClassifier, xgboost.XGBRegressor, xgboost.XGBRFClassifier, xgboost.XGBRFRegressor):
            trace(kind(n_estimators=2).fit(x, y))
        trace(xgboost.XGBRanker(n_estimators=2).fit(x, y, group=[30, 30]))
        stopping = xgboost.callback.EarlyStopping(2)
        trace(xgboost.XGBClassifier(n_estimators=2, callbacks=[stopping]).fit(x, y, eval_set=[(x, y)], verbose=False))
        trace(xgboost.train({}, xgboost.DMatrix(x, y), 2))
        trace(xgboost.XGBModel())
    import lightgbm

    for kind in (lightgbm.LGBMClassifier, lightgbm.LGBMRegressor):
        trace(kind(n_estimators=2, verbosity=-1).fit(x, y))
    trace(lightgbm.LGBMRanker(n_estimators=2, verbosity=-1).fit(x, y, group=[30, 30]))
    trace(lightgbm.train({"verbosity": -1, "objective": "binary"}, lightgbm.Dataset(x, y), 2))
    trace(lightgbm.LGBMModel(objective="regression"))


def modules(package) -> list:
    found = [package]
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + ".", onerror=lambda _: None):
        if any(part in info.name for part in (".tests", ".conftest", ".setup", "._build")):
            continue
        with contextlib.suppress(BaseException):
            found.append(importlib.import_module(info.name))
    return found


def reachable(named: set[str]) -> list[str]:
    """Every callable that is an attribute of a module of the list, with where it is defined."""
    lines = []
    for name in sorted(named):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        for attribute, value in sorted(vars(module).items()):
            if callable(value) and " " not in attribute:
                home = str(getattr(value, "__module__", None) or "?").replace(" ", "_")
                own = str(getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or "?").replace(" ", "_")
                lines.append(f"{name} {attribute} {home} {own}")
    return lines


def versions() -> dict[str, str]:
    told = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in ("numpy", "scipy", "pandas", "sklearn", "xgboost", "lightgbm"):
        with contextlib.suppress(ImportError):
            told[name] = importlib.import_module(name).__version__
    return told


def collect(target: str) -> None:
    warnings.simplefilter("ignore")
    for part in (plain, numbers, science, tables, estimators, boosters):
        part()
    kept = {}
    for (module, name), how in uses.items():
        full = f"{module}.{name}"
        if module.split(".")[0] not in ROOTS or full in NEVER or module.startswith(NEVER_BELOW) or "." in name:
            print("left out:", full, "".join(sorted(how)), file=sys.stderr)
            continue
        kept[f"{module} {name}"] = "".join(sorted(how - {"v"}))
    named = {pair.split()[0] for pair in kept}
    document = {"versions": versions(), "uses": kept, "reachable": reachable(named)}
    pathlib.Path(target).write_text(json.dumps(document, indent=1), "utf-8")


def merge(sources: list[str]) -> None:
    every: dict[str, set[str]] = defaultdict(set)
    told: dict[str, set[str]] = defaultdict(set)
    lines: set[str] = set()
    for source in sources:
        document = json.loads(pathlib.Path(source).read_text("utf-8"))
        for name, version in document["versions"].items():
            told[name].add(version)
        for pair, how in document["uses"].items():
            every[pair] |= set(how)
        lines.update(document["reachable"])
    for module, names in OLD.items():
        for name in names:
            every[f"{module} {name}"] |= set("c" if name != "object" else "m")
    for pair, how in MORE.items():
        every[pair] |= set(how)
    with LIST.open("w", encoding="utf-8") as out:
        out.write("# Made by registry/tools/pickle_globals.py; do not edit. Versions:\n")
        for name, found in sorted(told.items()):
            out.write(f"# {name} {', '.join(sorted(found))}\n")
        for pair, how in sorted(every.items()):
            out.write(f"{pair} {''.join(sorted(how))}".rstrip() + "\n")
    REACHABLE.parent.mkdir(parents=True, exist_ok=True)
    REACHABLE.write_bytes(gzip.compress("\n".join(sorted(lines)).encode(), 9, mtime=0))
    print(len(every), "pairs;", len(lines), "reachable callables")


if __name__ == "__main__":
    if sys.argv[1] == "collect":
        collect(sys.argv[2])
    else:
        merge(sys.argv[2:])
