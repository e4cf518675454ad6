"""Makes tests/golden.json: sentences and their rows, by ONNX Runtime, with the weights that ship and in full precision.

/tmp/venv/bin/pip install onnx==1.23.2 onnxruntime==1.32.0      # beside those of quantize.py
/tmp/venv/bin/python scripts/quantize.py FOLDER small.safetensors
/tmp/venv/bin/python scripts/golden.py FOLDER small.safetensors
"""

import json
import pathlib
import sys

import numpy as np
import safetensors.numpy
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "../../text/tests/golden"))
import bert_onnx

FOLDER = pathlib.Path(sys.argv[1])
SENTENCES = [
    "A bed for every guest.",
    "The film was not as good as the book!",
    "naïve café 中国 🙂 qwxzj",
    "How do plants make sugar from light?",
    "Photosynthesis turns carbon dioxide and water into glucose and oxygen.",
    "I can't recommend this phone, the battery dies within hours.",
]
made = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
made.no_padding()
made.no_truncation()
ids = [made.encode(s).ids for s in SENTENCES]
config = json.loads((FOLDER / "config.json").read_text())
number = lambda x: float(f"{x:.6f}")


def rows(file):
    session = bert_onnx.session(bert_onnx.build(config, safetensors.numpy.load_file(file)))
    pooled = [r.astype(np.float64).mean(0) for r in bert_onnx.hidden(session, ids)]
    return [[number(x) for x in r / np.linalg.norm(r)] for r in pooled]


(HERE / "../tests/golden.json").write_text(json.dumps({
    "sentences": SENTENCES,
    "ids": ids,
    "small": rows(sys.argv[2]),
    "full": rows(FOLDER / "model.safetensors"),
}) + "\n")
