"""Writes sift.json: pictures and descriptors of points on a grid by OpenCV's SIFT, for tests/golden.rs.

Made with Python 3, opencv-python-headless 4.14.0.94 and numpy 2.4.6:  python sift.py > sift.json
The pictures have the descriptor's size, so that resizing plays no part. Seed 1. OpenCV multiplies by 512 and
rounds to whole numbers up to 255.
"""

import json

import cv2
import numpy as np

rng = np.random.default_rng(1)


def picture(kind, size):
    i, j = np.mgrid[0:size, 0:size]
    if kind == "noise":
        return rng.integers(0, 256, (size, size)).astype(np.uint8)
    if kind == "disc":
        distance = np.hypot(i - size / 2.3, j - size / 1.9)
        return np.clip(255 * (size / 3 - distance + 0.5), 0, 255).astype(np.uint8)
    waves = np.sin(i / 3.1 + np.cos(j / 5.7)) + np.sin((i + 2 * j) / 9.0)
    return (128 + 60 * waves).astype(np.uint8)


cases = []
for kind, size, step, cells in [("noise", 48, 16, [4, 6]), ("disc", 40, 20, [3]), ("waves", 64, 24, [4, 8])]:
    pixels = picture(kind, size)
    count = (size - 1) // step + 1
    margin = (size - 1 - (count - 1) * step) // 2
    grid = [margin + at * step for at in range(count)]
    points = [cv2.KeyPoint(float(x), float(y), 2 * cell / 3, 0.0) for cell in cells for y in grid for x in grid]
    kept, values = cv2.SIFT_create().compute(pixels, points)
    assert len(kept) == len(points)
    assert all(a.pt == b.pt and a.size == b.size for a, b in zip(kept, points)), "in another order"
    cases.append(
        {
            "name": f"{kind} {size}",
            "size": size,
            "step": step,
            "cells": cells,
            "pixels": pixels.ravel().tolist(),
            "values": values.astype(int).ravel().tolist(),
        }
    )
print("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]")
