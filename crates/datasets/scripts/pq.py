"""Product quantisation of unit rows: codebooks, codes and an optional rotation.

Jégou, Douze & Schmid (2011), "Product quantization for nearest neighbor search"; the rotation is the
parametric one of Ge, He, Ke & Sun (2013), "Optimized product quantization".

The bytes do not depend on the processor or on the BLAS: coordinates are whole multiples of 1 / GRID, so that
every product and sum of them is exact in f64, in whatever order it is taken. The rotation is rounded to
binary16 before it is used.
"""

import numpy as np

GRID = 1 << 20


def balanced_rotation(rows, parts):
    """Principal axes (columns, d × d f16) dealt out so that every part has the same product of variances."""
    centred = rows - rows.mean(axis=0)
    variance, axes = np.linalg.eigh(centred.T @ centred / len(rows))
    axes *= np.sign(axes[np.abs(axes).argmax(0), range(len(variance))])  # a sign of their own
    width = len(variance) // parts
    members, volume = [[] for _ in range(parts)], np.zeros(parts)
    for axis in np.argsort(-variance, kind="stable"):
        open_parts = [j for j in range(parts) if len(members[j]) < width]
        part = min(open_parts, key=lambda j: (volume[j], j))
        members[part].append(axis)
        volume[part] += np.log(variance[axis] / variance.min()) + 1e-9
    return axes[:, [axis for part in members for axis in part]].astype(np.float16)


def train(rows, parts, bits, rotate, rounds=25):
    """(rotation d × d or None, codebooks parts × 2^bits × d/parts, codes n × parts): rows ≈ code·Rᵀ."""
    rows = rows.astype(np.float64)
    rotation = balanced_rotation(rows, parts) if rotate else None
    if rotate:
        rows = rows @ rotation.astype(np.float64)
    rows = np.rint(rows * GRID)
    width = rows.shape[1] // parts
    split = [np.ascontiguousarray(rows[:, j * width : (j + 1) * width]) for j in range(parts)]
    centres = [k_means(part, 1 << bits, rounds, seed) for seed, part in enumerate(split)]
    codebooks = (np.stack(centres) / GRID).astype(np.float16)  # as they are stored
    stored = codebooks.astype(np.float64) * GRID
    codes = [nearest(part, book)[1] for part, book in zip(split, stored)]
    return rotation, codebooks, np.stack(codes, axis=1).astype(np.uint8)


def k_means(points, size, rounds, seed):
    """Lloyd's algorithm from `size` random points; an empty cluster restarts at the worst served point."""
    centres = points[np.random.RandomState(seed).permutation(len(points))[:size]]
    for _ in range(rounds):
        distance, code = nearest(points, centres)
        count = np.bincount(code, minlength=size)
        for axis in range(points.shape[1]):
            total = np.bincount(code, weights=points[:, axis], minlength=size)
            centres[:, axis] = np.rint(total / np.maximum(count, 1))
        for empty in np.flatnonzero(count == 0):
            worst = distance.argmax()
            centres[empty], distance[worst] = points[worst], -np.inf
    return centres


def nearest(points, centres):
    """For every point the squared distance and index of its centre."""
    distance = (-2 * points) @ centres.T
    distance += (centres**2).sum(1)
    code = distance.argmin(1)
    return distance[np.arange(len(points)), code] + (points**2).sum(1), code


def decode(rotation, codebooks, codes):
    """The rows that codes stand for, n × d f64."""
    parts = codebooks.shape[0]
    rows = np.concatenate([codebooks[j].astype(np.float64)[codes[:, j]] for j in range(parts)], axis=1)
    return rows if rotation is None else rows @ rotation.astype(np.float64).T
