"""Writes zero_shot.json: zero-shot methods by NumPy, in double precision.

Run with NumPy 2: python3 zero_shot.py. Seed 2015. Inputs are rounded to single precision and handed
over as such. The programs below follow the formulas of the papers and share no code with the crate:

* ESZSL (Romera-Paredes and Torr, ICML 2015): the formula with explicit inverses and Y of +1 and -1.
* Ridge in both directions (Shigeto et al., ECML-PKDD 2015): every row paired with its description,
  solved by least squares on rows that are extended by sqrt(lambda) I.
* Coupled dictionaries (Kolouri et al., AAAI 2018): codes by coordinate descent to 1e-14 in place of
  FISTA, atoms one by one within unit length. The rows that the atoms start from are part of the input.
* Attribute-aware codes: proximal gradient with a small fixed step, 200,000 times.
* Label propagation (Zhou et al., NIPS 2004): the closed form.
* Calibrated stacking (Chao et al., ECCV 2016): every threshold tried.
"""

import json
import platform
from pathlib import Path

import numpy as np

SEED = 2015
rng = np.random.default_rng(SEED)
CLASSES, TRAINED, PER, D, A = 7, 5, 12, 6, 4


def single(values):
    return np.asarray(values, dtype=np.float32).astype(float)


def unit(rows):
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)


s = single(unit(rng.normal(size=(CLASSES, A))))
mix = rng.normal(size=(A, D))
labels = np.repeat(np.arange(CLASSES), PER)
rows = s[labels] @ mix + 0.5 * rng.normal(size=(len(labels), D)) + rng.normal(size=D)
rows = single(unit(rows))
train = labels < TRAINED
x, y = rows[train], labels[train]
new = rows


def eszsl(gamma, lam):
    signs = np.where(y[:, None] == np.arange(TRAINED), 1.0, -1.0)
    seen = s[:TRAINED]
    left = np.linalg.inv(x.T @ x + gamma * np.eye(D))
    right = np.linalg.inv(seen.T @ seen + lam * np.eye(A))
    return left @ x.T @ signs @ seen @ right


def ridge(a, b, lam):
    ma, mb = a.mean(0), b.mean(0)
    long_a = np.vstack([a - ma, np.sqrt(lam) * np.eye(a.shape[1])])
    long_b = np.vstack([b - mb, np.zeros((a.shape[1], b.shape[1]))])
    return np.linalg.lstsq(long_a, long_b, rcond=None)[0], ma, mb


def cosine(a, b):
    return unit(a) @ unit(b).T


def euclidean(a, b):
    return -((a[:, None] - b[None]) ** 2).sum(2)


def lasso(v, atoms, penalty):
    gram, cross = atoms @ atoms.T, atoms @ v
    code = np.zeros(len(atoms))
    for _ in range(100000):
        before = code.copy()
        for j in range(len(atoms)):
            rest = cross[j] - gram[j] @ code + gram[j, j] * code[j]
            code[j] = np.sign(rest) * max(abs(rest) - penalty, 0) / gram[j, j]
        if np.abs(code - before).max() <= 1e-14:
            break
    return code


def codes_of(v, atoms, penalty):
    return np.array([lasso(row, atoms, penalty) for row in v])


def short(v):
    return v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1.0)


def coupled(start, penalty, weight, rounds):
    z = s[y]
    dx, dz = short(x[start]), short(z[start])
    objective = []
    for _ in range(rounds):
        both = np.hstack([x, np.sqrt(weight) * z])
        codes = codes_of(both, np.hstack([dx, np.sqrt(weight) * dz]), penalty)
        for d, v in [(dx, x), (dz, z)]:
            for j in range(len(d)):
                a = codes[:, j]
                if a @ a == 0:
                    continue
                others = v - codes @ d + np.outer(a, d[j])
                best = a @ others / (a @ a)
                d[j] = best / max(1.0, np.linalg.norm(best))
        fit = ((x - codes @ dx) ** 2).sum() + weight * ((z - codes @ dz) ** 2).sum()
        objective.append(0.5 * fit + penalty * np.abs(codes).sum())
    return dx, dz, objective


def aware(code, v, dx, dz, penalty, entropy, freedom):
    gram, cross = dx @ dx.T, dx @ v
    step = 2e-3
    for _ in range(200000):
        apart = code @ dz - s
        square = (apart**2).sum(1)
        kernel = (1 + square / freedom) ** (-(freedom + 1) / 2)
        p = kernel / kernel.sum()
        # dH/dp = -(log p + 1), then through the softmax-like shares.
        dh = -(np.log(p) + 1)
        dkernel = (dh - (dh * p).sum()) / kernel.sum()
        dsquare = dkernel * kernel * (-(freedom + 1) / 2) / (freedom + square)
        slope = gram @ code - cross + entropy * dz @ (2 * dsquare @ apart)
        moved = code - step * slope
        next_code = np.sign(moved) * np.maximum(np.abs(moved) - step * penalty, 0)
        if np.abs(next_code - code).max() < 1e-15:
            break
        code = next_code
    return code


def propagate(found, near, k, alpha):
    start = np.exp((near - near.max(1, keepdims=True)) / 0.1)
    start = np.vstack([start / start.sum(1, keepdims=True), np.eye(CLASSES)])
    nodes = np.vstack([found, s])
    cos = cosine(nodes, nodes)
    n = len(nodes)
    w = np.zeros((n, n))
    for i in range(n):
        order = sorted((j for j in range(n) if j != i), key=lambda j: (-cos[i, j], j))
        for j in order[:k]:
            w[i, j] = w[j, i] = (1 + cos[i, j]) / 2
    degree = w.sum(1)
    norm = w / np.sqrt(np.outer(degree, degree))
    full = (1 - alpha) * np.linalg.solve(np.eye(n) - alpha * norm, start)
    return full[: len(found)]


def calibrated(scores, gamma):
    shifted = scores - gamma * (np.arange(CLASSES) < TRAINED)
    found = shifted.argmax(1)
    rate = [np.mean(found[labels == c] == c) for c in range(CLASSES)]
    return np.mean(rate[:TRAINED]), np.mean(rate[TRAINED:])


def best_calibration(scores):
    leads = np.sort(scores[:, :TRAINED].max(1) - scores[:, TRAINED:].max(1))
    places = np.concatenate([[leads[0] - 1], (leads[1:] + leads[:-1]) / 2, [leads[-1] + 1]])
    found = [calibrated(scores, g) for g in places]
    harmonic = [2 * a * b / (a + b) if a + b else 0.0 for a, b in found]
    area = sum((b[1] - a[1]) * (a[0] + b[0]) / 2 for a, b in zip(found, found[1:]))
    return max(harmonic), area


START = [3, 17, 29, 41, 55, 8, 20]
form = eszsl(0.3, 0.7)
scores = new @ form @ s.T
to, mx, ms = ridge(x, s[y], 0.4)
back, ms2, mx2 = ridge(s[y], x, 0.4)
dx, dz, objective = coupled(START, 0.05, 0.6, 4)
agnostic = codes_of(new, dx, 0.05) @ dz
near = cosine(agnostic, s)
few = new[::9]
aware_found = np.array(
    [aware(lasso(v, dx, 0.05), v, dx, dz, 0.05, 0.3, 1.5) for v in few]
) @ dz
harmonic, area = best_calibration(scores)
out = {
    "versions": {"numpy": np.__version__, "python": platform.python_version(), "seed": SEED},
    "descriptions": s.tolist(),
    "trained": TRAINED,
    "rows": rows.tolist(),
    "labels": labels.tolist(),
    "eszsl": {"gamma": 0.3, "lambda": 0.7, "form": form.tolist(), "scores": scores.tolist()},
    "calibration": {"harmonic": harmonic, "area": area, "at_zero": calibrated(scores, 0.0)},
    "to_descriptions": {
        "lambda": 0.4,
        "weights": to.tolist(),
        "cosine": cosine((new - mx) @ to + ms, s).tolist(),
    },
    "from_descriptions": {
        "lambda": 0.4,
        "weights": back.tolist(),
        "euclidean": euclidean(new, (s - ms2) @ back + mx2).tolist(),
    },
    "coupled": {
        "start": START,
        "penalty": 0.05,
        "weight": 0.6,
        "rounds": 4,
        "row_atoms": dx.tolist(),
        "description_atoms": dz.tolist(),
        "objective": objective,
        "found": agnostic.tolist(),
        "few": few.tolist(),
        "aware": {"entropy": 0.3, "freedom": 1.5, "found": aware_found.tolist()},
        "propagation": {"neighbors": 5, "alpha": 0.8, "shares": propagate(agnostic, near, 5, 0.8).tolist()},
    },
}
Path(__file__).with_name("zero_shot.json").write_text(json.dumps(out) + "\n")
print(objective, harmonic, area, calibrated(scores, 0.0))
