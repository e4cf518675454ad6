"""Writes reference.json: logistic and ridge classification by scikit-learn, in double precision.

Run with scikit-learn 1.9 (any 1.x from 1.7 will do): python3 reference.py. Seed 77.
Inputs are multiples of 1/64, so that they are exact as text and in single precision.
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression, RidgeClassifier, RidgeClassifierCV

rng = np.random.default_rng(77)


def task(rows, columns, classes, spread=1.0, scale=1.0, offset=0.0):
    """Overlapping clouds around random centres, one a class."""
    centers = rng.standard_normal((classes, columns)) * spread
    y = rng.permutation(np.arange(rows) % classes)
    x = (centers[y] + rng.standard_normal((rows, columns))) * scale + offset
    return np.round(x * 64) / 64, y


def case(name, x, y, l2, weights=None):
    # newton-cg to a gradient that is 0 for all purposes; C = 1 / l2.
    logistic = LogisticRegression(C=1 / l2, solver="newton-cg", tol=1e-12, max_iter=10_000)
    logistic.fit(x, y, weights)
    ridge = RidgeClassifier(alpha=l2, solver="svd").fit(x, y, weights)
    alphas = [0.1, 1.0, 10.0, 100.0]
    chosen = RidgeClassifierCV(alphas=alphas, store_cv_results=True).fit(x, y, weights)
    probe = x[:8] + 0.25
    return {
        "name": name,
        "l2": l2,
        "x": x.tolist(),
        "y": y.tolist(),
        "weights": None if weights is None else weights.tolist(),
        "probe": probe.tolist(),
        "logistic": {
            "weights": logistic.coef_.tolist(),
            "intercepts": logistic.intercept_.tolist(),
            "probabilities": logistic.predict_proba(probe).tolist(),
        },
        "ridge": {
            "weights": np.atleast_2d(ridge.coef_).tolist(),
            "intercepts": np.atleast_1d(ridge.intercept_).tolist(),
            "predicted": ridge.predict(probe).tolist(),
            "alphas": alphas,
            "alpha": float(chosen.alpha_),
            # Summed, not averaged: squared errors of rows left out, times the weights.
            "left_out": chosen.cv_results_.reshape(-1, len(alphas)).sum(axis=0).tolist(),
        },
    }


scales = np.array([1.0, 100.0, 0.25, 10.0])


def weighted(name, x, y, l2):
    """From 0 to 3, some of them 0, and the classes uneven in them."""
    weights = np.round(rng.uniform(0, 3, len(y)) * (rng.uniform(size=len(y)) > 0.2) * 64) / 64
    return case(name, x, y, l2, weights * np.where(y == 0, 0.25, 1.0))


golden = {
    "sklearn": sklearn.__version__,
    "numpy": np.__version__,
    "seed": 77,
    "cases": [
        case("binary", *task(40, 4, 2, 0.5), 1.0),
        case("multinomial", *task(48, 4, 4, 0.8), 1.0),
        case("badly scaled", *task(48, 4, 3, 0.5, scales, np.array([0.0, 50.0, 8.0, -400.0])), 1.0),
        case("strong penalty", *task(30, 3, 3), 1000.0),
        case("wide", *task(10, 16, 3), 1000.0),
        case("uneven", *[a[:26] for a in task(60, 3, 2, 0.5)], 0.1),
        weighted("weighted, two classes", *task(50, 4, 2, 0.5), 1.0),
        weighted("weighted, four classes", *task(60, 5, 4, 0.7), 0.5),
        weighted("weighted, wide", *task(12, 20, 3), 10.0),
    ],
}
path = Path(__file__).with_name("reference.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
