"""What the methods that plans name give on a few rows, by NumPy, SciPy and scikit-learn.

python3 methods.py > methods.json, with NumPy 2.4.6, SciPy and scikit-learn 1.9.1.
"""

import json

import numpy as np
import scipy
import sklearn
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

rng = np.random.default_rng(21)


def single(values):
    """Multiples of 1/1024: exact as text and in single precision."""
    return np.round(values * 1024) / 1024


def ridge(x, y, classes, l2):
    """Least squares on plus and minus 1, the intercepts free."""
    t = np.where(np.eye(classes)[y] > 0, 1.0, -1.0)
    mean, t_mean = x.mean(0), t.mean(0)
    w = np.linalg.solve((x - mean).T @ (x - mean) + l2 * np.eye(x.shape[1]), (x - mean).T @ (t - t_mean))
    return w, t_mean - mean @ w


def logistic(x, y, classes, l2, source=None):
    """Sum of losses plus l2 / 2 times the squared distance of the weights from the source's."""
    d = x.shape[1]
    start = np.zeros((d + 1, classes)) if source is None else source
    x1 = np.column_stack([x, np.ones(len(x))])

    def value(flat):
        w = flat.reshape(d + 1, classes)
        z = x1 @ w
        off = w[:d] - start[:d]
        p = softmax(z, axis=1)
        p[np.arange(len(y)), y] -= 1
        grad = x1.T @ p
        grad[:d] += l2 * off
        return (logsumexp(z, axis=1) - z[np.arange(len(y)), y]).sum() + l2 / 2 * (off**2).sum(), grad.ravel()

    found = minimize(value, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 100000, "maxfun": 1000000, "ftol": 1e-16, "gtol": 1e-10})
    return found.x.reshape(d + 1, classes)


def model(w, b):
    return {"weights": w.tolist(), "intercepts": (b - b.mean()).tolist()}


out = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}

# Few-shot: four base classes, three new ones.
described = single(rng.normal(size=(7, 5)))
places = described @ rng.normal(size=(5, 6))
base_labels = np.arange(60) % 4
base = single(places[base_labels] + rng.normal(size=(60, 6)))
labels = np.arange(15) % 3
few = single(places[4 + labels] + rng.normal(size=(15, 6)))
out["few_shot"] = {
    "base": base.tolist(),
    "base_labels": base_labels.tolist(),
    "few": few.tolist(),
    "labels": labels.tolist(),
    "descriptions": described.tolist(),
    "l2": 2.0,
    "target_only": model(*ridge(few, labels, 3, 2.0)),
}
w, b = ridge(np.vstack([base, few]), np.concatenate([base_labels, 4 + labels]), 7, 2.0)
out["few_shot"]["pooled"] = model(w[:, 4:], b[4:])
# The task's classes are the base classes 2, 0 and 3.
shared = [2, 0, 3]
found = logistic(base, base_labels, 4, 1.0)[:, shared]
out["few_shot"]["shared"] = shared
out["few_shot"]["source_only"] = model(found[:-1], found[-1])
# Whitened by the base rows' spread within their classes.
means = np.stack([base[base_labels == c].mean(0) for c in range(4)])
spread = (base - means[base_labels]).T @ (base - means[base_labels]) / len(base)
spread = 0.1 * spread + 0.9 * np.trace(spread) / 6 * np.eye(6)
white = (few - base.mean(0)) @ np.linalg.inv(np.linalg.cholesky(spread)).T
white /= np.linalg.norm(white, axis=1, keepdims=True)
out["few_shot"]["whitened"] = white.tolist()
class_means = np.stack([white[labels == c].mean(0) for c in range(3)])
out["few_shot"]["nearest_mean"] = model(2 * class_means.T, -(class_means**2).sum(1))
# Prototypes: regression of rows on descriptions, with a penalty of 1; each counts as 1.5 rows.
s, x_mean, s_mean = described[base_labels], base.mean(0), described[base_labels].mean(0)
to_rows = np.linalg.solve((s - s_mean).T @ (s - s_mean) + np.eye(5), (s - s_mean).T @ (base - x_mean))
prototypes = (described[4:] - s_mean) @ to_rows + x_mean
counted = np.stack([few[labels == c].sum(0) for c in range(3)]) + 1.5 * prototypes
counted /= 5 + 1.5
out["few_shot"]["name_prototypes"] = model(2 * counted.T, -(counted**2).sum(1))
pair = labels < 2
out["few_shot"]["target_trained"] = model(*ridge(few[pair], labels[pair], 2, 2.0))

# Two tasks of two classes each, one after another.
classes = np.repeat([0, 1, 2, 3], 10)
rows = single(2 * rng.normal(size=(4, 4))[classes] + rng.normal(size=(40, 4)))
first, second = classes < 2, classes >= 2
start = logistic(rows[first], classes[first], 4, 1.0)
kept = np.concatenate([np.flatnonzero(classes == c)[:2] for c in (0, 1)])
with_kept = np.concatenate([np.flatnonzero(second), kept])
none = logistic(rows[second], classes[second], 4, 1.0, start)
stored = logistic(rows[with_kept], classes[with_kept], 4, 1.0, start)
joint = logistic(rows, classes, 4, 1.0)
out["continual"] = {
    "rows": rows.tolist(),
    "classes": classes.tolist(),
    "none": model(none[:-1], none[-1]),
    "stored": model(stored[:-1], stored[-1]),
    "joint": model(joint[:-1], joint[-1]),
    "mean": [rows[classes == c].mean(0).tolist() for c in range(4)],
    "deviation": [rows[classes == c].std(0).tolist() for c in range(4)],
}

# The first task of an embedding of two components: ten steps of L-BFGS on the joint objective.
x = rows[first] - rows[first].mean(0)
y, n, d, k = classes[first], 20, 4, 2
values, axes = np.linalg.eigh(x.T @ x / (n - 1))
values, axes = values[::-1][:k], axes[:, ::-1][:, :k]
shape = [(d, k), (k, d), (k + 1, 4)]
begin = np.concatenate([(axes / np.sqrt(values)).ravel(), (axes * np.sqrt(values)).T.ravel(), np.zeros(shape[2]).ravel()])


def split(flat):
    ends = np.cumsum([a * b for a, b in shape])[:-1]
    return [part.reshape(s) for part, s in zip(np.split(flat, ends), shape)]


def objective(flat):
    w, v, u = split(flat)
    z = x @ w
    scores = z @ u[:k] + u[k]
    value = (logsumexp(scores, axis=1) - scores[np.arange(n), y]).sum() / n + 0.5 / n * (u[:k] ** 2).sum()
    p = softmax(scores, axis=1)
    p[np.arange(n), y] -= 1
    p /= n
    by_u = np.vstack([z.T @ p + u[:k] / n, p.sum(0)])
    off = z @ v - x
    value += (off**2).sum() / (n * d)
    by_v = 2 / (n * d) * z.T @ off
    by_z = p @ u[:k].T + 2 / (n * d) * off @ v.T
    return value, np.concatenate([(x.T @ by_z).ravel(), by_v.ravel(), by_u.ravel()])


def lbfgs(point, steps):
    """Nocedal & Wright, algorithm 7.5; steps are halved, the first is of unit length at most."""
    value, gradient = objective(point)
    memory = []
    for _ in range(steps):
        q, shares = gradient.copy(), []
        for s, g, c in reversed(memory):
            shares.append(s @ q / c)
            q -= shares[-1] * g
        if memory:
            q *= memory[-1][2] / (memory[-1][1] @ memory[-1][1])
        for (s, g, c), share in zip(memory, reversed(shares)):
            q += (share - g @ q / c) * s
        step = 1.0 if memory else min(1.0, 1 / np.linalg.norm(q))
        while True:
            after, after_gradient = objective(point - step * q)
            if after <= value - 1e-4 * step * (gradient @ q):
                break
            step /= 2
        s, g = -step * q, after_gradient - gradient
        if s @ g > 0:
            memory = (memory + [(s, g, s @ g)])[-10:]
        point, value, gradient = point - step * q, after, after_gradient
    return point


w, _, u = split(lbfgs(begin, 10))
weights = w @ u[:k]
out["continual"]["embedding"] = model(weights, u[k] - rows[first].mean(0) @ weights)
print(json.dumps(out))
