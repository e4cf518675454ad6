"""Writes hog_cells.json: maps of oriented gradients, by a plain NumPy program in double precision.

Run with NumPy 2: python3 hog_cells.py. Seed 2010. The program follows the text of Felzenszwalb et al. (2010) pixel by
pixel and shares no code with the crate: directions by the largest dot product with 18 unit vectors (of equals,
which happens at 90 and 270 degrees only, the first), bilinear votes for four cells, blocks of 2 x 2 cells whose missing cells are those at the edge.
"""

import json
import platform
from pathlib import Path

import numpy as np

SEED = 2010
rng = np.random.default_rng(SEED)


def histograms(grey, cell):
    height, width = grey.shape
    rows, columns = height // cell, width // cell
    sums = np.zeros((rows, columns, 18))
    angles = np.arange(18) * np.pi / 9
    units = np.stack([np.cos(angles), np.sin(angles)])
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            gradient = np.array([grey[y, x + 1] - grey[y, x - 1], grey[y + 1, x] - grey[y - 1, x]])
            length = np.hypot(*gradient)
            if length == 0:
                continue
            products = gradient @ units
            best = int(np.argmax(products > products.max() - 1e-9))
            v, u = (y + 0.5) / cell - 0.5, (x + 0.5) / cell - 0.5
            for i in (int(np.floor(v)), int(np.floor(v)) + 1):
                for j in (int(np.floor(u)), int(np.floor(u)) + 1):
                    if 0 <= i < rows and 0 <= j < columns:
                        share = (1 - abs(v - i)) * (1 - abs(u - j))
                        sums[i, j, best] += share * length / cell**2
    return sums


def cells(grey, cell, floor):
    h = histograms(grey.astype(float), cell)
    rows, columns, _ = h.shape
    plain = h[:, :, :9] + h[:, :, 9:]
    energy = (plain**2).sum(2)
    at = lambda i, j: energy[min(max(i, 0), rows - 1), min(max(j, 0), columns - 1)]
    out = np.zeros((rows, columns, 31))
    for i in range(rows):
        for j in range(columns):
            seen, seen_plain, texture = np.zeros(18), np.zeros(9), []
            for di in (-1, 0):
                for dj in (-1, 0):
                    block = sum(at(i + di + a, j + dj + b) for a in (0, 1) for b in (0, 1))
                    n = 1 / np.sqrt(block + floor**2 + 1e-8)
                    clipped = np.minimum(h[i, j] * n, 0.2)
                    seen += clipped
                    seen_plain += np.minimum(plain[i, j] * n, 0.2)
                    texture.append(0.2357 * clipped.sum())
            out[i, j] = np.concatenate([0.5 * seen, 0.5 * seen_plain, texture])
    return out


cases = []
for height, width, cell, floor in [(41, 35, 8, 1.0), (24, 30, 4, 0.0), (17, 12, 6, 5.0), (8, 8, 8, 1.0)]:
    noise = rng.integers(0, 40, (height, width))
    y, x = np.mgrid[:height, :width]
    grey = (100 + 80 * np.sin(x / 5.3 + y / 7.1) + noise).clip(0, 255).astype(int)
    cases.append({
        "cell": cell, "floor": floor, "grey": grey.tolist(),
        "map": np.round(cells(grey, cell, floor), 7).tolist(),
    })

Path(__file__).with_suffix(".json").write_text(json.dumps({
    "made_by": {"python": platform.python_version(), "numpy": np.__version__, "seed": SEED},
    "cases": cases,
}, separators=(",", ":")) + "\n")
