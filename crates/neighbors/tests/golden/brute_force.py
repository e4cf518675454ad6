"""Writes brute_force.json: neighbours, CSLS, inverted softmax and hubness by NumPy and SciPy, in double
precision.

Run with NumPy 2.4 and SciPy 1.17 (any NumPy 2.x and SciPy will do): python3 brute_force.py. Seed 20240.
Inputs are multiples of 1/64, so that they are exact as text and in single precision.
"""

import json
from pathlib import Path

import numpy as np
from scipy.stats import skew

rng = np.random.default_rng(20240)


def rows(n, d):
    return np.round(rng.standard_normal((n, d)) * 64) / 64


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def best(scores, k):
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return {
        "indices": order.tolist(),
        "scores": np.take_along_axis(scores, order, axis=1).tolist(),
    }


source, target = rows(14, 5), rows(17, 5) + 0.5
k, r_k = 4, 3
cosine = unit(source) @ unit(target).T
distance = ((source[:, None, :] - target[None, :, :]) ** 2).sum(axis=2)
r_t = -np.sort(-cosine, axis=1)[:, :r_k].mean(axis=1)
r_s = -np.sort(-cosine.T, axis=1)[:, :r_k].mean(axis=1)
csls = 2 * cosine - r_t[:, None] - r_s[None, :]

found = best(cosine, k)
occurrences = np.bincount(np.ravel(found["indices"]), minlength=len(target))
deviation = occurrences - occurrences.mean()
euclidean = best(-distance, k)
euclidean["scores"] = (-np.array(euclidean["scores"])).tolist()

beta = 30.0
logits = beta * cosine
softmax = logits - np.log(np.exp(logits).sum(axis=0))
forward, backward = cosine.argmax(axis=1), cosine.argmax(axis=0)
mutual = [[i, int(j)] for i, j in enumerate(forward) if backward[j] == i]

golden = {
    "numpy": np.__version__,
    "seed": 20240,
    "k": k,
    "r_k": r_k,
    "source": source.tolist(),
    "target": target.tolist(),
    "cosine": found,
    "squared_euclidean": euclidean,
    "csls": best(csls, k),
    "beta": beta,
    "inverted_softmax": best(softmax, k),
    "source_neighbours": best(cosine.T, r_k),
    "csls_of_target": best(csls.T, k),
    "mutual": mutual,
    "target_means": r_s.tolist(),
    "hubness": {
        "skewness": float(skew(occurrences)),
        "robin_hood": np.abs(deviation).sum() / (2 * occurrences.sum()),
        "anti_hubs": (occurrences == 0).mean(),
        "largest": int(occurrences.max()),
    },
}
path = Path(__file__).with_name("brute_force.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
