"""Writes few_shot.json: learning from few rows, by NumPy and SciPy in double precision.

Run with NumPy 2 and SciPy 1.15 or later: python3 few_shot.py. Seed 2013. Inputs are rounded to single
precision and handed over as such. The programs below follow the formulas of the papers and share no
code with the crate:

* Biased ridge: the normal equations with an explicit inverse, classes one by one.
* Biased logistic regression: SciPy's L-BFGS-B on the loss with a gradient by differences of the loss's
  own formula, to 1e-12.
* Warm start: gradient steps with the curvature bound from a full eigenvalue decomposition.
* Class means with prototypes; linear discriminants with a fixed share and by Ledoit and Wolf (2004),
  their b^2 and d^2 computed from the outer product of every row.
* Fisher's subspace: SciPy's generalised symmetric eigenproblem.
"""

import json
import platform
from pathlib import Path

import numpy as np
import scipy
from scipy.linalg import eigh
from scipy.optimize import minimize

SEED = 2013
rng = np.random.default_rng(SEED)
CLASSES, D = 4, 6


def single(values):
    return np.asarray(values, dtype=np.float32).astype(float)


places = 2 * rng.normal(size=(CLASSES, D))
labels = np.array([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 0, 1, 3])
x = single(places[labels] + rng.normal(size=(len(labels), D)) + 1.5)
test = single(places[np.arange(8) % CLASSES] + rng.normal(size=(8, D)) + 1.5)
source = rng.normal(size=(D, CLASSES)) * 0.4
source_b = rng.normal(size=CLASSES) * 0.2
prototypes = places + 0.5 * rng.normal(size=places.shape)


def biased_ridge(x, y, l2):
    signs = np.where(y[:, None] == np.arange(CLASSES), 1.0, -1.0)
    xm, ym = x.mean(0), signs.mean(0)
    xc, yc = x - xm, signs - ym
    w = np.empty((D, CLASSES))
    for c in range(CLASSES):
        right = xc.T @ yc[:, c] + l2 * source[:, c]
        w[:, c] = np.linalg.inv(xc.T @ xc + l2 * np.eye(D)) @ right
    return w, ym - xm @ w


def losses(w, b, x, y):
    scores = x @ w + b
    top = scores.max(1, keepdims=True)
    p = np.exp(scores - top)
    value = (np.log(p.sum(1)) + top[:, 0] - scores[np.arange(len(y)), y]).sum()
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return value, x.T @ p, p.sum(0)


def biased_logistic(x, y, l2):
    def objective(flat):
        both = flat.reshape(D + 1, CLASSES)
        w, b = both[:D], both[D]
        value, dw, db = losses(w, b, x, y)
        apart = w - source
        slope = np.vstack([dw + l2 * apart, db])
        return value + 0.5 * l2 * (apart**2).sum(), slope.ravel()

    start = np.vstack([source, source_b]).ravel()
    options = {"maxiter": 20000, "maxfun": 100000, "ftol": 1e-16, "gtol": 1e-12, "maxcor": 30}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    both = found.x.reshape(D + 1, CLASSES)
    return both[:D], both[D] - both[D].mean()


def warm(x, y, steps, rate):
    w, b = source.copy(), source_b.copy()
    long = np.hstack([x, np.ones((len(x), 1))])
    bound = 0.5 * np.linalg.eigvalsh(long.T @ long)[-1]
    for _ in range(steps):
        _, dw, db = losses(w, b, x, y)
        w, b = w - rate / bound * dw, b - rate / bound * db
    return w, b


def means(x, y):
    return np.array([x[y == c].mean(0) for c in range(CLASSES)])


def within(x, y, share):
    centred = x - means(x, y)[y]
    n = len(x)
    s = centred.T @ centred / n
    mu = np.trace(s) / D
    if share is None:
        # In the paper's norm, which divides by the dimension; it cancels.
        d2 = ((s - mu * np.eye(D)) ** 2).sum()
        b2 = sum(((np.outer(r, r) - s) ** 2).sum() for r in centred) / n**2
        share = min(b2, d2) / d2
    return (1 - share) * s + share * mu * np.eye(D), share


def lda_scores(x, y, cov):
    m = means(x, y)
    inverse = np.linalg.inv(cov)
    return test @ inverse @ m.T - 0.5 * np.einsum("ci,ij,cj->c", m, inverse, m)


def fisher(x, y, share, k):
    cov, _ = within(x, y, share)
    m = means(x, y)
    counts = np.bincount(y)
    mean = x.mean(0)
    between = sum(c * np.outer(v - mean, v - mean) for c, v in zip(counts, m)) / len(x)
    _, vectors = eigh(between, cov)
    v = vectors[:, ::-1][:, :k]
    v = v * np.sign(v[np.abs(v).argmax(0), np.arange(k)])
    return v, (test - mean) @ v


few = 5  # fewer rows than columns
rw, rb = biased_ridge(x, labels, 0.7)
dual_w, dual_b = biased_ridge(x[:few], labels[:few], 0.7)
lw, lb = biased_logistic(x, labels, 0.5)
ww, wb = warm(x, labels, 25, 0.8)
counts = np.bincount(labels, minlength=CLASSES)[:, None]
sums = np.array([x[labels == c].sum(0) for c in range(CLASSES)])
mixed = (sums + 2.5 * prototypes) / (counts + 2.5)
near = -((test[:, None] - mixed[None]) ** 2).sum(2) + (test**2).sum(1, keepdims=True)
cov, _ = within(x, labels, 0.3)
cov_lw, share = within(x, labels, None)
v, mapped = fisher(x, labels, 0.2, 2)
out = {
    "versions": {
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
        "seed": SEED,
    },
    "x": x.tolist(),
    "labels": labels.tolist(),
    "test": test.tolist(),
    "source": {"weights": source.tolist(), "intercepts": source_b.tolist()},
    "prototypes": prototypes.tolist(),
    "ridge": {"l2": 0.7, "weights": rw.tolist(), "intercepts": rb.tolist()},
    "ridge_few": {"l2": 0.7, "rows": few, "weights": dual_w.tolist(), "intercepts": dual_b.tolist()},
    "logistic": {"l2": 0.5, "weights": lw.tolist(), "intercepts": lb.tolist()},
    "warm": {"steps": 25, "rate": 0.8, "weights": ww.tolist(), "intercepts": wb.tolist()},
    "means": {"weight": 2.5, "scores": near.tolist()},
    "discriminant": {
        "share": 0.3,
        "scores": lda_scores(x, labels, cov).tolist(),
        "ledoit_wolf": share,
        "ledoit_wolf_scores": lda_scores(x, labels, cov_lw).tolist(),
    },
    "fisher": {"share": 0.2, "directions": v.tolist(), "mapped": mapped.tolist()},
}
Path(__file__).with_name("few_shot.json").write_text(json.dumps(out) + "\n")
print(share)
