"""Writes reference.json: alignments by NumPy, SciPy, scikit-learn, POT and skada in double precision.

Run with NumPy 2.4, SciPy 1.17, scikit-learn 1.9, POT 0.9.7 and skada 0.6: python3 reference.py.
Seed 1966. Inputs are multiples of 1/64 (1/8 in the long case), so that they are exact as text and
in single precision.

Whose numbers these are, and where conventions differ:

* Procrustes: scipy.linalg.orthogonal_procrustes where the dimensions are equal. SciPy refuses
  unequal ones; there the thin SVD of NumPy. Its second result is the sum of the singular values;
  the scale is that over the squared length of the mapped source.
* Least squares: numpy.linalg.lstsq, on centred rows where there is an intercept. `rcond` is 1e-6,
  where the normal equations stop. Ridge: sklearn.linear_model.Ridge, solved by SVD.
* CORAL with a number: np.cov (divisor n - 1) + lambda on the diagonal, and SciPy's roots. ADAPT
  (adapt-python) does the same with lambda = 1; neither re-centres. A number in skada is something
  else: the weight of a convex combination with the mean variance, of covariances that divide by n.
* CORAL with Ledoit and Wolf: sklearn.covariance.ledoit_wolf (divisor n). skada's "auto" first
  divides each column by its deviation, shrinks, and multiplies back: the same if all columns
  deviate equally, as in the case `permuted`, and another map otherwise (`skada_distance`). skada
  also centres both sides; the matrix is the same.
* Linear transport: POT. ot.gaussian.empirical_bures_wasserstein_mapping divides covariances by n.
  With equally many rows on both sides its map with `reg` is ours with lambda = reg * n / (n - 1),
  since a factor common to both covariances drops out. With unequal counts
  ot.gaussian.bures_wasserstein_mapping of np.cov + lambda.
* Subspace alignment: sklearn.decomposition.PCA and skada's adapter. Axes are unique up to sign.
"""

import json
import platform
from pathlib import Path

import numpy as np
import ot
import scipy
import sklearn
import skada
from scipy import linalg
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.preprocessing import Normalizer, StandardScaler

SEED = 1966
rng = np.random.default_rng(SEED)


def grid(x, step=64):
    return np.round(x * step) / step


def rows(n, d, step=64):
    return grid(rng.standard_normal((n, d)), step)


def mixed(n, d, scale=1.0, offset=0.0):
    """Correlated columns away from the origin."""
    return grid(rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) * scale + offset)


def listed(value):
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [listed(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return value


# Paired rows.


def orthogonal(x, y):
    """The map and the sum of the singular values."""
    if x.shape[1] == y.shape[1]:
        return linalg.orthogonal_procrustes(x, y)
    u, s, vt = np.linalg.svd(x.T @ y, full_matrices=False)
    return u @ vt, s.sum()


def procrustes(x, y):
    found = []
    for center in (False, True):
        a, b = (x - x.mean(0), y - y.mean(0)) if center else (x, y)
        w, total = orthogonal(a, b)
        found.append(
            {"center": center, "matrix": w, "scale": total / np.linalg.norm(a @ w) ** 2}
        )
    return found


def least_squares(x, y):
    found = []
    for intercept in (False, True):
        a, b = (x - x.mean(0), y - y.mean(0)) if intercept else (x, y)
        w, _, rank, _ = np.linalg.lstsq(a, b, rcond=1e-6)
        found.append({"intercept": intercept, "matrix": w, "rank": rank})
    return found


def ridge(x, y):
    found = []
    for intercept in (False, True):
        for alpha in (1e-3, 1.0, 100.0):
            model = Ridge(alpha=alpha, fit_intercept=intercept, solver="svd").fit(x, y)
            found.append(
                {
                    "intercept": intercept,
                    "lambda": alpha,
                    "matrix": model.coef_.T,
                    "mapped": model.predict(x[:3]),
                }
            )
    return found


def moments(x, y):
    a, b = x - x.mean(0), y - y.mean(0)
    return {
        "mean": x.mean(0),
        "covariance": np.cov(x, rowvar=False),
        "gram": x.T @ x,
        "cross_gram": x.T @ y,
        "cross_scatter": a.T @ b,
        # Without the first third.
        "rest_covariance": np.cov(x[len(x) // 3 :], rowvar=False),
    }


def paired(name, x, y):
    return {
        "name": name,
        "x": x,
        "y": y,
        "procrustes": procrustes(x, y),
        "least_squares": least_squares(x, y),
        "ridge": ridge(x, y),
        "moments": moments(x, y),
    }


def turned(x, d, noise=0.25, offset=0.0, step=64):
    """A noisy rotation into d dimensions."""
    turn = np.linalg.qr(rng.standard_normal((max(x.shape[1], d),) * 2))[0]
    return grid(x @ turn[: x.shape[1], :d] * 1.5 + offset, step) + grid(
        noise * rng.standard_normal((len(x), d)), step
    )


def few(n, d):
    """Fewer pairs than dimensions; in the open complement the map nearest to the identity."""
    x, y = rows(n, d), rows(n, d)
    u, s, vt = np.linalg.svd(x.T @ y)
    known, open_u, open_v = u[:, :n] @ vt[:n], u[:, n:], vt[n:].T
    w = known + open_u @ linalg.polar(open_u.T @ open_v)[0] @ open_v.T
    return {"x": x, "y": y, "rank": n, "matrix": w, "least_squares": least_squares(x, y)}


base = rows(24, 4)
off = rows(20, 4) + 7.0
long = rows(1100, 2, 8)
pairs = [
    paired("square", base, turned(base, 4)),
    paired("away from the origin", off, turned(off, 4, offset=-12.0)),
    paired("narrow to wide", base, turned(base, 6)),
    paired("wide to narrow", *(lambda x: (x, turned(x, 3)))(rows(24, 6))),
    paired("unrelated", rows(12, 3), rows(12, 3)),
    paired("scaled columns", *(lambda x: (x, turned(x, 4)))(rows(24, 4) * [0.25, 1, 8, 64])),
    # More than two blocks of rows.
    paired("long", long, turned(long, 2, offset=3.0, step=8)),
]


# Unpaired domains.


def root(c, power):
    return np.real(linalg.fractional_matrix_power(c, power))


def coral(cs, ct):
    return root(cs, -0.5) @ root(ct, 0.5)


def covariance(x, strength):
    return np.cov(x, rowvar=False) + strength * np.eye(x.shape[1])


def both(x, y):
    """What skada expects: all rows, and 1 or -2 for their domain."""
    return np.vstack([x, y]), np.r_[np.ones(len(x)), -2 * np.ones(len(y))]


def transport(x, y, strength):
    if len(x) == len(y):
        n = len(x)
        a, b = ot.gaussian.empirical_bures_wasserstein_mapping(x, y, reg=strength * (n - 1) / n)
    else:
        a, b = ot.gaussian.bures_wasserstein_mapping(
            x.mean(0), y.mean(0), covariance(x, strength), covariance(y, strength)
        )
    return {"lambda": strength, "matrix": a, "mapped": x[:3] @ a + b}


def subspace(x, y, k):
    source, target = (PCA(k, svd_solver="full").fit(side) for side in (x, y))
    stacked, domain = both(x, y)
    adapter = skada.SubspaceAlignmentAdapter(n_components=k, random_state=0)
    adapted = adapter.fit_transform(stacked, sample_domain=domain)
    ps, pt = source.components_.T, target.components_.T
    return {
        "k": k,
        "source": ps @ ps.T @ pt,
        "target": pt,
        "adapted_source": adapted[: len(x)][:4],
        "adapted_target": adapted[len(x) :][:4],
    }


def spectrum(x):
    shrunk, intensity = ledoit_wolf(x)
    # With all components scikit-learn goes by the SVD of the rows, not by their covariance.
    variances = PCA(svd_solver="full").fit(x).explained_variance_
    return {
        "variances": variances,
        "rank": np.linalg.matrix_rank(x - x.mean(0)),
        "intensity": intensity,
        "mean_variance": np.trace(shrunk) / x.shape[1],
    }


def unpaired(name, x, y, strengths, ks):
    shrunk = coral(ledoit_wolf(x)[0], ledoit_wolf(y)[0])
    stacked, domain = both(x, y)
    adapter = skada.CORALAdapter(reg="auto").fit(stacked, sample_domain=domain)
    by_skada = adapter.cov_source_inv_sqrt_ @ adapter.cov_target_sqrt_
    return {
        "name": name,
        "x": x,
        "y": y,
        "source": spectrum(x),
        "target": spectrum(y),
        "coral": [
            {"lambda": s, "matrix": coral(covariance(x, s), covariance(y, s))} for s in strengths
        ],
        "coral_ledoit_wolf": shrunk,
        "skada_distance": np.linalg.norm(by_skada - shrunk) / np.linalg.norm(shrunk),
        "coral_skada": by_skada if even(x) and even(y) else None,
        "transport": [transport(x, y, s) for s in strengths],
        "subspace": [subspace(x, y, k) for k in ks],
    }


def even(x):
    """Whether all columns deviate equally."""
    return np.ptp(x.std(0)) < 1e-12


def permuted(n, d, scale):
    """Columns of the same values in different orders: all of one deviation."""
    column = grid(rng.standard_normal(n) * scale)
    return np.stack([rng.permutation(column) for _ in range(d)], axis=1)


domains = [
    unpaired("plain", mixed(30, 4), mixed(22, 4, 2.0), [0.0, 1e-5, 1.0], [1, 3, 4]),
    unpaired("as many rows", mixed(25, 4), mixed(25, 4, 0.5), [0.0, 1e-3, 1.0], [2]),
    unpaired(
        "away from the origin", mixed(25, 3, 1.0, 40.0), mixed(25, 3, 1.0, -9.0), [0.0, 1.0], [2]
    ),
    unpaired("fewer rows than columns", mixed(5, 8), mixed(6, 8, 2.0), [1e-2, 1.0], [1, 4]),
    unpaired("permuted", permuted(20, 4, 1.0), permuted(16, 4, 3.0), [0.0, 1.0], [2]),
]


# Preparation.

table = rows(9, 4) * [1.0, 16.0, 0.25, 1.0]
table[4] = 0.0
table[:, 3] = 0.5
unit, manhattan, scaler = Normalizer("l2"), Normalizer("l1"), StandardScaler()
unit_rows = unit.fit_transform(table)
prepared = {
    "x": table,
    "l1": manhattan.fit_transform(table),
    "l2": unit_rows,
    "center": table - table.mean(0),
    "unit,center,unit": unit.fit_transform(unit_rows - unit_rows.mean(0)),
    "zscore": scaler.fit_transform(table),
}

golden = {
    "versions": {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "sklearn": sklearn.__version__,
        "pot": ot.__version__,
        "skada": skada.__version__,
    },
    "seed": SEED,
    "paired": pairs,
    "few": few(3, 5),
    "unpaired": domains,
    "prepared": prepared,
}
path = Path(__file__).with_name("reference.json")
path.write_text(json.dumps(listed(golden), separators=(",", ":")) + "\n")
