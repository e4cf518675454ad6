"""Shares of votes and predictions of scikit-learn's k nearest neighbours. Prints JSON.

python3 knn.py > knn.json, with scikit-learn 1.9.1 and NumPy 2.4.6.
"""

import json

import numpy as np
import sklearn
from sklearn.neighbors import KNeighborsClassifier


def single(values):
    """Multiples of 1/1024: exact as text and in single precision."""
    return np.round(values * 1024) / 1024


cases = []
for name, classes, k in [("nearest", 4, 1), ("three of two", 2, 3), ("seven of two", 2, 7), ("one of many", 7, 1)]:
    rng = np.random.default_rng(3)
    y = np.arange(60) % classes
    x = single(rng.normal(size=(60, 5)) + 0.8 * np.eye(7, 5)[y])
    probe = single(rng.normal(size=(25, 5)))
    model = KNeighborsClassifier(n_neighbors=k).fit(x, y)
    cases.append(
        {
            "name": name,
            "k": k,
            "x": x.tolist(),
            "y": y.tolist(),
            "weights": None,
            "probe": probe.tolist(),
            "shares": model.predict_proba(probe).tolist(),
            "predicted": model.predict(probe).tolist(),
        }
    )
print(json.dumps({"scikit-learn": sklearn.__version__, "numpy": np.__version__, "cases": cases}))
