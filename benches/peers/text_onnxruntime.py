"""Times all-MiniLM-L6-v2 in ONNX Runtime and in procrust-text, in turn: the same sentences, batches and threads.

    cargo build --release -p procrust-text --example encode
    pip install numpy onnx onnxruntime tokenizers safetensors
    python benches/peers/text_onnxruntime.py FOLDER target/release/examples/encode [THREADS]

ONNX Runtime gets what it likes best: tokens that are ready, sentences sorted by length in batches of 32, padded to the
longest of the batch, all graph optimisations. Procrust's time includes the tokenizer and pooling.
"""

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import safetensors.numpy
from tokenizers import Tokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "crates/text/tests/golden"))
import bert_onnx

folder, program = map(pathlib.Path, sys.argv[1:3])
threads = int(sys.argv[3]) if len(sys.argv) > 3 else 2
lines = gzip.open(ROOT / "crates/datasets/data/news.tsv.gz", "rt").read().splitlines()
sentences = [line.split("\t")[-1] for line in lines[:400]]
tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(256)
ids = sorted((e.ids for e in tokenizer.encode_batch(sentences)), key=len, reverse=True)
batches = []
for a in range(0, len(ids), 32):
    batch = ids[a : a + 32]
    padded = np.zeros((len(batch), len(batch[0])), np.int64)
    mask = np.zeros_like(padded)
    for i, s in enumerate(batch):
        padded[i, : len(s)], mask[i, : len(s)] = s, 1
    batches.append({"ids": padded, "mask": mask})
tensors = safetensors.numpy.load_file(folder / "model.safetensors")
session = bert_onnx.session(bert_onnx.build(json.loads((folder / "config.json").read_text()), tensors), threads)
session.run(None, batches[-1])
file = pathlib.Path(tempfile.mkdtemp()) / "sentences.txt"
file.write_text("\n".join(sentences) + "\n")
ours, theirs, opened = [], [], []
for _ in range(5):
    out = subprocess.run([program, folder, file, str(threads), "1"], capture_output=True, text=True, check=True).stdout.split()
    opened.append(float(out[1]))
    ours.append(float(out[3]))
    start = time.perf_counter()
    for batch in batches:
        session.run(None, batch)
    theirs.append(time.perf_counter() - start)
print(f"{len(sentences)} sentences, {sum(map(len, ids))} tokens, {threads} threads, five rounds in turn")
print(f"opening      {np.median(opened):.4f} s")
print(f"procrust     {np.median(ours):.3f} s   least {min(ours):.3f}")
print(f"onnxruntime  {np.median(theirs):.3f} s   least {min(theirs):.3f}")
print(f"speed as a share of onnxruntime's: {np.median([b / a for a, b in zip(ours, theirs)]):.2f} (median of pairs), {min(theirs) / min(ours):.2f} (least times)")
