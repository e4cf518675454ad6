"""Writes figures.json: metrics by scikit-learn, tests by SciPy and statsmodels.

Run with scikit-learn 1.9, SciPy 1.17 and statsmodels 0.15 (later ones will do): python3 figures.py.
Seed 79. The two calibration errors are NumPy's, written after the papers.
"""

import json
from pathlib import Path

import numpy as np
import scipy
import sklearn
import statsmodels
from scipy import stats
from sklearn import metrics
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(79)


def gaps(confidence, right, groups):
    """Rows, mean confidence and share of right rows of every bin that has rows."""
    found = [(len(g), confidence[g].mean(), right[g].mean()) for g in groups if len(g)]
    return np.array(found).T


def calibration(probabilities, labels, groups):
    confidence, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    rows, said, was = gaps(confidence, predicted == labels, groups(confidence))
    plain = (rows * np.abs(said - was)).sum() / rows.sum()
    several = rows > 1
    rows, said, was = rows[several], said[several], was[several]
    squares = (said - was) ** 2 - was * (1 - was) / (rows - 1)
    return {"plain": plain, "debiased": float(np.sqrt(max(0, (rows * squares).sum() / rows.sum())))}


def by_width(confidence):
    places = np.clip(np.ceil(confidence * 15).astype(int), 1, 15)
    return [np.flatnonzero(places == place) for place in range(1, 16)]


def by_mass(confidence):
    order = np.argsort(confidence, kind="stable")
    return np.split(order, [-(-len(order) * k // 10) for k in range(1, 10)])


def predictions(name, rows, classes, sharpness):
    labels = rng.integers(classes, size=rows)
    scores = rng.standard_normal((rows, classes)) * sharpness
    scores[np.arange(rows), labels] += 1.0
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(classes), zero_division=0
    )
    return {
        "name": name,
        "labels": labels.tolist(),
        "predicted": predicted.tolist(),
        "probabilities": probabilities.tolist(),
        "counts": metrics.confusion_matrix(labels, predicted, labels=range(classes)).tolist(),
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced": metrics.balanced_accuracy_score(labels, predicted),
        "kappa": metrics.cohen_kappa_score(labels, predicted),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.tolist(),
        "macro_f1": metrics.f1_score(labels, predicted, average="macro", zero_division=0),
        "log_loss": metrics.log_loss(labels, probabilities, labels=range(classes)),
        "brier": metrics.brier_score_loss(
            labels, probabilities, labels=range(classes), scale_by_half=False
        ),
        "width": calibration(probabilities, labels, by_width),
        "mass": calibration(probabilities, labels, by_mass),
    }


def pair(first, second):
    exact = mcnemar([[5, first], [second, 7]], exact=True).pvalue
    own = stats.binom.pmf(min(first, second), first + second, 0.5)
    mid = 1 - own / 2 if first == second else exact - own
    return {"first": first, "second": second, "exact": float(exact), "mid": float(mid)}


def flips(values, resamples):
    found = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=resamples,
        rng=np.random.default_rng(1),
    )
    return {"values": values.tolist(), "p": float(found.pvalue)}


def interval(values):
    found = stats.bootstrap(
        (values,), np.mean, n_resamples=100_000, method="BCa", rng=np.random.default_rng(2),
    ).confidence_interval
    return {"values": values.tolist(), "low": float(found.low), "high": float(found.high)}


p_values = [0.01, 0.04, 0.03, 0.005, 0.2, 0.04, 0.9, 1.0]
golden = {
    "sklearn": sklearn.__version__,
    "scipy": scipy.__version__,
    "statsmodels": statsmodels.__version__,
    "numpy": np.__version__,
    "seed": 79,
    "predictions": [
        predictions("two classes", 120, 2, 0.8),
        predictions("five classes", 200, 5, 1.5),
        predictions("rare classes", 40, 12, 0.5),
    ],
    "mcnemar": [pair(*counts) for counts in [(3, 9), (9, 3), (0, 6), (4, 4), (120, 87), (1, 0)]],
    "flips": [
        flips(np.round(rng.standard_normal(9) + 0.4, 3), np.inf),
        flips(rng.integers(-1, 2, 12).astype(float), np.inf),
        flips(np.round(rng.standard_normal(60) + 0.25, 3), 100_000),
    ],
    "intervals": [interval(np.round(rng.exponential(1.0, 40), 3)), interval(np.round(rng.standard_normal(25), 3))],
    "p_values": p_values,
    "holm": multipletests(p_values, method="holm")[1].tolist(),
    "benjamini_hochberg": multipletests(p_values, method="fdr_bh")[1].tolist(),
}
path = Path(__file__).with_name("figures.json")
path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
