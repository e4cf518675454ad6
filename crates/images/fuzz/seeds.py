"""Makes the inputs that fuzzing starts from: python3 seeds.py

Into `seeds/TARGET/` go the pictures of `../tests/hostile`, lists and descriptors, and a small file of visual words.
They always come out the same.
"""

import json
import pathlib
import shutil
import struct

HERE = pathlib.Path(__file__).parent
TESTS = HERE.parent / "tests"


def save(target, name, contents):
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(contents)


if __name__ == "__main__":
    shutil.rmtree(HERE / "seeds", ignore_errors=True)
    for path in sorted((TESTS / "hostile" / "files").iterdir()):
        if path.suffix != ".gz":
            save("picture", path.name, path.read_bytes())
    save("list", "labels", "a/b.png,cat\nc.jpg, two words\r\n\nd,e.png,\n".encode())
    save("list", "mark", b"\xef\xbb\xbfa.png\n\xff")
    for at, text in enumerate([
        "hog", "hog(size=64,cell=8)+color(space=hsv,bins=8x4x4)", "hog-opencv(gamma=false,signed=true,clip=0.3)",
        "lbp(points=16,radius=2.5,grid=2,size=64)", "pixels(size=8)", "bow(weights=tf-idf,words=50,cells=3x5,seed=9)",
    ]):
        save("descriptor", str(at), text.encode())
    header = {
        "__metadata__": {"kind": "procrust-visual-words-1", "sift": "size=32,step=8,cells=2x4"},
        "words": {"dtype": "F32", "shape": [2, 128], "data_offsets": [0, 1024]},
        "idf": {"dtype": "F32", "shape": [2], "data_offsets": [1024, 1032]},
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    values = struct.pack("<258f", *(at / 300 for at in range(258)))
    save("vocabulary", "two-words", struct.pack("<Q", len(text)) + text + values)
    for folder in sorted((HERE / "seeds").iterdir()):
        print(f"{folder.name}: {len(list(folder.iterdir()))} files")
