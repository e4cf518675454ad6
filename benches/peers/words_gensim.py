"""Times gensim against procrust-words on the same file of word vectors in text.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 gensim==4.4.0
    cargo build --release -p procrust-words --example load
    venv/bin/python benches/peers/words_gensim.py target/release/examples/load [--words N] [--pairs N]

The file has N words (100,000) of 300 values of six decimals, by numpy's PCG64 with seed 11. First both
programs read it, and words and values are compared bit for bit. Then they read it in turn, the file
in the page cache: gensim by `KeyedVectors.load_word2vec_format` in a process of its own, without the
time to import it; ours by the example `load`, without the time to start it. A line a pair, then the
medians.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import gensim
import numpy as np

SEED = 11
DIMENSIONS = 300
BLOCK = 2000

GENSIM = """
import sys, time
from gensim.models import KeyedVectors
start = time.perf_counter()
found = KeyedVectors.load_word2vec_format(sys.argv[1], binary=False)
print(time.perf_counter() - start)
if len(sys.argv) > 2:
    import numpy
    numpy.save(sys.argv[2] + ".npy", found.vectors)
    with open(sys.argv[2] + ".words.txt", "w", encoding="utf-8") as file:
        file.writelines(word + "\\n" for word in found.index_to_key)
"""


def write(path, words):
    """Writes `words` lines, each value as ` 0.123456` or ` -0.123456`."""
    rng = np.random.default_rng(SEED)
    tens = 10 ** np.arange(5, -1, -1)
    with open(path, "wb") as file:
        file.write(f"{words} {DIMENSIONS}\n".encode())
        for start in range(0, words, BLOCK):
            shape = (min(BLOCK, words - start), DIMENSIONS)
            values = rng.integers(-999_999, 1_000_000, size=shape)
            text = np.empty((*shape, 10), np.uint8)
            text[..., :4] = np.frombuffer(b" -0.", np.uint8)
            text[..., 4:] = np.abs(values)[..., None] // tens % 10 + ord("0")
            keep = np.ones(text.shape, bool)
            keep[..., 1] = values < 0
            for row in range(shape[0]):
                file.write(f"word{start + row}".encode() + text[row][keep[row]].tobytes() + b"\n")


def by_gensim(path, out=None):
    command = [sys.executable, "-c", GENSIM, path] + ([out] if out else [])
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def by_ours(program, path, out=None):
    command = [program, path, "error"] + ([out] if out else [])
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(re.search(r" in ([0-9.]+) s", text)[1])


def check(program, path, folder):
    """Both read the same words and the same bits."""
    theirs, ours = os.path.join(folder, "theirs"), os.path.join(folder, "ours")
    by_gensim(path, theirs)
    by_ours(program, path, ours + ".npy")
    words = [Path(name + ".words.txt").read_text(encoding="utf-8") for name in (theirs, ours)]
    assert words[0] == words[1], "other words"
    matrices = [np.load(name + ".npy", mmap_mode="r") for name in (theirs, ours)]
    assert matrices[0].shape == matrices[1].shape, "another shape"
    for start in range(0, len(matrices[0]), BLOCK):
        bits = [matrix[start : start + BLOCK].view(np.uint32) for matrix in matrices]
        assert np.array_equal(*bits), f"other values from row {start} on"
    print(f"the same {matrices[0].shape[0]} words and {matrices[0].size} values, bit for bit")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("load", help="the example `load`, built with --release")
    parser.add_argument("--words", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "words.vec")
        write(path, arguments.words)
        size = os.path.getsize(path)
        print(f"gensim {gensim.__version__}, numpy {np.__version__}, {os.cpu_count()} cores")
        print(f"{arguments.words} x {DIMENSIONS}, {size / 1e6:.0f} MB of text, seed {SEED}")
        check(arguments.load, path, folder)
        theirs, ours = [], []
        for _ in range(arguments.pairs):
            theirs.append(by_gensim(path))
            ours.append(by_ours(arguments.load, path))
            ratio = theirs[-1] / ours[-1]
            print(f"gensim {theirs[-1]:.2f} s, ours {ours[-1]:.3f} s: {ratio:.1f} times", flush=True)
        ratios = [their / our for their, our in zip(theirs, ours)]
        print(
            f"medians: gensim {statistics.median(theirs):.2f} s, ours {statistics.median(ours):.3f} s, "
            f"{statistics.median(ratios):.1f} times faster"
        )


main()
