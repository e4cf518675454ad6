"""Writes descriptors.json: pictures with HOG by OpenCV and local binary patterns by scikit-image, for
tests/golden.rs.

Made with Python 3, opencv-python-headless 4.14.0.94, scikit-image 0.26.0 and numpy 2.4.6:
    python descriptors.py > descriptors.json
The pictures have the descriptors' size, so that resizing plays no part. Seed 2.
"""

import json

import cv2
import numpy as np
from skimage.feature import local_binary_pattern

rng = np.random.default_rng(2)


def picture(kind, height, width):
    i, j = np.mgrid[0:height, 0:width]
    if kind == "noise":
        return rng.integers(0, 256, (height, width)).astype(np.uint8)
    if kind == "flat":
        return np.where(i < height // 2, 90, 91).astype(np.uint8)
    return (128 + 60 * np.sin(i / 3.1 + np.cos(j / 5.7)) + 60 * np.sin((i + 2 * j) / 9.0)).astype(np.uint8)


cases = []
for kind, height, width, cell, block, bins, signed in [
    ("waves", 48, 32, 8, 2, 9, False),
    ("noise", 24, 24, 4, 3, 6, True),
    ("flat", 16, 16, 8, 1, 9, False),
]:
    pixels = picture(kind, height, width)
    size = lambda n: (n, n)  # noqa: E731
    hog = cv2.HOGDescriptor(
        (width, height), size(cell * block), size(cell), size(cell), bins, 1, -1, 0, 0.2, True, 64, signed
    )
    codes = {}
    for points, radius in [(8, 1.0), (12, 2.5)]:
        found = local_binary_pattern(pixels, points, radius, "uniform").astype(int)
        codes[f"{points} {radius}"] = (np.bincount(found.ravel(), minlength=points + 2)).tolist()
    cases.append(
        {
            "name": kind,
            "height": height,
            "width": width,
            "cell": cell,
            "block": block,
            "orientations": bins,
            "signed": signed,
            "pixels": pixels.ravel().tolist(),
            "hog": [round(value, 7) for value in hog.compute(pixels).ravel().astype(float).tolist()],
            "lbp": [codes["8 1.0"], codes["12 2.5"]],
        }
    )
print("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]")
