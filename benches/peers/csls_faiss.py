"""CSLS by faiss's exact index, timed against Procrust on the same rows.

    python3 csls_faiss.py make DIR [--source 20000] [--target 100000] [--kind clusters]
    python3 csls_faiss.py faiss DIR OUT       one run: three exact searches, candidates rescored
    python3 csls_faiss.py compare DIR PROGRAM [--rounds 3]

`make` writes rows by a seed: `clusters` (a hierarchy of clusters of uneven size, target rows that are
a noisy rotation of source rows, the rest from the same clusters), `hubs` (a spectrum that decays,
with a common direction, centred: strong hubs), `noise` (independent directions).
The processors' time, which includes reading the files and starting the interpreter, is the fairer
figure on a machine that is busy with other things.
`compare` runs faiss and PROGRAM (the example `csls` of the package procrust-benches, built with
--release) in turn, in processes of their own, two threads each, and prints the times, the median of the
paired ratios, the peaks of memory, and how many answers agree.

faiss: (a) source to target, the 10 nearest, for r_T; (b) target to source, the 10 nearest, for r_S;
(c) source to target, the 100 nearest, ranked by CSLS. (c) is approximate: the best by CSLS may not
be among them.

Python 3.11, NumPy 2.4, faiss-cpu 1.x. Seed 20260.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

SEED = 20260
DIM = 300
K = 10
CANDIDATES = 100


def rows(rng, kind, count, shared):
    if kind == "noise":
        return rng.standard_normal((count, DIM), dtype=np.float32)
    if kind == "hubs":
        scale = (1.0 + np.arange(DIM, dtype=np.float32)) ** -0.6
        length = np.exp(0.4 * rng.standard_normal((count, 1), dtype=np.float32))
        return length * (rng.standard_normal((count, DIM), dtype=np.float32) * scale) + shared
    # Clusters of Zipf's sizes, in larger clusters.
    large, small = shared
    weights = 1.0 / (1.0 + np.arange(len(small)))
    which = rng.choice(len(small), size=count, p=weights / weights.sum())
    out = rng.standard_normal((count, DIM), dtype=np.float32)
    spread = np.exp(0.3 * rng.standard_normal((count, 1), dtype=np.float32))
    return large[which % len(large)] + small[which] + spread * out


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def make(folder, m, n, kind):
    rng = np.random.default_rng(SEED)
    shared = None
    if kind == "hubs":
        shared = rng.standard_normal(DIM, dtype=np.float32) * 0.1
    elif kind == "clusters":
        shared = (
            0.7 * rng.standard_normal((40, DIM), dtype=np.float32),
            0.7 * rng.standard_normal((2000, DIM), dtype=np.float32),
        )
    source = rows(rng, kind, m, shared)
    target = rows(rng, kind, n, shared)
    pairs = min(m, n) // 2  # translations, the first rows of both
    noise = rng.standard_normal((pairs, DIM), dtype=np.float32)
    scale = 0.7 * np.linalg.norm(source[:pairs], axis=1, keepdims=True) / np.sqrt(DIM)
    target[:pairs] = source[:pairs] + noise * scale
    folder.mkdir(parents=True, exist_ok=True)
    for name, matrix in [("source", source), ("target", target)]:
        matrix = unit(matrix)
        matrix = unit(matrix - matrix.mean(axis=0)).astype("<f4")
        matrix.tofile(folder / f"{name}.f32")
    (folder / "shape.json").write_text(json.dumps({"source": m, "target": n, "dim": DIM, "kind": kind}))


def load(folder):
    shape = json.loads((folder / "shape.json").read_text())
    read = lambda name: np.fromfile(folder / f"{name}.f32", "<f4").reshape(shape[name], DIM)
    return read("source"), read("target")


def by_faiss(folder, out):
    import faiss

    faiss.omp_set_num_threads(2)
    source, target = load(folder)
    start = time.perf_counter()
    forward, backward = faiss.IndexFlatIP(DIM), faiss.IndexFlatIP(DIM)
    forward.add(target)
    backward.add(source)
    r_t = forward.search(source, K)[0].mean(axis=1)
    r_s = backward.search(target, K)[0].mean(axis=1)
    cosine, index = forward.search(source, CANDIDATES)
    scores = 2 * cosine - r_t[:, None] - r_s[index]
    order = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    found = np.take_along_axis(index, order, axis=1).astype("<u4")
    report(time.perf_counter() - start)
    found.tofile(out)


def report(seconds):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


def run(command):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    environment |= {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "RAYON_NUM_THREADS": "2"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout) | {"cpu": cpu}


def compare(folder, program, rounds):
    shape = json.loads((folder / "shape.json").read_text())
    sizes = [str(shape[key]) for key in ("source", "target", "dim")]
    ratios, processors = [], []
    for _ in range(rounds):
        theirs = run([sys.executable, __file__, "faiss", folder, folder / "faiss.u32"])
        ours = run([program, folder / "source.f32", folder / "target.f32", *sizes, folder / "ours.u32"])
        ratios.append(theirs["seconds"] / ours["seconds"])
        processors.append(theirs["cpu"] / ours["cpu"])
        for name, run_ in [("faiss", theirs), ("procrust", ours)]:
            print(f"{name:8} {run_['seconds']:.2f} s, {run_['cpu']:.2f} s of processors, {run_['peak_mb']:.0f} MB",
                  flush=True)
    found = [np.fromfile(folder / name, "<u4").reshape(-1, K) for name in ("faiss.u32", "ours.u32")]
    same = (found[0] == found[1]).mean()
    first = (found[0][:, 0] == found[1][:, 0]).mean()
    inputs = (shape["source"] + shape["target"]) * DIM * 4 / 2**20
    print(f"{shape['kind']} {shape['source']} in {shape['target']}: median ratio {statistics.median(ratios):.2f}, "
          f"by processors' time {statistics.median(processors):.2f}; "
          f"inputs {inputs:.0f} MB; answers equal: first {first:.5f}, all ten {same:.5f}")


parser = argparse.ArgumentParser()
commands = parser.add_subparsers(dest="command", required=True)
command = commands.add_parser("make")
command.add_argument("folder", type=Path)
command.add_argument("--source", type=int, default=20_000)
command.add_argument("--target", type=int, default=100_000)
command.add_argument("--kind", choices=["clusters", "hubs", "noise"], default="clusters")
command = commands.add_parser("faiss")
command.add_argument("folder", type=Path)
command.add_argument("out", type=Path)
command = commands.add_parser("compare")
command.add_argument("folder", type=Path)
command.add_argument("program", type=Path)
command.add_argument("--rounds", type=int, default=3)
arguments = parser.parse_args()
if arguments.command == "make":
    make(arguments.folder, arguments.source, arguments.target, arguments.kind)
elif arguments.command == "faiss":
    by_faiss(arguments.folder, arguments.out)
else:
    compare(arguments.folder, arguments.program, arguments.rounds)
