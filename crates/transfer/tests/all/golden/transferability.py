"""Writes transferability.json: scores of source models for a target, by NumPy in double precision.

Run with NumPy 2: python3 transferability.py. Seed 2021. Inputs are rounded to single precision (but for
probabilities) and handed over as such. Each score is written from its paper's formula, with explicit
inverses, determinants and sums, and shares no code with the crate:

* LEEP (Nguyen et al., ICML 2020); NCE (Tran et al., ICCV 2019).
* LogME (You et al., ICML 2021): the evidence itself, maximised over a grid of the logarithms of alpha
  and beta that is refined around its best point; no fixed point.
* H-score (Bao et al., ICIP 2019), shrunk after Ledoit and Wolf (Ibrahim et al., ECML-PKDD 2022).
* TransRate (Huang et al., ICML 2022), classes weighed by their rows.
"""

import json
import platform
from pathlib import Path

import numpy as np

SEED = 2021
rng = np.random.default_rng(SEED)
N, D, CLASSES, SOURCES = 40, 6, 3, 4


def single(values):
    return np.asarray(values, dtype=np.float32).astype(float)


labels = np.concatenate([np.arange(CLASSES), rng.integers(0, CLASSES, N - CLASSES)])
places = rng.normal(size=(CLASSES, D))
f = single(places[labels] + rng.normal(size=(N, D)) + 0.7)
logits = f @ rng.normal(size=(D, SOURCES))
theta = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
z = theta.argmax(1)


def leep():
    joint = np.array([[theta[labels == y, s].sum() for s in range(SOURCES)] for y in range(CLASSES)]) / N
    given = joint / joint.sum(0)
    return np.mean([np.log(sum(given[labels[i], s] * theta[i, s] for s in range(SOURCES))) for i in range(N)])


def nce():
    total = 0.0
    for s in range(SOURCES):
        for y in range(CLASSES):
            both = np.mean((z == s) & (labels == y))
            if both:
                total += both * np.log(both / np.mean(z == s))
    return total


def evidence(y, alpha, beta):
    a = alpha * np.eye(D) + beta * f.T @ f
    m = beta * np.linalg.solve(a, f.T @ y)
    return 0.5 * (
        N * np.log(beta) + D * np.log(alpha) - N * np.log(2 * np.pi)
        - beta * ((f @ m - y) ** 2).sum() - alpha * (m**2).sum() - np.linalg.slogdet(a)[1]
    ) / N


def log_me():
    total = 0.0
    for c in range(CLASSES):
        y = (labels == c).astype(float)
        middle, reach = np.zeros(2), 8.0
        for _ in range(40):
            grid = [middle + reach * np.array([i, j]) / 5 for i in range(-5, 6) for j in range(-5, 6)]
            values = [evidence(y, np.exp(a), np.exp(b)) for a, b in grid]
            middle, reach = grid[int(np.argmax(values))], reach * 0.55
        total += evidence(y, *np.exp(middle))
    return total / CLASSES


def h_score(share):
    g = f - f.mean(0)
    c = g.T @ g / N
    mu = np.trace(c) / D
    if share is None:
        d2 = ((c - mu * np.eye(D)) ** 2).sum()
        b2 = sum(((np.outer(r, r) - c) ** 2).sum() for r in g) / N**2
        share = min(b2, d2) / d2
    between = sum(np.sum(labels == k) / N * np.outer(m, m) for k in range(CLASSES) for m in [g[labels == k].mean(0)])
    return (1 - share) * np.trace(np.linalg.inv((1 - share) * c + share * mu * np.eye(D)) @ between)


def rate(rows, eps):
    return 0.5 * np.linalg.slogdet(np.eye(D) + rows.T @ rows / (len(rows) * eps))[1]


def trans_rate(eps):
    g = f - f.mean(0)
    return rate(g, eps) - sum(np.mean(labels == c) * rate(g[labels == c], eps) for c in range(CLASSES))


out = {
    "versions": {"numpy": np.__version__, "python": platform.python_version(), "seed": SEED},
    "features": f.tolist(),
    "labels": labels.tolist(),
    "probabilities": theta.tolist(),
    "predicted": z.tolist(),
    "leep": leep(),
    "nce": nce(),
    "log_me": log_me(),
    "h_score": h_score(0.0),
    "h_score_shrunk": h_score(None),
    "trans_rate": trans_rate(1e-2),
}
Path(__file__).with_name("transferability.json").write_text(json.dumps(out) + "\n")
print({k: v for k, v in out.items() if isinstance(v, float)})
