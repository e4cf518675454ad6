"""Writes induced.json: self-learning, refinement and RCSLS by NumPy, in double precision.

Run with NumPy 2.4: python3 induced.py. Seed 2018. Inputs are rounded to single precision and handed
over as such. The programs below follow the formulas of the papers, with all similarities in
memory, and know nothing of lists or blocks:

* Self-learning (Artetxe, Labaka and Agirre, ACL 2018): the first dictionary from sorted rows of
  (XX^T)^1/2, and the loop with nothing dropped until the dictionary stands still.
* Refinement (Conneau et al., ICLR 2018): mutual nearest neighbours by CSLS, five rounds.
* RCSLS (Joulin et al., EMNLP 2018): the map after every epoch. Neighbours are by the inner product;
  a step that raises the loss is undone and the rate halved.
"""

import json
import platform
from pathlib import Path

import numpy as np

SEED = 2018
rng = np.random.default_rng(SEED)
K = 5


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def prepared(x):
    x = unit(x)
    return unit(x - x.mean(0)).astype(np.float32).astype(float)


def orthogonal(x, y):
    u, _, vt = np.linalg.svd(x.T @ y, full_matrices=False)
    return u @ vt


def csls(similarities):
    r_s = np.sort(similarities, axis=1)[:, -K:].mean(1)
    r_t = np.sort(similarities, axis=0)[-K:].mean(0)
    return 2 * similarities - r_s[:, None] - r_t[None]


def both_ways(similarities):
    scores = csls(similarities)
    return scores.argmax(1), scores.argmax(0)


def first_dictionary(x, y):
    def signatures(a):
        u, s, _ = np.linalg.svd(a, full_matrices=False)
        rows = unit(np.sort((u * s) @ u.T, axis=1))
        return unit(rows - rows.mean(0))

    return both_ways(signatures(x) @ signatures(y).T)


def self_learning(x, y, pairs):
    before = None
    rounds = 0
    while True:
        i, j = pairs
        w = orthogonal(x[i], y[j])
        similarities = x @ w @ y.T
        forward, backward = both_ways(similarities)
        rounds += 1
        pairs = (
            np.r_[np.arange(len(x)), backward],
            np.r_[forward, np.arange(len(y))],
        )
        if before is not None and all(np.array_equal(a, b) for a, b in zip(before, pairs)):
            break
        before = pairs
    objective = 0.5 * (similarities.max(1).mean() + similarities.max(0).mean())
    return {
        "rounds": rounds,
        "objective": objective,
        "matrix": orthogonal(x[pairs[0]], y[pairs[1]]),
        "dictionary": sorted({(int(a), int(b)) for a, b in zip(*pairs)}),
    }


def refinement(x, y, i, j, rounds=5):
    w = orthogonal(x[i], y[j])
    history = []
    for _ in range(rounds + 1):
        similarities = x @ w @ y.T
        forward, backward = both_ways(similarities)
        history.append(
            {
                "objective": similarities[np.arange(len(x)), forward].mean(),
                "matrix": w,
            }
        )
        mutual = np.flatnonzero(backward[forward] == np.arange(len(x)))
        w = orthogonal(x[mutual], y[forward[mutual]])
    return max(history, key=lambda step: step["objective"])


def rcsls(x, y, i, j, rate, epochs, spectral):
    def loss(w):
        near_y = np.argsort(-(x[i] @ w) @ y.T, axis=1)[:, :K]
        near_x = np.argsort(-(y[j] @ w.T) @ x.T, axis=1)[:, :K]
        n = len(i)
        gradient = (
            -2 * x[i].T @ y[j] + x[i].T @ y[near_y].mean(1) + x[near_x].mean(1).T @ y[j]
        ) / n
        # The loss from its terms, not from the gradient.
        mapped = x @ w
        value = -2 * np.einsum("nd,nd->n", mapped[i], y[j]).mean()
        value += np.einsum("nd,nkd->nk", mapped[i], y[near_y]).mean()
        value += np.einsum("nkd,nd->nk", mapped[near_x], y[j]).mean()
        return value, gradient

    w = orthogonal(x[i], y[j])
    value, gradient = loss(w)
    history = [{"loss": value, "matrix": w, "rate": rate}]
    for _ in range(epochs):
        after = w - rate * gradient
        if spectral:
            u, s, vt = np.linalg.svd(after, full_matrices=False)
            after = (u * np.minimum(s, 1)) @ vt
        new_value, new_gradient = loss(after)
        if new_value <= value:
            w, value, gradient = after, new_value, new_gradient
        else:
            rate /= 2
        history.append({"loss": value, "matrix": w, "rate": rate})
    return history


def case(name, n, m, dx, dy, noise):
    d = max(dx, dy)
    base = rng.standard_normal((max(n, m), d)) * np.linspace(1.5, 0.5, d)
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    order = rng.permutation(m)
    x = prepared(base[:n, :dx])
    y = prepared(((base[:m] + noise * rng.standard_normal((m, d))) @ turn[:, :dy])[order])
    place = np.argsort(order)
    i = np.arange(min(n, m) // 2)
    j = place[i]
    few = slice(0, 20)
    result = {
        "name": name,
        "k": K,
        "x": x,
        "y": y,
        "seeds": list(zip(i[few].tolist(), j[few].tolist())),
        "pairs": list(zip(i.tolist(), j.tolist())),
        "seeded": self_learning(x, y, (i[few], j[few])),
        "refined": refinement(x, y, i[few], j[few]),
        "rcsls": [
            {"rate": rate, "project": spectral, "epochs": rcsls(x, y, i, j, rate, 6, spectral)}
            for rate, spectral in [(1.0, False), (1.0, True), (40.0, False)]
        ],
    }
    if n == m:
        forward, backward = first_dictionary(x, y)
        start = (np.r_[np.arange(n), backward], np.r_[forward, np.arange(m)])
        result["unsupervised"] = self_learning(x, y, start)
    return result


def listed(value):
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [listed(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return value


golden = {
    "versions": {"python": platform.python_version(), "numpy": np.__version__},
    "seed": SEED,
    "cases": [
        case("square", 120, 120, 6, 6, 0.2),
        case("more targets", 90, 140, 5, 5, 0.3),
        case("narrow to wide", 100, 100, 5, 7, 0.1),
    ],
}
path = Path(__file__).with_name("induced.json")
path.write_text(json.dumps(listed(golden), separators=(",", ":")) + "\n")
