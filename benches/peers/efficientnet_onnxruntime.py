"""EfficientNet-Lite0 by onnxruntime's CPU provider, timed against Procrust on the same pictures and threads.

    cargo build --release -p procrust-images --features deep,onnx --example efficientnet_times
    python3 efficientnet_onnxruntime.py PROGRAM [--pictures 32] [--rounds 15] [--threads 2] [--batch 8] [--rten]

PROGRAM is that example. Both have the shipped weights, in float32, with batch normalisations folded. In each
round onnxruntime describes all pictures in batches of --batch (0: its best of 1, 4, 8 and 16, found first), then
Procrust does; both stay in memory between rounds. Printed are the medians of the seconds, of the paired
ratios and of the ratios of the processors' time (onnxruntime's threads wait actively, which counts; with
one thread they do not), and how far the features are apart. With --rten, Procrust runs the network from an
ONNX file through rten instead of by its own kernels.

Python 3.11, numpy 2.4.6, onnx 1.23.2, onnxruntime 1.32.0. Noise, seed 1.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "crates" / "efficientnet" / "scripts"))
from checkpoint import onnx_model  # noqa: E402
from loss import shipped  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--pictures", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--rten", action="store_true")
    arguments = parser.parse_args()

    bytes_ = np.random.default_rng(1).integers(0, 256, (arguments.pictures, 224, 224, 3), np.uint8)
    pixels = np.ascontiguousarray(((bytes_.astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    session = onnxruntime.InferenceSession(
        onnx_model(shipped()).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def theirs(batch):
        parts = [
            session.run(["features"], {"pixels": pixels[at : at + batch]})[0]
            for at in range(0, len(pixels), batch)
        ]
        return np.concatenate(parts)

    def timed(run):
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "pictures"
        file.write_bytes(bytes_.tobytes())
        environment = os.environ | {"RAYON_NUM_THREADS": str(arguments.threads)}
        command = [arguments.program, file]
        if arguments.rten:
            model = pathlib.Path(folder) / "model.onnx"
            model.write_bytes(onnx_model(shipped()).SerializeToString())
            model.with_suffix(".toml").write_text(
                'width = 224\nheight = 224\nlayout = "nchw"\nmean = 127\nscale = 128\nframing = "whole"\n'
            )
            command.append(model)
        program = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

        def ours(line="run"):
            program.stdin.write(line + "\n")
            program.stdin.flush()
            return float(program.stdout.readline())

        batch = arguments.batch
        if not batch:
            best = {b: min(timed(lambda: theirs(b)) for _ in range(4)) for b in [1, 4, 8, 16]}
            batch = min(best, key=best.get)
        expected = theirs(batch)
        ours("features")
        found = np.fromfile(f"{file}.features", "<f4").reshape(expected.shape)
        wall, processors = {"onnxruntime": [], "procrust": []}, []
        for _ in range(arguments.rounds):
            before = time.process_time()
            wall["onnxruntime"].append(timed(lambda: theirs(batch)))
            theirs_cpu = time.process_time() - before
            before = processor_seconds(program.pid)
            wall["procrust"].append(ours())
            processors.append(theirs_cpu / max(processor_seconds(program.pid) - before, 1 / TICKS))
        program.stdin.close()
        program.wait()

    print(f"{arguments.pictures} pictures, {arguments.threads} threads, onnxruntime's batch {batch}")
    for name, seconds in wall.items():
        per = 1000 * statistics.median(seconds) / arguments.pictures
        least = 1000 * min(seconds) / arguments.pictures
        print(f"{name:12} {per:6.2f} ms a picture (median), {least:6.2f} ms (least)")
    ratios = [a / b for a, b in zip(wall["onnxruntime"], wall["procrust"])]
    print(f"onnxruntime's time over procrust's: {statistics.median(ratios):.2f} "
          f"(by processors' time {statistics.median(processors):.2f}, "
          f"least by least {min(wall['onnxruntime']) / min(wall['procrust']):.2f})")
    print(f"features: largest difference {abs(found - expected).max():.1e}")


main()
