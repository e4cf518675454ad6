"""Writes tadell.json: TaDeLL over a few tasks, by NumPy in double precision.

Run with NumPy 2: python3 tadell.py. Seed 2017. Codes by coordinate descent on the stacked problem to
1e-15, dictionaries by a Kronecker system built anew from all tasks so far; no running sums. The
dictionaries that both sides start from are part of the input.
"""

import json
import platform
from pathlib import Path

import numpy as np

SEED = 2017
rng = np.random.default_rng(SEED)
D, M, K, TASKS = 3, 4, 3, 7
RHO, MU, RIDGE = 0.8, 0.02, 0.05

base, words = rng.normal(size=(D, K)), rng.normal(size=(M, K))
truth = rng.normal(size=(TASKS, K))
theta = truth @ base.T + 0.05 * rng.normal(size=(TASKS, D))
phi = truth @ words.T + 0.05 * rng.normal(size=(TASKS, M))
gamma = []
for _ in range(TASKS):
    rows = rng.normal(size=(20, D))
    gamma.append(rows.T @ rows / 20)


def code(l, d, t, g, p):
    parts = [np.sqrt(RHO) * d]
    aims = [np.sqrt(RHO) * p]
    if t is not None:
        root = np.linalg.cholesky(g).T
        parts.append(root @ l)
        aims.append(root @ t)
    a, b = np.vstack(parts), np.concatenate(aims)
    s = np.zeros(K)
    for _ in range(200000):
        before = s.copy()
        for j in range(K):
            rest = a[:, j] @ (b - a @ s) + (a[:, j] @ a[:, j]) * s[j]
            s[j] = np.sign(rest) * max(abs(rest) - MU / 2, 0) / (a[:, j] @ a[:, j])
        if np.abs(s - before).max() < 1e-15:
            break
    return s


def dictionaries(codes, upto):
    left, right = RIDGE * np.eye(D * K), np.zeros(D * K)
    for t in range(upto):
        left += np.kron(np.outer(codes[t], codes[t]), gamma[t]) / upto
        right += np.kron(codes[t], gamma[t] @ theta[t]) / upto
    l = np.linalg.solve(left, right).reshape(K, D).T
    s = np.array(codes[:upto])
    d = np.linalg.solve(RHO * s.T @ s / upto + RIDGE * np.eye(K), RHO * s.T @ phi[:upto] / upto).T
    return l, d


start_l, start_d = rng.normal(size=(D, K)), rng.normal(size=(M, K))
l, d = start_l, start_d
codes = []
for t in range(TASKS - 1):
    codes.append(code(l, d, theta[t], gamma[t], phi[t]))
    l, d = dictionaries(codes, t + 1)
last = TASKS - 1

# A task of two classes by least squares on ±1; rows that f32 holds exactly.
rows = np.round(rng.normal(size=(9, D)) * 64) / 64
labels = np.array([0, 1, 1, 0, 1, 0, 1, 1, 1])
L2 = 0.3
wide = np.hstack([rows, np.ones((9, 1))])
estimate_gamma = (wide.T @ wide + L2 * np.diag([1.0] * D + [0.0])) / 9
estimate_theta = np.linalg.solve(9 * estimate_gamma, wide.T @ (2.0 * labels - 1))
out = {
    "versions": {"numpy": np.__version__, "python": platform.python_version(), "seed": SEED},
    "settings": {"weight": RHO, "penalty": MU, "ridge": RIDGE},
    "start": {"parameters": start_l.tolist(), "descriptions": start_d.tolist()},
    "theta": theta.tolist(),
    "phi": phi.tolist(),
    "gamma": [g.tolist() for g in gamma],
    "codes": [c.tolist() for c in codes],
    "parameters": l.tolist(),
    "descriptions": d.tolist(),
    "predicted": (l @ code(l, d, None, None, phi[last])).tolist(),
    "estimate": {
        "rows": rows.tolist(),
        "labels": labels.tolist(),
        "l2": L2,
        "theta": estimate_theta.tolist(),
        "gamma": estimate_gamma.tolist(),
    },
    "improved": (l @ code(l, d, theta[last], gamma[last], phi[last])).tolist(),
}
Path(__file__).with_name("tadell.json").write_text(json.dumps(out) + "\n")
