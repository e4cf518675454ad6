"""Reference values for the choice without target labels: the papers' formulas in NumPy.

Run: python selection.py > selection.json   (NumPy 2.4, Python 3.11, seed 0)

Soft neighbourhood density and the entropies are computed by forming the whole matrix; importance
weighting and DEV from their definitions with np.cov and np.var.
"""
import json

import numpy as np


def entropy(p):
    return float(-(p * np.log(p)).sum(axis=1).mean())


def soft_neighborhood_density(p, temperature):
    unit = p / np.linalg.norm(p, axis=1, keepdims=True)
    similar = unit @ unit.T / temperature
    n = len(p)
    others = similar[~np.eye(n, dtype=bool)].reshape(n, n - 1)
    e = np.exp(others - others.max(axis=1, keepdims=True))
    return entropy(e / e.sum(axis=1, keepdims=True))


def importance_weighted(losses, weights):
    return float(np.average(losses, weights=weights))


def deep_embedded(losses, weights):
    weighted = losses * weights
    eta = -np.cov(weighted, weights, ddof=1)[0, 1] / np.var(weights, ddof=1)
    return float(weighted.mean() + eta * weights.mean() - eta)


rng = np.random.default_rng(0)
cases = []
for rows, classes in [(7, 2), (40, 5), (25, 10)]:
    p = rng.dirichlet(np.full(classes, 0.5), size=rows)
    losses = (rng.random(rows) < 0.3).astype(float)
    weights = rng.lognormal(sigma=1.0, size=rows)
    cases.append({
        "probabilities": p.tolist(),
        "losses": losses.tolist(),
        "weights": weights.tolist(),
        "entropy": entropy(p),
        "density": soft_neighborhood_density(p, 0.05),
        "importance_weighted": importance_weighted(losses, weights),
        "deep_embedded": deep_embedded(losses, weights),
    })
print(json.dumps({"numpy": np.__version__, "seed": 0, "cases": cases}))
