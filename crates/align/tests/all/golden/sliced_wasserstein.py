"""Writes sliced_wasserstein.json: the sliced Wasserstein map in one dimension by NumPy, in double precision.

Run with NumPy 2.4: python3 sliced_wasserstein.py. Seed 1906. In one dimension all directions are alike and, as long as
the factor is positive, sorted rows belong together: x -> (x - mean x) * w + mean y with
w = (cov(sorted x, sorted y) + rho) / (var x + rho), both with divisor n, minimises the distance plus rho * (w - 1)^2.
"""

import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng(1906)
cases = []
for rho in [0.0, 0.01, 3.0]:
    x = np.sort(np.round(rng.normal(1, 2, size=40) * 256) / 256)
    y = np.sort(np.round(rng.exponential(3, size=40) * 256) / 256)
    dx, dy = x - x.mean(), y - y.mean()
    w = (dx @ dy / len(x) + rho) / (dx @ dx / len(x) + rho)
    distance = np.sqrt(((dx * w - dy) ** 2).mean())
    mix = rng.permutation(len(x))
    cases.append({
        "rho": rho, "x": x[mix][:, None].tolist(), "y": y[::-1][:, None].tolist(),
        "factor": float(w), "offset": float(y.mean()), "distance": float(distance),
    })
Path(__file__).with_suffix(".json").write_text(json.dumps({"numpy": np.__version__, "cases": cases}) + "\n")
