"""What half precision costs: the shipped file against the checkpoint, on 240 crops of photographs.

    /tmp/venv/bin/pip install numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 scikit-image==0.26.0 pillow==13.0.0
    /tmp/venv/bin/python loss.py

Both networks run in float32 in onnxruntime; the checkpoint's has its batch normalisations as they are.
The crops are squares of six photographs of scikit-image, 40 each, of random place and size (a third of the
shorter side to all of it), brought to 224 × 224 by Pillow's bilinear filter. Seed 1.
"""

import json
import pathlib

import numpy as np
import onnxruntime
from checkpoint import checkpoint, folded, onnx_model
from PIL import Image
from skimage import data

SEED = 1
FILE = pathlib.Path(__file__).resolve().parent.parent / "data" / "efficientnet-lite0.safetensors"


def shipped():
    """Our name → (weight, bias) of the shipped file, as float32."""
    file = FILE.read_bytes()
    size = int.from_bytes(file[:8], "little")
    header = json.loads(file[8 : 8 + size])
    header.pop("__metadata__")
    result = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        dtype = {"F16": "<f2", "F32": "<f4"}[entry["dtype"]]
        values = np.frombuffer(file[8 + size :][start:end], dtype).astype(np.float32)
        layer, part = name.rsplit(".", 1)
        result.setdefault(layer, {})[part] = values.reshape(entry["shape"])
    return {layer: (parts["weight"], parts["bias"]) for layer, parts in result.items()}


def crops():
    random = np.random.default_rng(SEED)
    motorcycle = data.stereo_motorcycle()[0]
    photographs = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket(), motorcycle,
                   data.hubble_deep_field()]
    for photograph in photographs:
        height, width = photograph.shape[:2]
        for _ in range(40):
            side = int(random.integers(min(height, width) // 3, min(height, width) + 1))
            top = int(random.integers(0, height - side + 1))
            left = int(random.integers(0, width - side + 1))
            crop = Image.fromarray(photograph[top : top + side, left : left + side])
            yield np.asarray(crop.resize((224, 224), Image.Resampling.BILINEAR))


def run(model, pixels):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    parts = [session.run(None, {"pixels": pixels[at : at + 20]}) for at in range(0, len(pixels), 20)]
    return [np.concatenate(part) for part in zip(*parts)]


def main():
    tensors = checkpoint()
    pixels = (np.stack(list(crops())).astype(np.float32) - 127) / 128
    pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    full = folded(tensors)
    expected, expected_scores = run(onnx_model(full, tensors), pixels)
    found, scores = run(onnx_model(shipped()), pixels)
    norms = np.linalg.norm(expected, axis=1)
    relative = np.linalg.norm(found - expected, axis=1) / norms
    cosine = (found * expected).sum(1) / norms / np.linalg.norm(found, axis=1)
    same = (scores.argmax(1) == expected_scores.argmax(1)).sum()
    top5 = [set(s[:5]) for s in np.argsort(-scores, axis=1)]
    expected5 = [set(s[:5]) for s in np.argsort(-expected_scores, axis=1)]
    print(f"pictures                        {len(pixels)}")
    print(f"features: relative difference   mean {relative.mean():.4f}, largest {relative.max():.4f}")
    print(f"features: cosine                mean {cosine.mean():.6f}, least {cosine.min():.6f}")
    print(f"scores: absolute difference     mean {abs(scores - expected_scores).mean():.4f}, "
          f"largest {abs(scores - expected_scores).max():.4f}")
    print(f"same first class                {same} of {len(pixels)}")
    print(f"same five classes               {sum(a == b for a, b in zip(top5, expected5))} of {len(pixels)}")
    exact, _ = run(onnx_model(full), pixels)
    folding = np.linalg.norm(exact - expected, axis=1) / norms
    print(f"of that, by folding alone       largest {folding.max():.1e}")


if __name__ == "__main__":
    main()
