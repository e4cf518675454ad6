"""Writes paired.json: CCA, VecMap's supervised pipeline and the choice of a ridge in double precision.

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
* Ridge by folds: every training part is fitted anew by sklearn.linear_model.Ridge and every
  held-out row predicted; pair i is in fold i mod k. As many folds as pairs are what
  sklearn.linear_model.RidgeCV does by default (`leave_one_out`), which its documentation calls a
  form of generalised cross-validation. Its errors are means over pairs and columns, ours over
  pairs: they differ by the number of columns.
* GCV as Golub, Heath & Wahba define it, from the hat matrix: no library at hand has it for several
  targets. An intercept is one more degree of freedom.
* Generalised Procrustes, over rows: the mean space and one polar factor (SciPy) a space in turn, the
  space itself in the mean (Gower's order; ours leaves it out), until nothing moves. The minimum is
  the same; the shared space is any, so maps are compared by W_i W_j^T. Narrower spaces get columns
  of zeros, which gives semi-orthogonal maps.
"""

import json
import platform
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy import linalg
from sklearn.cross_decomposition import CCA
from sklearn.linear_model import Ridge, RidgeCV

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


LAMBDAS = [1e-3, 1e-2, 0.1, 0.5, 1.0, 5.0, 20.0, 100.0, 1000.0]


def by_folds(x, y, k, intercept):
    fold, errors = np.arange(len(x)) % k, []
    for alpha in LAMBDAS:
        squares = 0.0
        for held in range(k):
            train, test = fold != held, fold == held
            model = Ridge(alpha=alpha, fit_intercept=intercept, solver="svd")
            left = y[test] - model.fit(x[train], y[train]).predict(x[test])
            squares += (left**2).sum()
        errors.append(squares / len(x))
    return {"folds": k, "errors": errors}


def leave_one_out(x, y, intercept):
    model = RidgeCV(LAMBDAS, fit_intercept=intercept, store_cv_results=True).fit(x, y)
    errors = model.cv_results_.reshape(len(x), y.shape[1], len(LAMBDAS)).mean((0, 1)) * y.shape[1]
    return {"lambda": model.alpha_, "errors": errors, "matrix": model.coef_.T}


def gcv(x, y, intercept):
    n, errors = len(x), []
    a, b = (x - x.mean(0), y - y.mean(0)) if intercept else (x, y)
    for alpha in LAMBDAS:
        hat = a @ np.linalg.solve(a.T @ a + alpha * np.eye(a.shape[1]), a.T)
        free = n - np.trace(hat) - intercept
        errors.append(n * np.linalg.norm(b - hat @ b) ** 2 / free**2)
    return errors


def ridge(x, y):
    return [
        {
            "intercept": intercept,
            "folds": [by_folds(x, y, k, intercept) for k in (2, 5, len(x))],
            "leave_one_out": leave_one_out(x, y, intercept),
            "gcv": gcv(x, y, intercept),
        }
        for intercept in (False, True)
    ]


def paired(name, x, y):
    small = min(x.shape[1], y.shape[1])
    return {
        "name": name,
        "x": x,
        "y": y,
        "cca": [cca(x, y, share, k) for share in (0.0, 1e-4, 0.1) for k in (1, small)],
        "cca_sklearn": by_sklearn(x, y, 2),
        "vecmap": [vecmap(x, y, a, b) for a, b in ((0.5, 0.5), (0.0, 0.0), (0.0, 1.0))],
        "ridge": ridge(x, y),
    }


def generalized(name, spaces, center):
    """The mean space and one rotation a space, in turn."""
    width = max(x.shape[1] for x in spaces)
    padded = [
        np.pad(x - x.mean(0) if center else x, ((0, 0), (0, width - x.shape[1]))) for x in spaces
    ]
    maps = [np.eye(width)]
    maps += [linalg.orthogonal_procrustes(x, padded[0])[0] for x in padded[1:]]
    for _ in range(20_000):
        before = maps
        mean = sum(x @ w for x, w in zip(padded, maps)) / len(maps)
        maps = [linalg.orthogonal_procrustes(x, mean)[0] for x in padded]
        if max(np.abs(a - b).max() for a, b in zip(before, maps)) < 1e-14:
            break
    mean = sum(x @ w for x, w in zip(padded, maps)) / len(maps)
    objective = sum(np.linalg.norm(x @ w - mean) ** 2 for x, w in zip(padded, maps))
    dims = [x.shape[1] for x in spaces]
    relative = [
        (maps[i] @ maps[j].T)[: dims[i], : dims[j]]
        for i in range(len(spaces))
        for j in range(len(spaces))
        if i != j
    ]
    return {
        "name": name,
        "spaces": spaces,
        "center": center,
        "objective": objective,
        "relative": relative,
    }


def views(n, dims, noise, offset=0.0):
    """Noisy rotations of common items."""
    items = rng.standard_normal((n, max(dims)))
    turns = [np.linalg.qr(rng.standard_normal((max(dims),) * 2))[0][:, :d] for d in dims]
    return [
        grid(items @ turn + offset + noise * rng.standard_normal((n, d)))
        for turn, d in zip(turns, dims)
    ]


pairs = [
    paired("square", *pair(30, 4, 4)),
    paired("narrow to wide", *pair(30, 3, 5)),
    paired("wide to narrow", *pair(40, 6, 3)),
    paired("away from the origin", *pair(30, 3, 3, offset=9.0)),
    paired("unrelated", rows(25, 3), rows(25, 4)),
]
# Fewer pairs than dimensions, for ridge alone.
few_x, few_y = pair(12, 15, 2, noise=2.0)
few = {"name": "few", "x": few_x, "y": few_y, "ridge": ridge(few_x, few_y)}

golden = {
    "versions": {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "sklearn": sklearn.__version__,
    },
    "seed": SEED,
    "lambdas": LAMBDAS,
    "paired": pairs,
    "few": few,
    "generalized": [
        generalized("three", views(25, (3, 3, 3), 0.3), False),
        generalized("four, centred", views(30, (4, 4, 4, 4), 0.5, 3.0), True),
        generalized("unequal", views(30, (4, 3, 2), 0.2), False),
        generalized("two", views(20, (3, 3), 0.4), False),
    ],
}
path = Path(__file__).with_name("paired.json")
path.write_text(json.dumps(listed(golden), separators=(",", ":")) + "\n")
