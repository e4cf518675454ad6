"""data/fasttext.fr.gz: 19,987 French words with 300 dimensions (see fasttext_french_source.py), quantised.

Unit rows are turned onto balanced principal axes and product-quantised, PARTS parts of 256 centroids (see
pq.py; measure_fasttext_french.py gave the number). A row is scale · (its centroids) · rotationᵀ; the scale gives
it the length of the original.

Layout: a line `words dimensions parts centroids`; the words, one to a line; then binary16 numbers, low byte
first: scales (words), rotation (dimensions × dimensions), codebooks (parts × centroids × dimensions/parts);
then the codes, one byte each (words × parts).

Also writes tests/golden/fasttext_french.npy, the package's rows of every thousandth word, for the tests; with
an argument, the words to that file, one to a line, an empty line for a dropped row.
"""

import pathlib
import sys

import numpy as np

import fasttext_french_source
import pq
from common import DATA, write_gz

PARTS = 100


def main():
    words, vectors, dropped = fasttext_french_source.read()
    assert len(set(words)) == len(words)
    print("dropped:", *(f"row {row}, {reason}" for row, reason in dropped.items()), sep="\n  ")
    if len(sys.argv) > 1:
        lines = iter(words)
        rows = ["" if row in dropped else next(lines) for row in range(len(words) + len(dropped))]
        pathlib.Path(sys.argv[1]).write_text("".join(row + "\n" for row in rows), encoding="utf-8")
    np.save(DATA.parent / "tests" / "golden" / "fasttext_french.npy", vectors[::1000])
    full = vectors.astype(np.float64)
    norms = np.linalg.norm(full, axis=1)
    rotation, codebooks, codes = pq.train(full / norms[:, None], PARTS, 8, True)
    decoded = pq.decode(rotation, codebooks, codes)
    scales = (norms / np.linalg.norm(decoded, axis=1)).astype("<f2")
    decoded *= scales.astype(np.float64)[:, None]

    cosine = (decoded * full).sum(1) / (np.linalg.norm(decoded, axis=1) * norms)
    print(f"cosine to the full row: mean {cosine.mean():.4f}, least {cosine.min():.4f}")
    length = np.linalg.norm(decoded, axis=1) / norms
    print(f"length by that of the full row: {length.min():.5f} to {length.max():.5f}")
    print("first word, first values:", words[0], vectors[0, :4].tolist(), "as", decoded[0, :4].tolist())
    print("last word, last values:", words[-1], vectors[-1, -4:].tolist(), "as", decoded[-1, -4:].tolist())
    head = f"{len(words)} {vectors.shape[1]} {PARTS} {codebooks.shape[1]}\n" + "".join(w + "\n" for w in words)
    binary = scales.tobytes() + rotation.astype("<f2").tobytes()
    binary += codebooks.astype("<f2").tobytes() + codes.tobytes()
    write_gz("fasttext.fr.gz", head.encode() + binary)


if __name__ == "__main__":
    main()
