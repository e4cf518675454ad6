"""Times OpenCV and scikit-image against procrust-images: HOG, and decoding and resizing jpegs.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 opencv-python-headless==4.14.0.94 \\
        scikit-image==0.26.0
    cargo build --release -p procrust-images --example time
    venv/bin/python benches/peers/images_opencv.py target/release/examples/time [--threads N] [--pairs N]

400 grey pictures of 200 x 200 and 120 jpegs of 800 x 600, quality 90, waves and noise by numpy's PCG64 with
seed 11. HOG has cells of 8 pixels, blocks of 2 cells, 9 bins, over the whole picture. First the values are compared.
Then the programs run in turn, each after a round to warm up, without reading files; a Python program has as many
threads as ours, over pictures (OpenCV lets go of the interpreter; scikit-image does not). A line a
comparison: medians, and the median and range of the ratios, each of one pair.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import skimage
from skimage.feature import hog

SIDE, PICTURES, JPEGS, TARGET = 200, 400, 120, 224


def waves(rng, height, width):
    i, j = np.mgrid[0:height, 0:width]
    a, b, c, d = rng.uniform(5, 40, 4)
    level = 128 + 50 * np.sin(i / a + j / b) + 40 * np.cos(j / c - i / d) + rng.normal(0, 6, (height, width))
    return np.clip(level, 0, 255).astype(np.uint8)


class Peer:
    """A function over all inputs, on so many threads."""

    def __init__(self, function, inputs, threads):
        self.function, self.inputs, self.pool = function, inputs, ThreadPoolExecutor(threads)

    def run(self):
        return list(self.pool.map(self.function, self.inputs))

    def seconds(self):
        start = time.perf_counter()
        self.run()
        return time.perf_counter() - start


def ours(command):
    seconds, values = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return float(seconds), np.array(values.split(), float)


def compare(name, peer, command, pairs):
    theirs, our = [], []
    peer.run()
    for _ in range(pairs):
        theirs.append(peer.seconds())
        our.append(ours(command)[0])
    ratios = sorted(their / o for their, o in zip(theirs, our))
    print(
        f"{name}: peer {1e3 * statistics.median(theirs):.1f} ms, ours {1e3 * statistics.median(our):.1f} ms, "
        f"{statistics.median(ratios):.2f} times faster ({ratios[0]:.2f} to {ratios[-1]:.2f})",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("time", help="the example `time`, built with --release")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=9)
    arguments = parser.parse_args()
    threads, pairs = arguments.threads, arguments.pairs
    cv2.setNumThreads(1)  # threads go over pictures
    print(f"OpenCV {cv2.__version__}, scikit-image {skimage.__version__}, {os.cpu_count()} cores, {threads} threads")
    rng = np.random.default_rng(11)
    pictures = np.stack([waves(rng, SIDE, SIDE) for _ in range(PICTURES)])
    with tempfile.TemporaryDirectory() as folder:
        raw, jpegs = Path(folder, "pictures"), Path(folder, "jpegs")
        raw.write_bytes(pictures.tobytes())
        jpegs.mkdir()
        for at in range(JPEGS):
            colour = np.dstack([waves(rng, 600, 800) for _ in range(3)])
            cv2.imwrite(str(jpegs / f"{at:03}.jpg"), colour, [cv2.IMWRITE_JPEG_QUALITY, 90])
        files = [np.frombuffer(path.read_bytes(), np.uint8) for path in sorted(jpegs.iterdir())]

        descriptor = cv2.HOGDescriptor((SIDE, SIDE), (16, 16), (8, 8), (8, 8), 9)
        by_opencv = lambda picture: descriptor.compute(picture).ravel()  # noqa: E731
        by_skimage = lambda picture: hog(picture, 9, (8, 8), (2, 2), "L2-Hys")  # noqa: E731
        decode = lambda file: cv2.resize(cv2.imdecode(file, cv2.IMREAD_COLOR), (TARGET, TARGET), interpolation=cv2.INTER_AREA)  # noqa: E731

        def describe(name, threads):
            return [arguments.time, "describe", raw, str(PICTURES), str(SIDE), name, str(threads)]

        opencv = f"hog-opencv(width={SIDE},height={SIDE},cell=8,gamma=false)"
        plain = f"hog(size={SIDE},cell=8)"
        for name, function in [(opencv, by_opencv), (plain, by_skimage)]:
            found, expected = ours(describe(name, threads))[1], function(pictures[-1])[:2000]
            print(f"{name}: values differ by {np.abs(found - expected).max():.1e} at most")
        pixels = decode(files[-1])[..., ::-1].ravel()[:2000].astype(float)
        command = [arguments.time, "decode", jpegs, str(TARGET), str(threads)]
        print(f"decoded and resized: levels differ by {np.abs(ours(command)[1] - pixels).mean():.2f} on average")

        compare("HOG, OpenCV", Peer(by_opencv, pictures, threads), describe(opencv, threads), pairs)
        compare("HOG, scikit-image", Peer(by_skimage, pictures, threads), describe(plain, threads), 3)
        compare("jpeg, OpenCV", Peer(decode, files, threads), command, pairs)
        for name, two in [("HOG", describe(opencv, 2)), ("jpeg", [*command[:-1], "2"])]:
            one = [*two[:-1], "1"]
            ratios = sorted(ours(one)[0] / ours(two)[0] for _ in range(pairs))
            print(f"{name}, 2 threads: {statistics.median(ratios):.2f} times 1 ({ratios[0]:.2f} to {ratios[-1]:.2f})")


main()
