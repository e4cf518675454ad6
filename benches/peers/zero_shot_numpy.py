"""ESZSL and coupled dictionaries by NumPy, timed against Procrust on the same rows.

    python3 zero_shot_numpy.py DIR PROGRAM [--rows 10000] [--columns 512] [--rounds 5]

Makes rows of classes with attributes by a seed and runs the programs below and PROGRAM (the example
`zero_shot` of the package procrust-benches, built with --release) in turn, in processes of their own, two
threads each. Both compute in double precision from the same rows in single precision; reading is left out; a
process trains three times and tells its fastest. ESZSL is the formula by `numpy.linalg.solve`, its Gram
matrix by one product, which NumPy gives to BLAS's symmetric one. Coupled dictionaries are FISTA with a
restart over all rows at once, until none moves by more than 1e-4 of its largest entry, and atoms one by one;
five rounds. Prints the paired ratios, their medians, and how far the results are apart.

Python 3.11, NumPy 2.4. Seed 20262.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

SEED = 20262
CLASSES, ATTRIBUTES, ATOMS, ROUNDS = 50, 85, 64, 5
PENALTY, STEPS, TOLERANCE = 0.05, 200, 1e-4


def eszsl(x, labels, s):
    x = x.astype(np.float64)
    signs = np.where(labels[:, None] == np.arange(CLASSES), 1.0, -1.0)
    left = x.T @ x + np.eye(x.shape[1])
    half = np.linalg.solve(left, x.T @ signs @ s)
    return np.linalg.solve(s.T @ s + np.eye(ATTRIBUTES), half.T).T


def fista(cross, gram, codes):
    steepest = np.linalg.eigvalsh(gram)[-1]
    ahead, t = codes.copy(), np.ones((len(codes), 1))
    for _ in range(STEPS):
        moved = ahead - (ahead @ gram - cross) / steepest
        new = np.sign(moved) * np.maximum(np.abs(moved) - PENALTY / steepest, 0)
        step = new - codes
        t = np.where(((ahead - new) * step).sum(1, keepdims=True) > 0, 1.0, t)
        t_new = (1 + np.sqrt(1 + 4 * t * t)) / 2
        ahead = new + (t - 1) / t_new * step
        codes, t = new, t_new
        if np.all(np.abs(step).max(1) <= TOLERANCE * np.abs(codes).max(1)):
            break
    return codes


def coupled(x, labels, s):
    x = x.astype(np.float64)
    z = s[labels]
    short = lambda v: v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1.0)
    both = np.hstack([x, z])
    dx, dz = short(x[:ATOMS]), short(z[:ATOMS])
    codes = np.zeros((len(x), ATOMS))
    for _ in range(ROUNDS):
        atoms = np.hstack([dx, dz])
        codes = fista(both @ atoms.T, atoms @ atoms.T, codes)
        by_codes, squares = codes.T @ both, codes.T @ codes
        for d, cross in [(dx, by_codes[:, : x.shape[1]]), (dz, by_codes[:, x.shape[1] :])]:
            for j in range(ATOMS):
                if squares[j, j] > 0:
                    d[j] += (cross[j] - squares[j] @ d) / squares[j, j]
                    d[j] /= max(1.0, np.linalg.norm(d[j]))
    return dx


def numpy_side(folder, rows, columns):
    x = np.fromfile(folder / "x.f32", "<f4").reshape(rows, columns)
    s = np.fromfile(folder / "s.f32", "<f4").reshape(CLASSES, ATTRIBUTES).astype(np.float64)
    labels = np.fromfile(folder / "labels.u32", "<u4").astype(int)
    seconds = {}
    for name, method in [("eszsl", eszsl), ("coupled", coupled)]:
        times = []
        for _ in range(3):
            start = time.perf_counter()
            found = method(x, labels, s)
            times.append(time.perf_counter() - start)
        found.astype("<f8").tofile(folder / f"numpy_{name}.f64")
        seconds[name] = min(times)
    print(json.dumps(seconds))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if args.program == "numpy":
        return numpy_side(args.folder, args.rows, args.columns)
    args.folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    s = rng.standard_normal((CLASSES, ATTRIBUTES))
    s /= np.linalg.norm(s, axis=1, keepdims=True)
    labels = rng.integers(0, CLASSES, args.rows)
    x = s[labels] @ rng.standard_normal((ATTRIBUTES, args.columns)) + 0.5 * rng.standard_normal((args.rows, args.columns))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    x.astype("<f4").tofile(args.folder / "x.f32")
    s.astype("<f4").tofile(args.folder / "s.f32")
    labels.astype("<u4").tofile(args.folder / "labels.u32")
    size = ["--rows", str(args.rows), "--columns", str(args.columns)]
    theirs = [sys.executable, __file__, str(args.folder), "numpy", *size]
    numbers = [args.rows, args.columns, CLASSES, ATTRIBUTES, ATOMS, ROUNDS]
    ours = [args.program, str(args.folder), *map(str, numbers)]
    threads = {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "RAYON_NUM_THREADS": "2"}
    environment = {**os.environ, **threads}
    run = lambda command: json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    pairs = [(run(theirs), run(ours)) for _ in range(args.rounds)]
    for name in ["eszsl", "coupled"]:
        a, b = (np.fromfile(args.folder / file) for file in (f"numpy_{name}.f64", f"{name}.f64"))
        ratios = [numpy[name] / procrust[name] for numpy, procrust in pairs]
        print(
            f"{name}: NumPy / Procrust {' '.join(f'{r:.2f}' for r in ratios)}, median "
            f"{statistics.median(ratios):.2f}; Procrust {min(p[name] for _, p in pairs):.3f} s; "
            f"largest difference {np.abs(a - b).max() / np.abs(a).max():.1e} of the largest entry"
        )


if __name__ == "__main__":
    main()
