"""Writes efficientnet.json: what onnxruntime makes of the shipped weights, for tests/deep.rs.

    /tmp/venv/bin/pip install numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 scikit-image==0.26.0 pillow==13.0.0
    /tmp/venv/bin/python efficientnet.py > efficientnet.json

Pictures made by a formula that the test repeats: one of 224 × 224, one of 75 × 50 for the maps. Weights as
shipped (half precision), computed in float32. Prints to standard error what the network sees on the
middle of scikit-image's photographs (a square of ⅞ of the shorter side, resized by Pillow); with --pictures
it writes three of them to ../pictures, as JPEG.
"""

import json
import pathlib
import sys

import numpy as np
import onnxruntime
from PIL import Image
from skimage import data

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "efficientnet" / "scripts"))
from checkpoint import onnx_model  # noqa: E402
from loss import shipped  # noqa: E402

BLOCKS = [0, 2, 4, 10, 15]  # whose maps are levels
STEP = 293  # of a map, every so manieth value is kept: a prime, so that all channels have their turn


def formula(width, height):
    """RGB bytes: a gradient, waves and a little noise."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    noise = (x * 7919 + y * 104729 + c * 1299709) % 64
    waves = (x * (c + 1)) % 61 + (y * y // 16) % 67
    return (noise + waves + x * 60 // width).astype(np.uint8)


def network_input(rgb):
    return (rgb.astype(np.float32).transpose(2, 0, 1)[None] - 127) / 128


def session(taps=()):
    model = onnx_model(shipped(), taps=taps)
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def rounded(values):
    return [float(f"{value:.7g}") for value in np.ravel(values).tolist()]


def main():
    pixels = network_input(formula(224, 224))
    features, scores = session().run(["features", "scores"], {"pixels": pixels})
    taps = [f"blocks.{block}" for block in BLOCKS] + ["head"]
    maps = session(taps).run(taps, {"pixels": network_input(formula(75, 50))})
    result = {
        "features": rounded(features),
        "scores": rounded(scores),
        "maps": [
            {
                "shape": [values.shape[2], values.shape[3], values.shape[1]],
                # of height × width × channels, every so manieth
                "values": rounded(values[0].transpose(1, 2, 0).ravel()[::STEP]),
                "step": STEP,
            }
            for values in maps
        ],
    }
    print(json.dumps(result, separators=(",", ":")))

    names = [
        line.split("\t")[1]
        for line in (HERE.parents[2] / "efficientnet" / "data" / "classes.tsv").read_text().splitlines()
    ]
    photographs = {
        "chelsea": data.chelsea(),
        "coffee": data.coffee(),
        "rocket": data.rocket(),
        "motorcycle": data.stereo_motorcycle()[0],
    }
    run = session()
    for name, photograph in photographs.items():
        picture = Image.fromarray(photograph)
        side = round(min(picture.size) * 7 / 8)
        left, top = ((n - side) // 2 for n in picture.size)
        box = (left, top, left + side, top + side)
        seen = np.asarray(picture.resize((224, 224), Image.Resampling.BILINEAR, box))
        scores = run.run(["scores"], {"pixels": network_input(seen)})[0][0].astype(float)
        odds = np.exp(scores - scores.max())
        odds /= odds.sum()
        best = odds.argsort()[::-1][:3]
        print(name, "; ".join(f"{names[at]} {odds[at]:.2f}" for at in best), file=sys.stderr)
        if "--pictures" in sys.argv and name != "motorcycle":
            folder = HERE.parent / "pictures"
            folder.mkdir(exist_ok=True)
            picture.save(folder / f"{name}.jpg", quality=85)


if __name__ == "__main__":
    main()
