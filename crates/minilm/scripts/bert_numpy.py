"""The forward pass of BERT in NumPy, for `quantize.py`: to see what a layer is given, and what a change costs."""

import numpy as np


def erf(x):
    # Abramowitz and Stegun 7.1.26, to 1.5e-7.
    t = 1 / (1 + 0.3275911 * np.abs(x))
    y = 1 - t * np.exp(-x * x) * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return np.sign(x) * y


def norm(x, tensors, name):
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12)
    return x * tensors[name + ".weight"] + tensors[name + ".bias"]


def forward(tensors, sentences, seen=None, heads=12, layers=6):
    """Unit rows of sentences (lists of token numbers); `seen(name, rows)` is shown what every product is given."""
    ends = np.cumsum([len(s) for s in sentences])
    starts = ends - [len(s) for s in sentences]
    ids = np.concatenate(sentences)
    places = np.concatenate([np.arange(len(s)) for s in sentences])

    def linear(x, name):
        if seen:
            seen(name, x)
        return x @ tensors[name + ".weight"].T + tensors[name + ".bias"]

    x = tensors["embeddings.word_embeddings.weight"][ids] + tensors["embeddings.position_embeddings.weight"][places]
    x = norm(x + tensors["embeddings.token_type_embeddings.weight"][0], tensors, "embeddings.LayerNorm")
    for i in range(layers):
        at = f"encoder.layer.{i}."
        q, k, v = (linear(x, f"{at}attention.self.{p}") for p in ("query", "key", "value"))
        mix = np.empty_like(q)
        for a, b in zip(starts, ends):
            split = lambda y: y[a:b].reshape(b - a, heads, -1).transpose(1, 0, 2)
            scores = split(q) @ split(k).transpose(0, 2, 1) / np.sqrt(q.shape[1] // heads)
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            mix[a:b] = (scores @ split(v)).transpose(1, 0, 2).reshape(b - a, -1)
        x = norm(linear(mix, at + "attention.output.dense") + x, tensors, at + "attention.output.LayerNorm")
        y = linear(x, at + "intermediate.dense")
        y = 0.5 * y * (1 + erf(y / np.sqrt(2)))
        x = norm(linear(y.astype(np.float32), at + "output.dense") + x, tensors, at + "output.LayerNorm")
    rows = np.array([x[a:b].mean(0) for a, b in zip(starts, ends)])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
