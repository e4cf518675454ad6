"""Orthogonal Procrustes by SciPy, timed against Procrust on the same rows.

    python3 procrustes_scipy.py DIR PROGRAM [--rows 100000] [--columns 300] [--rounds 5]

Makes two files of rows by a seed, the second a turned copy of the first with noise, and runs SciPy's
`orthogonal_procrustes` on them in `f32` and PROGRAM (the example `procrustes` of the package
procrust-benches, built with --release) in turn, in processes of their own, two threads each. Reading
is left out; a process fits three times and tells its fastest. Prints the paired ratios, their median,
and how far the two maps are apart.

Python 3.11, NumPy 2.4, SciPy 1.17. Seed 20261.
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

SEED = 20261


def scipy(folder, rows, columns):
    from scipy.linalg import orthogonal_procrustes

    x, y = (np.fromfile(folder / f"{side}.f32", "<f4").reshape(rows, columns) for side in "xy")
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        w, _ = orthogonal_procrustes(x, y)
        seconds.append(time.perf_counter() - start)
    w.astype("<f8").tofile(folder / "scipy.f64")
    print(json.dumps({"seconds": min(seconds)}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("program")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if args.program == "scipy":
        return scipy(args.folder, args.rows, args.columns)
    args.folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    x = rng.standard_normal((args.rows, args.columns), dtype=np.float32)
    turn = np.linalg.qr(rng.standard_normal((args.columns, args.columns)))[0].astype(np.float32)
    y = x @ turn + 0.3 * rng.standard_normal(x.shape, dtype=np.float32)
    x.tofile(args.folder / "x.f32")
    y.astype("<f4").tofile(args.folder / "y.f32")
    size = ["--rows", str(args.rows), "--columns", str(args.columns)]
    theirs = [sys.executable, __file__, str(args.folder), "scipy", *size]
    ours = [args.program, str(args.folder), str(args.rows), str(args.columns)]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    ratios = []
    for _ in range(args.rounds):
        run = lambda command, env: json.loads(subprocess.check_output(command, env=env))["seconds"]
        a = run(theirs, env)
        b = run(ours, {**env, "RAYON_NUM_THREADS": "2"})
        ratios.append(a / b)
        print(f"scipy {a:.3f} s, procrust {b:.3f} s, ratio {a / b:.2f}")
    one, two = (np.fromfile(args.folder / f"{name}.f64") for name in ("scipy", "procrust"))
    print(f"median ratio {statistics.median(ratios):.2f}; maps apart by {abs(one - two).max():.1e}")


main()
