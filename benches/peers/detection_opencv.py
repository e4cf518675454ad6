"""OpenCV's HOGDescriptor.detectMultiScale, timed against Procrust on the same picture.

    python3 detection_opencv.py PROGRAM [--rounds 7]

Makes a picture of 640 x 480 by a seed and runs OpenCV and PROGRAM (the example `detection` of the package
procrust-benches, built with --release) in turn, two threads each, in processes of their own; a process looks ten times
and tells its median. Both have windows of 64 x 128 pixels, 8 pixels apart, at sizes 1.05 apart, and none over the
picture's edge; OpenCV has its people detector, and prints nothing found or much, which changes little. Prints the
paired ratios, their median, and how many windows each looks at.

Python 3.11, OpenCV 4.12. Seed 20269.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

WIDTH, HEIGHT, SEED = 640, 480, 20269


def picture():
    rng = np.random.default_rng(SEED)
    grey = np.zeros((HEIGHT, WIDTH))
    for octave in range(1, 7):
        small = rng.normal(size=(HEIGHT // 2**octave + 2, WIDTH // 2**octave + 2))
        grey += 2**octave * np.kron(small, np.ones((2**octave, 2**octave)))[:HEIGHT, :WIDTH]
    grey -= grey.min()
    return (255 * grey / grey.max()).astype(np.uint8)


def windows():
    count, scale = 0, 1.0
    while WIDTH / scale >= 64 and HEIGHT / scale >= 128:
        count += ((round(WIDTH / scale) - 64) // 8 + 1) * ((round(HEIGHT / scale) - 128) // 8 + 1)
        scale *= 1.05
    return count


def opencv(path):
    import cv2

    cv2.setNumThreads(2)
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
    grey = np.fromfile(path, np.uint8).reshape(HEIGHT, WIDTH)
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        hog.detectMultiScale(grey, winStride=(8, 8), padding=(0, 0), scale=1.05)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--opencv", action="store_true")
    arguments = parser.parse_args()
    if arguments.opencv:
        return opencv(arguments.program)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.grey"
        picture().tofile(path)
        run = lambda command: json.loads(subprocess.run(
            command, check=True, capture_output=True, text=True,
            env={**os.environ, "RAYON_NUM_THREADS": "2"}).stdout)
        ratios = []
        for _ in range(arguments.rounds):
            theirs = run([sys.executable, __file__, str(path), "--opencv"])
            ours = run([arguments.program, str(path), str(WIDTH), str(HEIGHT), "10"])
            a, b = (statistics.median(r["seconds"]) for r in (ours, theirs))
            ratios.append(a / b)
            print(f"procrust {1000 * a:6.1f} ms   opencv {1000 * b:6.1f} ms   ratio {a / b:.2f}")
        print(f"median ratio {statistics.median(ratios):.2f}; windows {ours['windows']} and {windows()}")


if __name__ == "__main__":
    main()
