"""Writes detection.json: average precision by pycocotools, and by a plain program after VOC's rules.

Run with pycocotools 2.0.11 and NumPy 2.2: python3 detection.py. Seed 2014. Boxes have whole coordinates
and scores two digits, so that ties happen.

* COCO: COCOeval's own summary (12 numbers) and, for each class, AP over all thresholds and at 0.50;
  -1 where nothing is asked for.
* VOC: no program of VOC's is on PyPI; `voc` below follows the devkit's text (boxes in order of their
  scores, each against the truth that it overlaps most, difficult ones passed over, >= 0.5) and integrates
  on NumPy arrays. Ties are kept in order by a stable sort. Crowds are passed over as difficult ones are.
"""

import contextlib
import io
import json
import platform
from pathlib import Path

import numpy as np
from importlib.metadata import version
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

SEED = 2014
rng = np.random.default_rng(SEED)


def dataset(pictures, classes, annotations):
    coco = COCO()
    coco.dataset = {
        "images": [{"id": i + 1} for i in range(pictures)],
        "categories": [{"id": c + 1} for c in range(classes)],
        "annotations": annotations,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def coco(case):
    truths, found = [], []
    for i, picture in enumerate(case["truths"]):
        for (x, y, w, h, c, crowd, difficult, area) in picture:
            truths.append({
                "id": len(truths) + 1, "image_id": i + 1, "category_id": c + 1, "bbox": [x, y, w, h],
                "area": area, "iscrowd": crowd,
            })
    for i, picture in enumerate(case["found"]):
        for (x, y, w, h, c, score) in picture:
            found.append({
                "id": len(found) + 1, "image_id": i + 1, "category_id": c + 1, "bbox": [x, y, w, h],
                "area": w * h, "iscrowd": 0, "score": score,
            })
    n, k = len(case["truths"]), case["classes"]
    evaluation = COCOeval(dataset(n, k, truths), dataset(n, k, found), "bbox")
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"]  # T x R x K x A x M

    def mean(values):
        values = values[values > -1]
        return float(values.mean()) if len(values) else -1.0

    return {
        "stats": [float(value) for value in evaluation.stats],
        "per_class": [[mean(precision[:, :, c, 0, 2]), mean(precision[0, :, c, 0, 2])] for c in range(k)],
    }


def iou(a, b):
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def voc(case):
    values = []
    for c in range(case["classes"]):
        truths = [[t for t in picture if t[4] == c] for picture in case["truths"]]
        asked = sum(1 for picture in truths for t in picture if not (t[5] or t[6]))
        if asked == 0:
            values.append([-1.0, -1.0])
            continue
        found = [(i, f) for i, picture in enumerate(case["found"]) for f in picture if f[4] == c]
        order = np.argsort([-f[5] for _, f in found], kind="stable")
        taken = [[False] * len(picture) for picture in truths]
        tp, fp = np.zeros(len(found)), np.zeros(len(found))
        for place, at in enumerate(order):
            i, f = found[at]
            overlaps = [iou(f, t) for t in truths[i]]
            best = int(np.argmax(overlaps)) if overlaps else -1
            if best >= 0 and overlaps[best] >= 0.5:
                if truths[i][best][5] or truths[i][best][6]:
                    continue
                if not taken[i][best]:
                    tp[place], taken[i][best] = 1, True
                else:
                    fp[place] = 1
            else:
                fp[place] = 1
        tp, fp = np.cumsum(tp), np.cumsum(fp)
        recall, precision = tp / asked, tp / np.maximum(tp + fp, 1e-300)
        eleven = 0.0
        for t in np.arange(0.0, 1.1, 0.1):
            above = precision[recall >= t]
            eleven += (above.max() if len(above) else 0.0) / 11.0
        r = np.concatenate([[0.0], recall, [1.0]])
        p = np.concatenate([[0.0], precision, [0.0]])
        for i in range(len(p) - 2, -1, -1):
            p[i] = max(p[i], p[i + 1])
        step = np.where(r[1:] != r[:-1])[0]
        area = float(np.sum((r[step + 1] - r[step]) * p[step + 1]))
        values.append([eleven, area])
    return values


def random_case():
    classes = int(rng.integers(1, 4))
    pictures = int(rng.integers(1, 6))
    truths, found = [], []
    for _ in range(pictures):
        here = []
        for _ in range(int(rng.integers(0, 5))):
            w, h = (int(v) for v in rng.integers(8, 150, 2))
            x, y = (int(v) for v in rng.integers(0, 120, 2))
            area = int(w * h * rng.choice([1.0, 0.6]))
            crowd = int(rng.random() < 0.1)
            here.append([x, y, w, h, int(rng.integers(classes)), crowd, 0, area])
        seen = []
        for t in here:
            for _ in range(int(rng.integers(0, 4))):
                x, y, w, h = t[:4]
                s = rng.choice([0.03, 0.1, 0.25])
                dx, dy, dw, dh = rng.normal(0, s, 4)
                c = t[4] if rng.random() < 0.8 else int(rng.integers(classes))
                score = round(float(rng.random()), int(rng.choice([1, 2])))
                seen.append([round(x + dx * w), round(y + dy * h), max(1, round(w * (1 + dw))),
                             max(1, round(h * (1 + dh))), c, score])
        for _ in range(int(rng.integers(0, 3))):
            w, h = (int(v) for v in rng.integers(8, 150, 2))
            x, y = (int(v) for v in rng.integers(0, 120, 2))
            seen.append([x, y, w, h, int(rng.integers(classes)), round(float(rng.random()), 1)])
        truths.append(here)
        found.append(seen)
    return {"classes": classes, "truths": truths, "found": found}


def t(x, y, w, h, c=0, crowd=0, difficult=0, area=None):
    return [x, y, w, h, c, crowd, difficult, w * h if area is None else area]


CORNERS = {
    "nothing at all": {"classes": 1, "truths": [[]], "found": [[]]},
    "no truths": {"classes": 1, "truths": [[]], "found": [[[0, 0, 5, 5, 0, 0.5]]]},
    "nothing found": {"classes": 2, "truths": [[t(0, 0, 9, 9)], []], "found": [[], []]},
    "ties across pictures": {
        "classes": 1,
        "truths": [[t(0, 0, 10, 10)], [t(0, 0, 10, 10)], [t(5, 5, 10, 10)]],
        "found": [[[50, 50, 9, 9, 0, 0.5]], [[0, 0, 10, 10, 0, 0.5]],
                  [[5, 5, 10, 10, 0, 0.5], [80, 0, 9, 9, 0, 0.5]]],
    },
    "an overlap of exactly a half": {
        "classes": 1, "truths": [[t(0, 0, 10, 10)]], "found": [[[0, 0, 10, 20, 0, 0.9]]],
    },
    "two found on one": {
        "classes": 1, "truths": [[t(0, 0, 40, 40)]],
        "found": [[[1, 0, 40, 40, 0, 0.9], [0, 0, 40, 40, 0, 0.8]]],
    },
    "a crowd takes many": {
        "classes": 1, "truths": [[t(0, 0, 100, 100, crowd=1), t(150, 0, 20, 20)]],
        "found": [[[0, 0, 20, 20, 0, 0.9], [30, 30, 20, 20, 0, 0.8], [150, 0, 20, 20, 0, 0.7],
                   [90, 90, 20, 20, 0, 0.95]]],
    },
    "a crowd only": {
        "classes": 1, "truths": [[t(0, 0, 100, 100, crowd=1)]], "found": [[[0, 0, 20, 20, 0, 0.9]]],
    },
    "a better truth is a crowd": {
        "classes": 1, "truths": [[t(0, 0, 40, 40, crowd=1), t(0, 0, 40, 30)]],
        "found": [[[0, 0, 40, 40, 0, 0.9], [0, 0, 38, 30, 0, 0.2]]],
    },
    "more than a hundred": {
        "classes": 1, "truths": [[t(0, 0, 30, 30), t(200, 0, 30, 30)]],
        "found": [[[300 + 40 * i, 0, 30, 30, 0, 0.9] for i in range(99)]
                  + [[0, 0, 30, 30, 0, 0.8], [200, 0, 30, 30, 0, 0.7]]],
    },
    "areas on the bounds": {
        "classes": 1, "truths": [[t(0, 0, 32, 32), t(100, 0, 96, 96), t(0, 100, 31, 33)]],
        "found": [[[0, 0, 32, 32, 0, 0.9], [100, 0, 96, 96, 0, 0.8], [300, 300, 10, 10, 0, 0.95]]],
    },
    "the outline is smaller than the box": {
        "classes": 1, "truths": [[t(0, 0, 40, 40, area=900)]], "found": [[[0, 0, 40, 40, 0, 0.9]]],
    },
}
# COCO does not know them: judged by VOC's rules alone.
DIFFICULT = {
    "difficult found and not": {
        "classes": 1,
        "truths": [[t(0, 0, 30, 30, difficult=1), t(50, 0, 30, 30)], [t(0, 0, 30, 30, difficult=1)]],
        "found": [[[0, 0, 30, 30, 0, 0.9], [1, 0, 30, 30, 0, 0.85], [50, 0, 30, 30, 0, 0.8]], []],
    },
    "difficult only": {
        "classes": 1, "truths": [[t(0, 0, 30, 30, difficult=1)]], "found": [[[0, 0, 30, 30, 0, 0.9]]],
    },
}

cases = []
for name, case in CORNERS.items():
    cases.append({"name": name, **case, **coco(case), "voc": voc(case)})
for at in range(60):
    case = random_case()
    cases.append({"name": f"random {at}", **case, **coco(case), "voc": voc(case)})
for name, case in DIFFICULT.items():
    cases.append({"name": name, **case, "voc": voc(case)})

Path(__file__).with_suffix(".json").write_text(json.dumps({
    "made_by": {"python": platform.python_version(), "numpy": np.__version__,
                "pycocotools": version("pycocotools"), "seed": SEED},
    "cases": cases,
}, separators=(",", ":")) + "\n")
