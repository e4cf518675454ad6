"""data/fashion-mnist.gz: 6,000 pictures of clothes of 28 × 28 grey levels, 600 of each class.

Package: dataset-fashion-mnist 0.0~git20200523.55506a9-1 (Debian), the test part. Of each class the first 600
pictures are taken, in the order of the file, which mixes the classes. No level is changed.

Layout: gzip of 6,000 labels, one byte each, and a stream of codes, which `src/shipped/levels.rs` reads: the
levels of noisy pictures take a fifth less than gzip needs. A level is coded, picture by picture and row by row,
as whether it is 0, then by its six upper bits, then by its two lower ones. What is 0 is told by a probability
that depends on which of six neighbours are 0; an upper bit by one that depends on the bits above it, on the level
that three neighbours predict (the median edge detector of LOCO-I) and on how much these differ; a lower bit takes
one bit. Probabilities start at one half and learn as they go. The coder is the range coder of LZMA with
probabilities of 16 bits.
"""

import gzip
import subprocess
import tarfile

import numpy as np

from common import deb_package, write_gz

SHA256 = "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0"
EACH = 600
FILE = "./usr/share/datasets/fashion-mnist/t10k-{}.gz"


class Coder:
    """Writes bits by their probabilities."""

    def __init__(self):
        self.low, self.range, self.cache, self.pending, self.out = 0, 0xFFFFFFFF, 0, 0, bytearray()
        self.first = True

    def shift(self):
        if self.low < 0xFF000000 or self.low > 0xFFFFFFFF:
            carry = self.low >> 32
            if not self.first:
                self.out.append((self.cache + carry) & 0xFF)
            self.first = False
            self.out.extend([(0xFF + carry) & 0xFF] * self.pending)
            self.pending = 0
            self.cache = (self.low >> 24) & 0xFF
        else:
            self.pending += 1
        self.low = (self.low & 0x00FFFFFF) << 8

    def take(self, bit, bound):
        if bit:
            self.range = bound
        else:
            self.low += bound
            self.range -= bound
        while self.range < 1 << 24:
            self.range = (self.range << 8) & 0xFFFFFFFF
            self.shift()

    def bit(self, bit, chances, at):
        chance, seen = chances[at]
        self.take(bit, (self.range >> 16) * chance)
        rate = min(seen + 1, 7)
        chance += (65535 - chance) >> rate if bit else -(chance >> rate)
        chances[at] = (min(max(chance, 32), 65504), min(seen + 1, 7))

    def plain(self, bit):
        self.take(bit, self.range >> 1)

    def finish(self):
        for _ in range(5):
            self.shift()
        return bytes(self.out)


def activity(total):
    """0 to 5, by how much neighbours differ."""
    return sum(total >= least for least in (4, 12, 28, 60, 120))


def encode(pictures):
    coder = Coder()
    empty = [(32768, 0)] * 64
    upper = [(32768, 0)] * (64 * 6 * 64)
    activities = [activity(total) for total in range(3 * 256)]
    for picture in pictures:
        rows = np.zeros((30, 31), dtype=int)
        rows[2:, 2:30] = picture
        rows = rows.tolist()
        for i in range(2, 30):
            here, above, top = rows[i], rows[i - 1], rows[i - 2]
            for j in range(2, 30):
                level = here[j]
                w, ww, n, nn = here[j - 1], here[j - 2], above[j], top[j]
                nw, ne = above[j - 1], above[j + 1]
                seen = (w > 0) | (n > 0) << 1 | (nw > 0) << 2 | (ne > 0) << 3 | (ww > 0) << 4 | (nn > 0) << 5
                coder.bit(level > 0, empty, seen)
                if level == 0:
                    continue
                expected = min(max(w + n - nw, min(w, n)), max(w, n))
                kind = expected // 4 * 6 + activities[abs(w - nw) + abs(n - nw) + abs(n - ne)]
                node = 1
                for at in range(7, 1, -1):
                    bit = level >> at & 1
                    coder.bit(bit, upper, kind * 64 + node)
                    node = node << 1 | bit
                coder.plain(level >> 1 & 1)
                coder.plain(level & 1)
    return coder.finish()


def main():
    package = deb_package("dataset-fashion-mnist", "0.0~git20200523.55506a9-1", SHA256)
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, stdout=subprocess.PIPE)
    path = package.with_suffix(".tar")
    path.write_bytes(tar.stdout)
    with tarfile.open(path) as archive:
        read = lambda name: gzip.decompress(archive.extractfile(FILE.format(name)).read())  # noqa: E731
        pixels = np.frombuffer(read("images-idx3-ubyte"), np.uint8, offset=16).reshape(-1, 28, 28)
        labels = np.frombuffer(read("labels-idx1-ubyte"), np.uint8, offset=8)
    path.unlink()
    assert (len(pixels), len(labels)) == (10_000, 10_000)
    taken = np.sort(np.concatenate([np.flatnonzero(labels == c)[:EACH] for c in range(10)]))
    pixels, labels = pixels[taken], labels[taken]
    print("of each class:", np.bincount(labels).tolist(), "sum of levels:", int(pixels.sum()))
    print("repeated:", len(pixels) - len({picture.tobytes() for picture in pixels}))
    write_gz("fashion-mnist.gz", labels.tobytes() + encode(pixels))


if __name__ == "__main__":
    main()
