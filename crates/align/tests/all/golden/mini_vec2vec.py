"""Writes mini_vec2vec.json: clusters, and the same clusters rotated, by NumPy.

Run with NumPy 2.4: python3 mini_vec2vec.py. Seed 2510. mini-vec2vec draws random numbers, which no other program
draws alike; what it should find does not depend on them. The map expected is that of orthogonal Procrustes on the true
pairs about the means, of rows at unit length about their mean.
"""

import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng(2510)
centers = rng.uniform(-1, 1, size=(12, 5))
x = np.float32(centers[np.arange(360) % 12] + 0.05 * rng.uniform(-1, 1, size=(360, 5)))
turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
y = np.float32(x.astype(float) @ turn + 0.25)
unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)
a, b = (unit(side.astype(float) - side.astype(float).mean(0)) for side in (x, y))
u, _, vt = np.linalg.svd(a.T @ b)
order = rng.permutation(len(y))
out = {
    "numpy": np.__version__, "x": x.astype(float).tolist(), "y": y[order].astype(float).tolist(),
    "matrix": (u @ vt).tolist(),
}
Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
