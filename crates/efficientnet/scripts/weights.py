"""Makes data/efficientnet-lite0.safetensors: the weights in half precision, batch normalisations folded.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy==2.4.6
    /tmp/venv/bin/python weights.py

Convolutions and classifier are float16 (rounded to nearest even from float64), biases float32. Shapes are
PyTorch's: outputs × inputs (per group) × height × width.
"""

import hashlib
import json
import pathlib

import numpy as np
from checkpoint import checkpoint, folded

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"


def main():
    header, body = {"__metadata__": {"network": "EfficientNet-Lite0", "licence": "Apache-2.0"}}, b""
    for name, (weight, bias) in folded(checkpoint()).items():
        for part, values, kind in [("bias", bias.astype("<f4"), "F32"), ("weight", weight.astype("<f2"), "F16")]:
            assert np.isfinite(values).all()
            at = len(body)
            body += np.ascontiguousarray(values).tobytes()
            header[f"{name}.{part}"] = {
                "dtype": kind, "shape": list(values.shape), "data_offsets": [at, len(body)]
            }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file = len(text).to_bytes(8, "little") + text + body
    DATA.mkdir(exist_ok=True)
    path = DATA / "efficientnet-lite0.safetensors"
    path.write_bytes(file)
    print(f"{hashlib.sha256(file).hexdigest()}  {path.name}  {len(file)} bytes")


main()
