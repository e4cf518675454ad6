"""Analogies by both rules, by NumPy in double precision: writes analogy.json beside this file.

Python 3.11, NumPy 2.4; seed 7. Rows are multiples of 1/16, exact in f32; one row is zero, and two rows
are equal, so that a tie is among the questions.
"""

import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng(7)
rows = rng.integers(-40, 40, size=(60, 7)) / 16
rows[13] = 0
rows[21] = rows[20]
questions = [[int(i) for i in rng.choice(60, 3, replace=False)] for _ in range(60)]
questions += [[20, 1, 2], [3, 20, 4], [5, 13, 6], [13, 7, 8]]

norms = np.linalg.norm(rows, axis=1, keepdims=True)
unit = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
cosine = unit @ unit.T


def answers(score):
    found = []
    for a, b, c in questions:
        values = score(cosine[a], cosine[b], cosine[c])
        values[[a, b, c]] = -np.inf
        found.append(int(np.argmax(values)))  # the first of equals
    return found


def plus(cosines):
    return (cosines + 1) / 2


golden = {
    "numpy": np.__version__,
    "seed": 7,
    "rows": rows.tolist(),
    "questions": questions,
    "add": answers(lambda a, b, c: b - a + c),
    "multiply": answers(lambda a, b, c: plus(b) * plus(c) / (plus(a) + 0.001)),
}
path = Path(__file__).with_name("analogy.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
