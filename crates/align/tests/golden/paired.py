"""Writes paired.json: CCA and VecMap's supervised pipeline in double precision.

Run with NumPy 2.4, SciPy 1.17 and scikit-learn 1.9: python3 paired.py. Seed 1936. Inputs are
multiples of 1/64, so that they are exact as text and in single precision.

Whose numbers these are, and where conventions differ:

* CCA: whitening by SciPy's fractional powers of np.cov (divisor n - 1) plus r on the diagonal, then
  NumPy's SVD. Signs are free; both maps of a component share one. Without regularisation the
  correlations are also those of scikit-learn's CCA (`sklearn`), which deflates one component after
  the other, each by power iteration (tolerance 1e-14), on columns divided by their deviation:
  correlations and the span of the components do not depend on that, their scale does.
* VecMap (Artetxe, Labaka & Agirre, AAAI 2018): written here from the paper's steps, each by its
  own matrix: whitening and its inverse by fractional powers of the Gram matrix, SVD, weights,
  de-whitening. Signs are free. What is compared is each side's matrix.
"""

import json
import platform
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy import linalg
from sklearn.cross_decomposition import CCA

SEED = 1936
rng = np.random.default_rng(SEED)


def grid(x, step=64):
    return np.round(x * step) / step


def rows(n, d, step=64):
    return grid(rng.standard_normal((n, d)), step)


def listed(value):
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [listed(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return value


def pair(n, dx, dy, noise=0.5, offset=0.0):
    """A linear part and noise."""
    x = grid(rng.standard_normal((n, dx)) @ rng.standard_normal((dx, dx)) + offset)
    y = grid(x @ rng.standard_normal((dx, dy)) - offset) + grid(noise * rng.standard_normal((n, dy)))
    return x, y


def power(c, p):
    return np.real(linalg.fractional_matrix_power(c, p))


def cca(x, y, share, k):
    n = len(x)
    a, b = x - x.mean(0), y - y.mean(0)
    whiteners = []
    for side in (a, b):
        c = side.T @ side / (n - 1)
        whiteners.append(power(c + share * np.trace(c) / len(c) * np.eye(len(c)), -0.5))
    wx, wy = whiteners
    u, s, vt = np.linalg.svd(wx @ (a.T @ b / (n - 1)) @ wy, full_matrices=False)
    return {
        "share": share,
        "k": k,
        "correlations": s[:k],
        "source": wx @ u[:, :k],
        "target": wy @ vt.T[:, :k],
    }


def by_sklearn(x, y, k):
    model = CCA(n_components=k, max_iter=100_000, tol=1e-14).fit(x, y)
    a, b = model.transform(x, y)
    return {
        "k": k,
        "correlations": [np.corrcoef(a[:, j], b[:, j])[0, 1] for j in range(k)],
        "source_scores": a,
        "target_scores": b,
    }


def vecmap(x, y, a, b):
    wx, wy = power(x.T @ x, -0.5), power(y.T @ y, -0.5)
    u, s, vt = np.linalg.svd((x @ wx).T @ (y @ wy), full_matrices=False)
    v = vt.T
    source = wx @ u @ np.diag(s**a) @ u.T @ np.linalg.inv(wx) @ u
    target = wy @ v @ np.diag(s**b) @ v.T @ np.linalg.inv(wy) @ v
    return {"a": a, "b": b, "source": source, "target": target}


def paired(name, x, y):
    small = min(x.shape[1], y.shape[1])
    return {
        "name": name,
        "x": x,
        "y": y,
        "cca": [cca(x, y, share, k) for share in (0.0, 1e-4, 0.1) for k in (1, small)],
        "cca_sklearn": by_sklearn(x, y, 2),
        "vecmap": [vecmap(x, y, a, b) for a, b in ((0.5, 0.5), (0.0, 0.0), (0.0, 1.0))],
    }


pairs = [
    paired("square", *pair(30, 4, 4)),
    paired("narrow to wide", *pair(30, 3, 5)),
    paired("wide to narrow", *pair(40, 6, 3)),
    paired("away from the origin", *pair(30, 3, 3, offset=9.0)),
    paired("unrelated", rows(25, 3), rows(25, 4)),
]

golden = {
    "versions": {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "sklearn": sklearn.__version__,
    },
    "seed": SEED,
    "paired": pairs,
}
path = Path(__file__).with_name("paired.json")
path.write_text(json.dumps(listed(golden), separators=(",", ":")) + "\n")
