"""Writes unpaired.json: adaptation of unpaired domains by NumPy, SciPy and POT in double precision.

Run with NumPy 2.4, SciPy 1.17, scikit-learn 1.9 and POT 0.9.7: python3 unpaired.py. Seed 2011. Inputs are multiples
of 1/64, so that they are exact as text and in single precision.

Whose numbers these are, and where conventions differ:

* Joint PCA: scipy.linalg.eigh of np.cov of all rows. Signs are free.
* TCA, JDA, BDA: written here from the papers, with the n x n matrix L formed as the papers define
  it and scipy.linalg.eigh on the generalised symmetric problem. skada and ADAPT are no reference:
  they call a symmetric solver on a matrix that is not symmetric. Signs are free. Nystroem's
  approximation is the linear kernel's problem on K_nm K_mm^(-1/2), by fractional powers.
* GFK: written here from the paper, by integrating the flow numerically (Gauss-Legendre, 60 nodes)
  rather than by its closed form, so that the closed form is what is tested. The root is SciPy's.
* The subspace disagreement measure: scipy.linalg.subspace_angles.
* Exact transport: ot.emd, costs by ot.dist. The optimum is unique in these cases.
* Entropic transport: ot.bregman.sinkhorn_log, run to 1e-14 (POT's error is an L2 norm, ours L1).
* With classes: L1-L2 written here; ot.da.sinkhorn_l1l2_gl ends early, a little above (`below_pot`);
  L_p-L1: ot.da.sinkhorn_lpl1_mm with inner iterations to 1e-14 (`pot`), and the formula of
  Courty et al. (2014) written here on ot.bregman.sinkhorn_log (`image`): p = 1/2, 1e-3 under the
  root. SinkhornLpl1Transport itself stops its inner iterations after 200, which is off by 1e-2.
* Sliced distance: ot.sliced_wasserstein_distance with the same directions, and, for its standard
  error, ot.wasserstein_1d one by one.
* Weights, brought to mean 1: discriminative ones from scikit-learn's LogisticRegression; KMM and
  KLIEP from scipy.optimize (SLSQP) on the problems as the papers state them; uLSIF written here,
  leaving out and fitting anew for every gamma and lambda; nearest neighbours by SciPy's cdist.
  skada's and ADAPT's choose other kernels and grids.
* CORAL with fewer rows than dimensions: by SciPy's symmetric eigendecomposition of d x d.
* Barycentric maps: plan times target over the row's sum.
"""

import json
import platform
from pathlib import Path

import numpy as np
import ot
import scipy
import sklearn
from scipy import linalg, optimize, special
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression

SEED = 2011
rng = np.random.default_rng(SEED)


def grid(x, step=64):
    return np.round(x * step) / step


def listed(value):
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [listed(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return value


def domains(n, m, d, classes, shift, apart=2.0):
    """Classes around centres, the target's turned, scaled and shifted."""
    centres = apart * rng.standard_normal((classes, d))
    ys, yt = np.arange(n) % classes, rng.integers(0, classes, m)
    turn = np.eye(d) + 0.2 * rng.standard_normal((d, d))
    x = grid(centres[ys] + rng.standard_normal((n, d)))
    y = grid((centres[yt] + rng.standard_normal((m, d))) @ turn + shift)
    return x, y, ys


CASES = [("tall", *domains(14, 11, 4, 3, 0.5)), ("wide", *domains(7, 6, 18, 2, -1.0)),
         ("overlapping", *domains(16, 18, 6, 3, 0.75, 0.8))]


def joint_pca(x, y, k):
    rows = np.vstack([x, y])
    values, vectors = linalg.eigh(np.cov(rows.T))
    kept = vectors[:, ::-1][:, :k]
    return {
        "k": k,
        "source": (x - rows.mean(0)) @ kept,
        "target": (y - rows.mean(0)) @ kept,
        "explained": values[::-1][:k].sum() / values.sum(),
    }


def mmd(n, m, ys=None, pseudo=None, weights=(1.0, 1.0)):
    e = np.r_[np.full(n, 1 / n), np.full(m, -1 / m)]
    total = weights[0] * np.outer(e, e)
    if pseudo is not None:
        for c in range(max(ys) + 1):
            s, t = np.flatnonzero(ys == c), n + np.flatnonzero(pseudo == c)
            if len(s) and len(t):
                e = np.zeros(n + m)
                e[s], e[t] = 1 / len(s), -1 / len(t)
                total = total + weights[1] * np.outer(e, e)
    return total / np.linalg.norm(total)


def component_analysis(features, l, mu, k):
    n = len(features)
    h = np.eye(n) - 1 / n
    a = features.T @ h @ features
    b = features.T @ l @ features + mu * np.eye(features.shape[1])
    return features @ linalg.eigh((a + a.T) / 2, (b + b.T) / 2)[1][:, ::-1][:, :k]


def kernel_features(rows, kernel, gamma):
    if kernel is None:
        return rows
    if kernel == "linear":
        return rows @ rows.T
    squares = cdist(rows, rows, "sqeuclidean")
    if gamma is None:
        gamma = 1 / (2 * np.median(squares[np.triu_indices(len(rows), 1)]))
    return np.exp(-gamma * squares)


def tca(x, y, k, mu, kernel, gamma=None):
    z = component_analysis(kernel_features(np.vstack([x, y]), kernel, gamma), mmd(len(x), len(y)), mu, k)
    return {"k": k, "mu": mu, "kernel": kernel, "gamma": gamma, "source": z[: len(x)], "target": z[len(x) :]}


def jda(x, y, ys, k, mu, kernel, rounds, balance=None):
    features = kernel_features(np.vstack([x, y]), kernel, None)
    weights = (1.0, 1.0) if balance is None else (1 - balance, balance)
    z = component_analysis(features, mmd(len(x), len(y)), mu, k)
    pseudo, done = None, 0
    for _ in range(rounds):
        found = ys[cdist(z[len(x) :], z[: len(x)]).argmin(1)]
        if pseudo is not None and (found == pseudo).all():
            break
        pseudo, done = found, done + 1
        z = component_analysis(features, mmd(len(x), len(y), ys, pseudo, weights), mu, k)
    return {
        "k": k, "mu": mu, "kernel": kernel, "rounds": rounds, "balance": balance, "done": done,
        "source": z[: len(x)], "target": z[len(x) :],
    }


def axes(rows, k):
    return linalg.eigh(np.cov(rows.T))[1][:, ::-1][:, :k]


def gfk(x, y, k):
    ps, pt = axes(x, k), axes(y, k)
    d = ps.shape[0]
    rs = linalg.null_space(ps.T)
    u1, cosines, vt = np.linalg.svd(ps.T @ pt)
    theta = np.arccos(np.clip(cosines, -1, 1))
    u2 = -(rs.T @ pt @ vt.T) / np.sin(theta)
    nodes, weights = np.polynomial.legendre.leggauss(60)
    kernel = np.zeros((d, d))
    for t, w in zip((nodes + 1) / 2, weights / 2):
        flow = ps @ u1 @ np.diag(np.cos(t * theta)) - rs @ u2 @ np.diag(np.sin(t * theta))
        kernel += w * flow @ flow.T
    values, vectors = linalg.eigh(kernel)
    return {"k": k, "kernel": kernel, "root": (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T}


def disagreement(x, y, largest):
    joint = np.vstack([x, y])
    values = []
    for k in range(1, largest + 1):
        ps, pt, pj = axes(x, k), axes(y, k), axes(joint, k)
        values.append((np.sin(linalg.subspace_angles(ps, pj).max()) + np.sin(linalg.subspace_angles(pt, pj).max())) / 2)
    return values


def barycentre(plan, y):
    return plan @ y / plan.sum(1, keepdims=True)


def norms(a, b, cost, labels, y, reg, eta):
    """L1-L2 by the generalised conditional gradient, each step as long as is best."""
    classes = [labels == c for c in range(max(labels) + 1)]

    def objective(plan):
        sums = sum(np.linalg.norm(plan[rows], axis=0).sum() for rows in classes)
        return (plan * cost).sum() + reg * special.xlogy(plan, plan).sum() + eta * sums

    plan, last = np.outer(a, b), np.inf
    while objective(plan) < last - 1e-16:
        last = objective(plan)
        slope = np.zeros_like(plan)
        for rows in classes:
            slope[rows] = plan[rows] / np.maximum(np.linalg.norm(plan[rows], axis=0), 1e-300)
        way = ot.bregman.sinkhorn_log(a, b, cost + eta * slope, reg, numItermax=200000, stopThr=1e-14, warn=False) - plan
        step = optimize.minimize_scalar(
            lambda t: objective(plan + t * way), bounds=(0, 1), method="bounded", options={"xatol": 1e-12}
        )
        plan = plan + step.x * way
    pot = ot.da.sinkhorn_l1l2_gl(a, labels, b, cost, reg, eta, numItermax=2000, numInnerItermax=200000, stopInnerThr=1e-15)
    return {"reg": reg, "eta": eta, "image": barycentre(plan, y), "below_pot": objective(pot) - objective(plan)}


def transport(x, y, ys):
    n, m = len(x), len(y)
    a, b = np.full(n, 1 / n), np.full(m, 1 / m)
    cost = ot.dist(x, y)
    exact = ot.emd(a, b, cost)
    uneven = rng.integers(1, 9, n) / 1.0, rng.integers(1, 9, m) / 1.0
    weighted = ot.emd(uneven[0] / uneven[0].sum(), uneven[1] / uneven[1].sum(), cost)
    result = {
        "exact": {"plan": exact, "cost": (exact * cost).sum(), "image": barycentre(exact, y)},
        "weighted": {"source": uneven[0], "target": uneven[1], "costs": cost, "plan": weighted, "cost": (weighted * cost).sum()},
        "sinkhorn": [],
    }
    for scale, unit, regs in (
        ("max", cost.max(), (0.02, 0.5)), ("median", np.median(cost), (0.05, 0.5)), ("one", 1.0, (2.0, 9.0)),
    ):
        for reg in regs:
            plan = ot.bregman.sinkhorn_log(a, b, cost / unit, reg, numItermax=200000, stopThr=1e-14, warn=False)
            result["sinkhorn"].append(
                {"scale": scale, "reg": reg, "cost": (plan * cost).sum(), "image": barycentre(plan, y)}
            )
    reg, eta, rounds = 0.05, 0.1, 6
    scaled = cost / cost.max()
    penalty = np.zeros_like(cost)
    for _ in range(rounds):
        plan = ot.bregman.sinkhorn_log(a, b, scaled + eta * penalty, reg, numItermax=200000, stopThr=1e-14, warn=False)
        for c in range(max(ys) + 1):
            penalty[ys == c] = 0.5 * (plan[ys == c].sum(0) + 1e-3) ** -0.5
    # The same by POT, its inner iterations run to the end. (SinkhornLpl1Transport stops after 200.)
    pot = ot.da.sinkhorn_lpl1_mm(
        a, ys, b, scaled, reg, eta, numItermax=rounds, numInnerItermax=200000, stopInnerThr=1e-14
    )
    result["classes"] = {
        "reg": reg, "eta": eta, "rounds": rounds, "image": barycentre(plan, y), "pot": barycentre(pot, y),
    }
    result["norms"] = norms(a, b, scaled, ys, y, reg, 2.0)
    return result


def sliced(x, y):
    d = x.shape[1]
    directions = rng.standard_normal((d, 9))
    directions /= np.linalg.norm(directions, axis=0)
    squares = [ot.wasserstein_1d(x @ t, y @ t, p=2) for t in directions.T]
    distance = ot.sliced_wasserstein_distance(x, y, projections=directions, p=2)
    error = np.std(squares, ddof=1) / np.sqrt(9) / (2 * distance)
    return {"directions": directions, "distance": distance, "standard_error": error}


def coral(x, y, weight):
    def power(rows, p):
        values, vectors = linalg.eigh(np.cov(rows.T) + weight * np.eye(rows.shape[1]))
        return (vectors * values**p) @ vectors.T

    return {"lambda": weight, "source": x @ power(x, -0.5) @ power(y, 0.5)}


def mean_one(w):
    return np.asarray(w) / np.mean(w)


def ulsif(x, y):
    rows = np.vstack([x, y])
    start = 1 / (2 * np.median(cdist(rows, rows, "sqeuclidean")[np.triu_indices(len(rows), 1)]))

    def fit(s, t, weight):
        return np.linalg.solve(s.T @ s / len(s) + weight * np.eye(s.shape[1]), t.mean(0)).clip(0)

    best = None
    for gamma in np.array([0.0625, 0.25, 1, 4, 16]) * start:
        s, t = np.exp(-gamma * cdist(x, y, "sqeuclidean")), np.exp(-gamma * cdist(y, y, "sqeuclidean"))
        for weight in (1e-3, 1e-2, 1e-1, 1.0, 10.0):
            losses = []
            for i in range(min(len(x), len(y))):
                alpha = fit(np.delete(s, i, 0), np.delete(t, i, 0), weight)
                losses.append((s[i] @ alpha) ** 2 / 2 - t[i] @ alpha)
            if best is None or np.mean(losses) < best["loss"]:
                best = {"loss": np.mean(losses), "gamma": gamma, "lambda": weight, "weights": mean_one(s @ fit(s, t, weight))}
    return best


def kmm(x, y, gamma, bound):
    n = len(x)
    k = np.exp(-gamma * cdist(x, x, "sqeuclidean"))
    kappa = np.exp(-gamma * cdist(x, y, "sqeuclidean")).sum(1) * n / len(y)
    slack = (np.sqrt(n) - 1) * np.sqrt(n)
    found = optimize.minimize(
        lambda b: b @ k @ b / 2 - kappa @ b, np.ones(n), jac=lambda b: k @ b - kappa, method="SLSQP",
        bounds=[(0, bound)] * n, options={"ftol": 1e-15, "maxiter": 5000},
        constraints=[
            {"type": "ineq", "fun": lambda b: n + slack - b.sum(), "jac": lambda b: -np.ones(n)},
            {"type": "ineq", "fun": lambda b: b.sum() - n + slack, "jac": lambda b: np.ones(n)},
        ],
    )
    assert found.success, found
    return {"gamma": gamma, "bound": bound, "weights": mean_one(found.x)}


def kliep(x, y, gamma):
    s, t = np.exp(-gamma * cdist(x, y, "sqeuclidean")), np.exp(-gamma * cdist(y, y, "sqeuclidean"))
    means = s.mean(0)
    parts = t / means
    found = optimize.minimize(
        lambda a: -np.log(parts @ a).mean(), np.full(len(y), 1 / len(y)), method="SLSQP",
        jac=lambda a: -(parts / (parts @ a)[:, None]).mean(0), bounds=[(0, None)] * len(y),
        constraints=[{"type": "eq", "fun": lambda a: a.sum() - 1, "jac": lambda a: np.ones(len(a))}],
        options={"ftol": 1e-15, "maxiter": 5000},
    )
    assert found.success, found
    return {"gamma": gamma, "likelihood": -found.fun, "weights": mean_one(s @ (found.x / means))}


def importance(x, y):
    rows, domain = np.vstack([x, y]), np.r_[np.zeros(len(x)), np.ones(len(y))]
    logistic = []
    for ridge in (0.5, 5.0):
        model = LogisticRegression(C=1 / ridge, class_weight="balanced", tol=1e-12, max_iter=10000).fit(rows, domain)
        logistic.append({"ridge": ridge, "weights": mean_one(np.exp(model.decision_function(x)))})
    nearest = 1 + np.bincount(cdist(y, x, "sqeuclidean").argmin(1), minlength=len(x))
    gamma = 1.5 / np.median(cdist(x, y, "sqeuclidean"))
    return {
        "discriminative": logistic, "nearest": mean_one(nearest), "ulsif": ulsif(x, y),
        "kmm": [kmm(x, y, gamma, 1000.0), kmm(x, y, gamma, 2.0)], "kliep": kliep(x, y, gamma),
    }


def case(name, x, y, ys):
    narrow = x.shape[1] < len(x)
    result = {"name": name, "x": x, "y": y, "labels": ys}
    result["joint_pca"] = [joint_pca(x, y, k) for k in (1, 3)]
    result["tca"] = [
        tca(x, y, 2, 1.0, None), tca(x, y, 3, 0.1, None), tca(x, y, 3, 1.0, "linear"),
        tca(x, y, 3, 1.0, "rbf", 0.05), tca(x, y, 2, 0.01, "rbf"),
    ]
    result["jda"] = [
        jda(x, y, ys, 2, 1.0, None, 1), jda(x, y, ys, 2, 0.1, None, 10),
        jda(x, y, ys, 3, 1.0, "linear", 10), jda(x, y, ys, 3, 0.1, "rbf", 10),
        jda(x, y, ys, 2, 0.1, None, 3, 0.25), jda(x, y, ys, 2, 0.1, None, 3, 0.9),
    ]
    result["gfk"] = [gfk(x, y, k) for k in ((1, 2) if narrow else (1, 2, 4))]
    result["disagreement"] = disagreement(x, y, 3)
    result["sliced"] = sliced(x, y)
    result["coral"] = [coral(x, y, weight) for weight in (1e-2, 1.0, 30.0)]
    result["importance"] = importance(x, y)
    result["transport"] = transport(x, y, ys)
    return result


if __name__ == "__main__":
    versions = {
        "python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__, "pot": ot.__version__,
    }
    golden = {"versions": versions, "seed": SEED, "unpaired": [case(*c) for c in CASES]}
    text = json.dumps(listed(golden), separators=(",", ":"))
    Path(__file__).with_suffix(".json").write_text(text + "\n")
