"""Writes hog.json: pictures and their descriptors by scikit-image, for tests/golden.rs.

Made with Python 3, scikit-image 0.26.0 and numpy 2.4.6:  python hog.py > hog.json
The pictures have the descriptor's size, so that resizing plays no part. Seed 1.
"""

import json

import numpy as np
from skimage.feature import hog

SEED = 1
rng = np.random.default_rng(SEED)


def picture(kind, size):
    i, j = np.mgrid[0:size, 0:size]
    if kind == "noise":
        return rng.integers(0, 256, (size, size)).astype(np.uint8)
    if kind == "disc":
        distance = np.hypot(i - size / 2.3, j - size / 1.9)
        return np.clip(255 * (size / 3 - distance + 0.5), 0, 255).astype(np.uint8)
    if kind == "diagonal":  # gradients on the boundaries of bins: 45 and 135 degrees
        return np.where(abs(i - j) < size // 4, 200, 20).astype(np.uint8)
    if kind == "faint":  # one grey level on a flat ground, and flat blocks
        flat = np.full((size, size), 7, np.uint8)
        flat[size // 4, size // 4] += 1
        return flat
    raise ValueError(kind)


cases = []
for kind, size, cell, block, orientations in [
    ("noise", 16, 4, 2, 9),
    ("disc", 16, 4, 2, 9),
    ("diagonal", 16, 4, 2, 8),
    ("faint", 16, 4, 2, 9),
    ("disc", 15, 5, 3, 6),
    ("noise", 12, 3, 1, 12),
]:
    pixels = picture(kind, size)
    values = hog(
        pixels,
        orientations=orientations,
        pixels_per_cell=(cell, cell),
        cells_per_block=(block, block),
        block_norm="L2-Hys",
        transform_sqrt=False,
    )
    cases.append(
        {
            "name": f"{kind} {size}",
            "size": size,
            "cell": cell,
            "block": block,
            "orientations": orientations,
            "pixels": pixels.ravel().tolist(),
            "values": [round(value, 7) for value in values.tolist()],
        }
    )
print("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]")
