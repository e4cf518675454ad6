"""Writes auto.json: held-out retrieval of paired methods by NumPy, in double precision.

Run with NumPy 2.4: python3 auto.py. Seed 2026. Inputs are multiples of 1/256, which f32 holds exactly.

* Pair i is in fold i % 5. Each fold's map is learned from the other folds. A query is a held-out source row; its
  score is the reciprocal of its partner's rank by cosine among all mapped targets, 0 from rank 11 on.
"""

import json
from pathlib import Path

import numpy as np

FOLDS = 5


def procrustes(x, y):
    u, _, vt = np.linalg.svd(x.T @ y)
    return np.zeros(x.shape[1]), u @ vt, np.zeros(y.shape[1])


def centered(x, y):
    a, b = x.mean(0), y.mean(0)
    _, w, _ = procrustes(x - a, y - b)
    return a, w, b


def least_squares(x, y):
    a, b = x.mean(0), y.mean(0)
    return a, np.linalg.lstsq(x - a, y - b, rcond=None)[0], b


def score(fit, x, y):
    scores = []
    fold = np.arange(len(x)) % FOLDS
    for held in range(FOLDS):
        a, w, b = fit(x[fold != held], y[fold != held])
        mapped = (x - a) @ w + b
        unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)
        cosines = unit(mapped) @ unit(y).T
        for i in np.flatnonzero(fold == held):
            rank = 1 + int((cosines[i] > cosines[i, i]).sum())
            scores.append(1 / rank if rank <= 10 else 0.0)
    return float(np.mean(scores))


rng = np.random.default_rng(2026)
x = np.round(rng.normal(size=(60, 4)) * 256) / 256
turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
y = np.round((x @ turn + 0.9 * rng.normal(size=(60, 4)) + 0.3) * 256) / 256
methods = {"procrustes": procrustes, "procrustes-centered": centered, "least-squares": least_squares}
scores = {name: score(fit, x, y) for name, fit in methods.items()}
out = {"numpy": np.__version__, "x": x.tolist(), "y": y.tolist(), "scores": scores}
Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
