"""Makes `files/` and `expected.json`: pictures that are unusual, damaged or none, for tests/hostile.rs.

Made with Python 3, Pillow 13.0.0 and numpy 2.4.6:  python make.py
The good ones show four quarters: red, green, blue and white. expected.json says of each file either the size and the
colours in the middle of the quarters, each within so many levels, or a part of the reason for which it is skipped.
What a repository cannot hold (links, folders called like pictures, names that are not UTF-8) is made by the test.
"""

import gzip
import io
import json
import pathlib
import shutil
import struct
import zlib

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).parent
FILES = HERE / "files"
RED, GREEN, BLUE, WHITE = [220, 30, 40], [20, 200, 60], [30, 50, 210], [255, 255, 255]
expected = {}


def quarters(width=24, height=16, colours=(RED, GREEN, BLUE, WHITE)):
    pixels = np.zeros((height, width, 3), np.uint8)
    for at, colour in enumerate(colours):
        y, x = at // 2, at % 2
        pixels[y * height // 2 : (y + 1) * height // 2, x * width // 2 : (x + 1) * width // 2] = colour
    return Image.fromarray(pixels)


def encoded(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def good(name, content, within=0, colours=(RED, GREEN, BLUE, WHITE), size=(24, 16)):
    (FILES / name).write_bytes(content)
    expected[name] = {"size": size, "colours": [list(map(int, c)) for c in colours], "within": within}


def bad(name, content, reason):
    (FILES / name).write_bytes(content)
    expected[name] = {"reason": reason}


def luma(colours=(RED, GREEN, BLUE, WHITE)):
    return [[round(0.299 * r + 0.587 * g + 0.114 * b)] * 3 for r, g, b in colours]


def chunk(kind, data, crc=None):
    found = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", found)


def png(width, height, depth, colour, lines, before=b"", interlace=0):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    body = chunk(b"IDAT", zlib.compress(lines, 9)) if lines is not None else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + body + chunk(b"IEND", b"")


def orientations():
    exif = lambda n: Image.Exif()  # noqa: E731
    for number in range(1, 9):
        tags = exif(number)
        tags[0x0112] = number
        turned = number >= 5
        # Stored so that, turned as the number says, it looks like the others.
        undo = {
            1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
            4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
            6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
        }[number]
        picture = quarters() if undo is None else quarters().transpose(undo)
        assert (picture.size == (16, 24)) == turned
        good(f"exif-{number}.jpg", encoded(picture, "JPEG", quality=95, subsampling=0, exif=tags), 12)
        if number in (3, 6):
            good(f"exif-{number}.png", encoded(picture, "PNG", exif=tags))
            good(f"exif-{number}.webp", encoded(picture, "WEBP", lossless=True, exif=tags))
    damaged = encoded(quarters(), "JPEG", quality=95, subsampling=0, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    good("exif-damaged.jpg", damaged, 12)


def kinds():
    picture = quarters()
    jpeg = encoded(picture, "JPEG", quality=95, subsampling=0)
    good("plain.jpg", jpeg, 12)
    good("progressive.jpg", encoded(picture, "JPEG", quality=95, subsampling=0, progressive=True), 12)
    good("subsampled.jpg", encoded(quarters(96, 64), "JPEG", quality=95, subsampling=2), 12, size=(96, 64))
    good("grey.jpg", encoded(picture.convert("L"), "JPEG", quality=95), 6, luma())
    good("cmyk.jpg", encoded(picture.convert("CMYK"), "JPEG", quality=95), 16)
    good("trailing.jpg", jpeg + b"and something else" * 20, 12)
    good("named-wrong.png", jpeg, 12)
    good("no-ending", jpeg, 12)
    good("named-wrong.jpg", encoded(picture, "PNG"))
    good("plain.png", encoded(picture, "PNG"))
    good("palette.png", encoded(picture.quantize(4), "PNG"), 2)
    good("one-bit.png", encoded(quarters(colours=([0] * 3, WHITE, WHITE, [0] * 3)).convert("1"), "PNG"),
         colours=([0] * 3, WHITE, WHITE, [0] * 3))
    alpha = picture.copy()
    alpha.putalpha(Image.fromarray(np.asarray(quarters(colours=([255] * 3, [0] * 3, [255] * 3, [0] * 3)))[..., 0]))
    good("alpha.png", encoded(alpha, "PNG"), colours=(RED, WHITE, BLUE, WHITE))
    good("alpha.webp", encoded(alpha, "WEBP", lossless=True), colours=(RED, WHITE, BLUE, WHITE))
    deep = np.asarray(picture.convert("L")).astype(np.uint16) * 257
    good("sixteen-bit-grey.png", encoded(Image.fromarray(deep), "PNG"), 1, luma())
    rgb = (np.asarray(picture).astype(">u2") * 257).astype(">u2").reshape(16, -1)
    lines = b"".join(b"\0" + line.tobytes() for line in rgb)
    good("sixteen-bit.png", png(24, 16, 16, 2, lines))
    good("sixteen-bit.tiff", encoded(Image.fromarray(deep), "TIFF"), 1, luma())
    note = b"zTXt\0\0" + zlib.compress(bytes(10_000_000), 9)
    good("note-bomb.png", png(24, 16, 16, 2, lines, before=chunk(b"zTXt", note)))
    profile = b"icc\0\0" + zlib.compress(bytes(10_000_000), 9)
    good("profile-bomb.png", png(24, 16, 16, 2, lines, before=chunk(b"iCCP", profile)))
    good("plain.gif", encoded(picture.quantize(8), "GIF"), 2)
    other = quarters(colours=(WHITE, BLUE, GREEN, RED))
    good("animated.gif", encoded(picture, "GIF", save_all=True, append_images=[other], duration=9), 2)
    good("animated.webp", encoded(picture, "WEBP", save_all=True, append_images=[other], duration=9, lossless=True), 2)
    good("animated.png", encoded(picture, "PNG", save_all=True, append_images=[other], duration=9))
    good("plain.bmp", encoded(picture, "BMP"))
    good("palette.bmp", encoded(picture.quantize(8), "BMP"), 2)
    good("plain.webp", encoded(picture, "WEBP", quality=95), 24)
    good("plain.tiff", encoded(picture, "TIFF"))
    for compression in ("tiff_lzw", "tiff_deflate", "packbits"):
        good(f"{compression}.tiff", encoded(picture, "TIFF", compression=compression))
    good("pages.tiff", encoded(picture, "TIFF", save_all=True, append_images=[other]))
    bad("float.tiff", encoded(Image.fromarray(np.full((16, 24), np.nan, np.float32)), "TIFF"), "")
    good("plain.ppm", encoded(picture, "PPM"))
    text = "P3 24 16 255\n" + " ".join(map(str, np.asarray(picture).ravel().tolist()))
    good("text.ppm", text.encode())
    big = np.asarray(picture).astype(">u2") * 257
    good("sixteen-bit.ppm", b"P6 24 16 65535\n" + big.astype(">u2").tobytes())
    point = Image.fromarray(np.full((1, 1, 3), 200, np.uint8))
    for kind in ("PNG", "BMP", "TIFF", "PPM"):
        good(f"one-pixel.{kind.lower()}", encoded(point, kind), 0, [[200] * 3] * 4, (1, 1))
    good("one-row.png", encoded(Image.fromarray(np.full((1, 5000, 3), 99, np.uint8)), "PNG"), 0, [[99] * 3] * 4, (5000, 1))


def cut():
    picture = quarters(64, 48)
    noise = np.random.default_rng(1).integers(0, 60, (48, 64, 3)).astype(np.uint8)
    picture = Image.fromarray(np.asarray(picture) // 2 + noise)
    for kind, options in [
        ("JPEG", {}), ("PNG", {}), ("GIF", {}), ("BMP", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("PPM", {}),
    ]:
        content = encoded(picture, kind, **options)
        for share in (10, 50, 95):
            bad(f"cut-at-{share}.{kind.lower()}", content[: len(content) * share // 100], "")
    bad("cut-progressive.jpg", encoded(picture, "JPEG", progressive=True)[:-2], "the jpeg ends before its picture does")


def bombs():
    side = 60_000
    line = zlib.compressobj(9)
    body = b"".join(line.compress(bytes(1 + side // 8)) for _ in range(side)) + line.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    # Packed again: the test unpacks it.
    bad("bomb.png.gz", gzip.compress(gzip.compress(bomb, 9, mtime=0), 9, mtime=0), "a picture of 60000 × 60000 pixels")
    many = "a picture of 60000 × 60000 pixels"
    bad("bomb-rgba.png", png(side, side, 16, 6, bytes(100)), many)
    bad("bomb.bmp", b"BM" + struct.pack("<IHHIIiiHHIIiiII", 2**31 - 1, 0, 0, 54, 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0), many)
    bad("bomb.gif", b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(6) + b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x02\x44\x01\x00;", many)
    bad("bomb.ppm", b"P6 60000 60000 255\n" + bytes(100), many)
    bad("bomb-text.ppm", b"P3 60000 60000 65535\n1 2 3", many)
    jpeg = bytearray(encoded(quarters(), "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", side, side)
    bad("bomb.jpg", bytes(jpeg), many)
    entry = lambda tag, kind, count, value: struct.pack("<HHII", tag, kind, count, value)  # noqa: E731
    entries = [entry(256, 4, 1, side), entry(257, 4, 1, side), entry(258, 3, 1, 8), entry(259, 3, 1, 1), entry(262, 3, 1, 1),
               entry(273, 4, 1, 8), entry(277, 3, 1, 1), entry(278, 4, 1, side), entry(279, 4, 1, 100)]
    bad("bomb.tiff", b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + bytes(4), many)
    bad("bomb.webp", b"RIFF" + struct.pack("<I", 100) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + (side - 1).to_bytes(3, "little") * 2 + bytes(70), "")
    bad("bomb-wide.png", png(2**31 - 1, 1, 8, 0, bytes(100)), "")
    bad("strips-without-end.tiff", b"II*\0" + struct.pack("<IH", 8, 65535) + bytes(200), "")
    loop = b"II*\0" + struct.pack("<IH", 8, 1) + entry(256, 4, 1, 5) + struct.pack("<I", 8)
    bad("loop.tiff", loop, "")


def none():
    known = "expected a picture: jpeg, png"
    bad("empty.jpg", b"", "the file is empty")
    bad("zeros.png", bytes(1000), known)
    bad("page.jpg", b"<!doctype html><title>404</title>", known)
    bad("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", known)
    bad("archive.png", b"PK\x03\x04" + bytes(60), known)
    bad("document.jpg", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", known)
    bad("phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", known)
    for name, start in [("jpg", b"\xff\xd8\xff"), ("png", b"\x89PNG\r\n\x1a\n"), ("gif", b"GIF89a"), ("bmp", b"BM"),
                        ("webp", b"RIFF\x10\0\0\0WEBP"), ("tiff", b"II*\0"), ("ppm", b"P6")]:
        bad(f"only-begun.{name}", start, "")
    lines = b"".join(b"\0" + bytes(24 * 3) for _ in range(16))
    whole = png(24, 16, 8, 2, lines)
    bad("wrong-sum.png", whole[:29] + b"\0\0\0\0" + whole[33:], "the png is damaged")
    bad("no-pixels.png", png(0, 0, 8, 2, b""), "")
    bad("no-data.png", png(24, 16, 8, 2, None), "")
    bad("few-lines.png", png(24, 16, 8, 2, lines[:400]), "")
    bad("wrong-filter.png", png(24, 16, 8, 2, b"\x09" + lines[1:]), "")
    bad("wrong-depth.png", png(24, 16, 7, 2, lines), "")
    jpeg = encoded(quarters(), "JPEG")
    scan = jpeg.index(b"\xff\xda")
    bad("no-scan.jpg", jpeg[:scan] + b"\xff\xd9", "")
    bad("tables-missing.jpg", jpeg[:20] + jpeg[scan:], "")
    bad("negative.ppm", b"P6 -24 16 255\n" + bytes(24 * 16 * 3), "")
    bad("no-levels.ppm", b"P6 24 16 0\n" + bytes(24 * 16 * 3), "")


if __name__ == "__main__":
    shutil.rmtree(FILES, ignore_errors=True)
    FILES.mkdir()
    orientations(), kinds(), cut(), bombs(), none()
    text = ",\n".join(f"{json.dumps(name)}:{json.dumps(expected[name])}" for name in sorted(expected))
    (HERE / "expected.json").write_text("{\n" + text + "\n}\n")
    print(len(expected), "files,", sum(path.stat().st_size for path in FILES.iterdir()), "bytes")
