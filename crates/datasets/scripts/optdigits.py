"""data/optdigits.gz: 1,797 handwritten digits of 8 × 8 cells, each the number (0 to 16) of inked dots.

Package: scikit-learn 1.7.2 (pip), sklearn/datasets/data/digits.csv.gz, in its order.

Layout: 1,797 labels, then 1,797 × 64 counts, one byte each.
"""

import gzip
import io
import zipfile

import numpy as np

from common import pip_wheel, write_gz

WHEEL = "scikit_learn-1.7.2-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
SHA256 = "89877e19a80c7b11a2891a27c21c4894fb18e2c2e077815bcade10d34287b20d"


def main():
    path = pip_wheel("scikit-learn==1.7.2", WHEEL, SHA256, "--platform=manylinux2014_x86_64")
    packed = zipfile.ZipFile(path).read("sklearn/datasets/data/digits.csv.gz")
    table = np.loadtxt(io.BytesIO(gzip.decompress(packed)), delimiter=",")
    cells, labels = table[:, :64].astype(np.uint8), table[:, 64].astype(np.uint8)
    assert table.shape == (1797, 65) and (table[:, :64] == cells).all() and cells.max() == 16
    print("of each class:", np.bincount(labels).tolist())
    write_gz("optdigits.gz", labels.tobytes() + cells.tobytes())


if __name__ == "__main__":
    main()
