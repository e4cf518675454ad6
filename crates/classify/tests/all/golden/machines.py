"""Writes machines.json: support vector machines, naive Bayes and decision trees by scikit-learn.

Run with scikit-learn 1.9 (any 1.x from 1.7 will do): python3 machines.py. Seed 78.
Inputs are multiples of 1/1024, so that they are exact as text and in single precision.
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

rng = np.random.default_rng(78)


def linear(x, y, c, weights):
    """LIBLINEAR on rows about their mean; the intercept's column is their root mean square length."""
    mean = np.average(x, axis=0, weights=weights)
    around = x - mean
    reach = np.sqrt(np.average((around**2).sum(axis=1), weights=weights))
    machine = LinearSVC(
        C=c, loss="hinge", dual=True, intercept_scaling=reach, tol=1e-10, max_iter=10_000_000
    ).fit(around, y, weights)
    return {
        "weights": machine.coef_.tolist(),
        "intercepts": (machine.intercept_ - machine.coef_ @ mean).tolist(),
    }


def kernel(x, y, c, probe, **settings):
    machine = SVC(C=c, decision_function_shape="ovo", tol=1e-8, **settings).fit(x, y)
    decisions = machine.decision_function(probe)
    if decisions.ndim == 1:  # with two classes scikit-learn turns the sign: above 0 is the second
        decisions = -decisions[:, None]
    return {"decisions": decisions.tolist(), "predicted": machine.predict(probe).tolist()}


def tree(x, y, weights, probe):
    """None where equal splits fall to chance: scikit-learn draws among them."""
    trees = [
        DecisionTreeClassifier(max_depth=3, min_samples_leaf=4, random_state=state)
        .fit(x, y, weights)
        for state in range(30)
    ]
    found = [fitted.predict_proba(probe) for fitted in trees]
    if not all(np.array_equal(other, found[0]) for other in found):
        return None
    return {"probabilities": found[0].tolist(), "leaves": int(trees[0].get_n_leaves())}


def case(name, rows, columns, classes, spread, weighted=False):
    centers = rng.standard_normal((classes, columns)) * spread
    y = rng.permutation(np.arange(rows) % classes)
    x = np.round((centers[y] + rng.standard_normal((rows, columns))) * 1024) / 1024
    weights = np.round(rng.uniform(0.1, 3, rows) * 64) / 64 if weighted else None
    probe = np.round((centers[np.arange(12) % classes] + rng.standard_normal((12, columns))) * 1024) / 1024
    grown = tree(x, y, weights, probe)
    if grown is None:
        return case(name, rows, columns, classes, spread, weighted)
    bayes = GaussianNB().fit(x, y, weights)
    found = {
        "name": name,
        "x": x.tolist(),
        "y": y.tolist(),
        "weights": None if weights is None else weights.tolist(),
        "probe": probe.tolist(),
        "c": 0.5,
        "linear": linear(x, y, 0.5, weights),
        "bayes": bayes.predict_proba(probe).tolist(),
        "tree": grown,
    }
    if not weighted:
        found["rbf"] = kernel(x, y, 0.5, probe, kernel="rbf")
        found["poly"] = kernel(x, y, 0.5, probe, kernel="poly", gamma=0.2, degree=3, coef0=1.0)
    return found


golden = {
    "sklearn": sklearn.__version__,
    "numpy": np.__version__,
    "seed": 78,
    "cases": [
        case("two classes", 60, 4, 2, 0.6),
        case("four classes", 90, 5, 4, 0.9),
        case("wide", 24, 40, 3, 0.5),
        case("weighted, two classes", 60, 4, 2, 0.6, True),
        case("weighted, three classes", 80, 5, 3, 0.8, True),
    ],
}
path = Path(__file__).with_name("machines.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
