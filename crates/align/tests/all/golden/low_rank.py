"""Writes low_rank.json: reduced-rank ridge regression by NumPy, in double precision.

Run with NumPy 2.4: python3 low_rank.py. Seed 1975. Inputs are multiples of 1/256, which f32 holds exactly.

* Ridge is least squares with sqrt(lambda)·I as further rows of X and zeros as further rows of Y (Mukherjee & Zhu 2011).
  The map of rank r is its solution times the first r right singular vectors of the fitted values, further rows
  included. Rows are centred first where there is an intercept. `objective` is the sum of squared errors plus
  lambda·‖W‖².
"""

import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng(1975)
cases = []
for rows, dx, dy, rank, penalty, intercept in [
    (60, 6, 5, 2, 0.0, False), (60, 6, 5, 2, 3.0, True), (40, 4, 7, 1, 1.0, True), (8, 10, 6, 3, 0.5, False),
]:
    x = np.round(rng.normal(0.5, 1, size=(rows, dx)) * 256) / 256
    y = np.round((x @ rng.normal(size=(dx, 2)) @ rng.normal(size=(2, dy)) + rng.normal(size=(rows, dy))) * 256) / 256
    a, b = (x.mean(0), y.mean(0)) if intercept else (np.zeros(dx), np.zeros(dy))
    augmented = np.vstack([x - a, np.sqrt(penalty) * np.eye(dx)])
    wanted = np.vstack([y - b, np.zeros((dx, dy))])
    ridge = np.linalg.lstsq(augmented, wanted, rcond=None)[0]
    v = np.linalg.svd(augmented @ ridge)[2][:rank].T
    w = ridge @ v @ v.T
    cases.append({
        "x": x.tolist(), "y": y.tolist(), "rank": rank, "regularization": penalty, "intercept": intercept,
        "matrix": w.tolist(), "shift": a.tolist(), "offset": b.tolist(),
        "objective": float(((augmented @ w - wanted) ** 2).sum()),
    })
Path(__file__).with_suffix(".json").write_text(json.dumps({"numpy": np.__version__, "cases": cases}) + "\n")
