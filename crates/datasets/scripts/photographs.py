"""data/photographs.gz: eight photographs of 320 × 240 grey levels, to lay things on.

Package: scikit-image 0.25.2 (pip), skimage/data/. Each is cut to 4 : 3 about its middle, shrunk by Pillow's
Lanczos filter, made grey (Pillow's "L": ITU-R 601), and rounded to multiples of 4 levels, which nobody sees and packs
better.

Layout: 8 × 240 × 320 levels, one byte each, in the order of NAMES.
"""

import io
import zipfile

import numpy as np
from PIL import Image

from common import pip_wheel, write_gz

FILE = "scikit_image-0.25.2-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
SHA256 = "24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641"
NAMES = ["astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "grass.png",
         "gravel.png", "rocket.jpg"]
WIDTH, HEIGHT = 320, 240


def main():
    wheel = pip_wheel("scikit-image==0.25.2", FILE, SHA256, "--platform=manylinux2014_x86_64")
    pictures = []
    with zipfile.ZipFile(wheel) as archive:
        for name in NAMES:
            picture = Image.open(io.BytesIO(archive.read(f"skimage/data/{name}"))).convert("L")
            width = min(picture.width, picture.height * 4 // 3)
            height = width * 3 // 4
            left, top = (picture.width - width) // 2, (picture.height - height) // 2
            picture = picture.crop((left, top, left + width, top + height))
            picture = picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
            levels = np.asarray(picture, dtype=np.int64)
            pictures.append(np.minimum((levels + 2) // 4 * 4, 255).astype(np.uint8))
    write_gz("photographs.gz", b"".join(picture.tobytes() for picture in pictures))


if __name__ == "__main__":
    main()
