"""Writes residual_mlp.json: a ridge regression and a network trained on its residuals by Adam, by NumPy in double precision.

Run with NumPy 2.4: python3 residual_mlp.py. Seed 2025. Inputs are multiples of 1/256, which f32 holds exactly.

* All training pairs are one batch, so that no order of pairs matters, and the first weights of the hidden layer are given.
  Adam as in Kingma & Ba (2015), algorithm 1, with beta 0.9 and 0.999 and epsilon 1e-8.
* `errors` are the means over held-out pairs of the squared distance, before training and after each epoch.
"""

import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng(2025)
rows, dx, dy, units, epochs, rate, penalty = 120, 3, 2, 6, 40, 0.01, 1.0
x = np.round(rng.normal(0.3, 1, size=(rows, dx)) * 256) / 256
bent = np.stack([np.abs(x[:, 0]), x[:, 1] * x[:, 2]], axis=1)
y = np.round((x @ rng.normal(size=(dx, dy)) + bent + 0.1 * rng.normal(size=(rows, dy))) * 256) / 256
held = np.sort(rng.choice(rows, size=24, replace=False))
first = np.round(rng.normal(size=(dx, units)) * np.sqrt(2 / dx) * 256) / 256

train = np.setdiff1d(np.arange(rows), held)
a, b = x[train].mean(0), y[train].mean(0)
centered = x[train] - a
w = np.linalg.solve(centered.T @ centered + penalty * np.eye(dx), centered.T @ (y[train] - b))
linear = lambda x: (x - a) @ w + b
scale = np.sqrt((centered**2).mean())
z = (x - a) / scale
rest = y - linear(x)
unit = np.sqrt((rest[train] ** 2).mean())
r = rest / unit

weights = [first.copy(), np.zeros(units), np.zeros((units, dy)), np.zeros(dy)]
forward = lambda z: np.maximum(z @ weights[0] + weights[1], 0)
output = lambda z: forward(z) @ weights[2] + weights[3]
error = lambda: float((((output(z[held]) - r[held]) * unit) ** 2).sum(1).mean())
mean, square = [np.zeros_like(v) for v in weights], [np.zeros_like(v) for v in weights]
errors, mapped = [error()], None
for step in range(1, epochs + 1):
    hidden = forward(z[train])
    slope = (hidden @ weights[2] + weights[3] - r[train]) * 2 / (len(train) * dy)
    back = (slope @ weights[2].T) * (hidden > 0)
    gradient = [z[train].T @ back, back.sum(0), hidden.T @ slope, slope.sum(0)]
    for i, g in enumerate(gradient):
        mean[i] = 0.9 * mean[i] + 0.1 * g
        square[i] = 0.999 * square[i] + 0.001 * g * g
        weights[i] -= rate * (mean[i] / (1 - 0.9**step)) / (np.sqrt(square[i] / (1 - 0.999**step)) + 1e-8)
    errors.append(error())
assert np.argmin(errors) == epochs, "the last epoch is the best"
out = {
    "numpy": np.__version__, "x": x.tolist(), "y": y.tolist(), "held": held.tolist(), "hidden": first.tolist(),
    "learning_rate": rate, "epochs": epochs, "regularization": penalty, "errors": errors,
    "mapped": (linear(x) + output(z) * unit).tolist(),
}
Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
