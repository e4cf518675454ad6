"""What the peers do in `cargo xtask bench peers`: python3 theirs.py TASK PEER FOLDER.

Reads the task's files from FOLDER (rows of little-endian values without a header, shapes in
shapes.json), does what PEER does, three times or for ten seconds, writes its answer to FOLDER/PEER.* and
prints the fastest run's seconds, the peak of memory and the versions as one line of JSON. Reading files
and importing are left out, unless reading is the task.

The versions are those of requirements.txt; the seeds are those of the data, in src/bench/tasks.rs.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np

TASK, PEER, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
SHAPES = json.loads((FOLDER / "shapes.json").read_text())
THREADS = int(os.environ["OMP_NUM_THREADS"])
K = 10


def rows(name, dtype="<f4"):
    return np.fromfile(FOLDER / name, dtype).reshape(SHAPES[name])


def write(array, dtype):
    np.ascontiguousarray(array).astype(dtype).tofile(FOLDER / f"{PEER}.out")


def fastest(call):
    best, start = float("inf"), time.perf_counter()
    for _ in range(3):
        before = time.perf_counter()
        answer = call()
        best = min(best, time.perf_counter() - before)
        if time.perf_counter() - start > 10:
            break
    return best, answer


def procrustes():
    from scipy.linalg import orthogonal_procrustes

    x, y = rows("x"), rows("y")
    seconds, (w, _) = fastest(lambda: orthogonal_procrustes(x, y))
    write(w, "<f8")
    return seconds


def coral():
    """The same in f32: covariances, roots by symmetric eigendecomposition, one product."""
    x, y = rows("x"), rows("y")

    def root(rows, power):
        centred = rows - rows.mean(axis=0)
        covariance = centred.T @ centred / np.float32(len(rows) - 1)
        covariance[np.diag_indices_from(covariance)] += np.float32(1)
        values, vectors = np.linalg.eigh(covariance)
        return (vectors * values**power) @ vectors.T

    seconds, mapped = fastest(lambda: x @ (root(x, np.float32(-0.5)) @ root(y, np.float32(0.5))))
    write(mapped, "<f4")
    return seconds


def coral_unregularized():
    """Covariances as they are: skada shrinks by other rules than ours."""
    from skada import CORALAdapter

    x, y = rows("x"), rows("y")
    both, domains = np.vstack([x, y]), np.r_[np.ones(len(x), int), -2 * np.ones(len(y), int)]

    def call():
        adapter = CORALAdapter(reg=0.0)
        mapped = adapter.fit_transform(both, sample_domain=domains)
        return getattr(mapped, "X", mapped)[: len(x)]

    seconds, mapped = fastest(call)
    write(mapped, "<f4")
    return seconds


def apply():
    x, w = rows("x"), rows("w")
    seconds, mapped = fastest(lambda: x @ w)
    write(mapped, "<f4")
    return seconds


def csls():
    """Three exact searches; of the 100 nearest by cosine the best by CSLS."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    x, y = rows("x"), rows("y")

    def call():
        forward, backward = faiss.IndexFlatIP(x.shape[1]), faiss.IndexFlatIP(x.shape[1])
        forward.add(y)
        backward.add(x)
        r_t = forward.search(x, K)[0].mean(axis=1)
        r_s = backward.search(y, K)[0].mean(axis=1)
        cosine, index = forward.search(x, 100)
        scores = 2 * cosine - r_t[:, None] - r_s[index]
        order = np.argsort(-scores, axis=1, kind="stable")[:, :K]
        return np.take_along_axis(index, order, axis=1)

    seconds, found = fastest(call)
    write(found, "<u4")
    return seconds


def nearest():
    import faiss

    faiss.omp_set_num_threads(THREADS)
    x, y = rows("x"), rows("y")

    def call():
        index = faiss.IndexFlatIP(x.shape[1])
        index.add(y)
        return index.search(x, K)[1]

    seconds, found = fastest(call)
    write(found, "<u4")
    return seconds


def load_words(binary):
    from gensim.models import KeyedVectors

    path = str(FOLDER / "words.vec")
    seconds, found = fastest(lambda: KeyedVectors.load_word2vec_format(path, binary=binary))
    write(found.vectors, "<f4")
    return seconds


def load_text():
    return load_words(False)


load_text_million = load_text


def load_binary():
    return load_words(True)


def sinkhorn():
    import ot

    cost = rows("cost", "<f8")
    a, b = (np.full(size, 1 / size) for size in cost.shape)
    call = lambda: ot.sinkhorn(a, b, cost, SHAPES["regularization"], stopThr=1e-6, numItermax=100_000)
    seconds, plan = fastest(call)
    write(np.array([(plan * cost).sum()]), "<f8")
    return seconds


def exact_transport():
    import ot

    cost = rows("cost", "<f8")
    a, b = (np.full(size, 1 / size) for size in cost.shape)
    seconds, plan = fastest(lambda: ot.emd(a, b, cost, numItermax=100_000_000))
    write(np.array([(plan * cost).sum()]), "<f8")
    return seconds


def logistic():
    from sklearn.linear_model import LogisticRegression

    x, labels = rows("x"), rows("labels", "<u4")
    seconds, model = fastest(lambda: LogisticRegression(C=1.0, max_iter=1000).fit(x, labels))
    write(np.vstack([model.coef_.T, model.intercept_]), "<f8")
    return seconds


def knn():
    """The vote of the five nearest; of classes with equally many, the one with the nearest member."""
    import faiss

    faiss.omp_set_num_threads(THREADS)
    x, y, labels = rows("x"), rows("y"), rows("labels", "<u4")

    def call():
        index = faiss.IndexFlatL2(x.shape[1])
        index.add(y)
        votes = labels[index.search(x, 5)[1]]
        counts = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
        return votes[np.arange(len(votes)), counts.argmax(axis=1)]

    seconds, found = fastest(call)
    write(found, "<u4")
    return seconds


def eszsl():
    """The formula; NumPy gives the Gram matrix to BLAS's symmetric product."""
    x, labels, s = rows("x"), rows("labels", "<u4"), rows("s")

    def call():
        wide, attributes = x.astype(np.float64), s.astype(np.float64)
        signs = np.where(labels[:, None] == np.arange(len(attributes)), 1.0, -1.0)
        left = wide.T @ wide + np.eye(wide.shape[1])
        half = np.linalg.solve(left, wide.T @ signs @ attributes)
        return np.linalg.solve(attributes.T @ attributes + np.eye(attributes.shape[1]), half.T).T

    seconds, form = fastest(call)
    write(form, "<f8")
    return seconds


def sparse_codes(cross, gram, codes, penalty, tolerance, steps):
    """FISTA with a restart, all rows at once, until none moves by more than `tolerance` of its largest entry."""
    steepest = np.linalg.eigvalsh(gram)[-1]
    ahead, t = codes.copy(), np.ones((len(codes), 1))
    for _ in range(steps):
        moved = ahead - (ahead @ gram - cross) / steepest
        new = np.sign(moved) * np.maximum(np.abs(moved) - penalty / steepest, 0)
        step = new - codes
        t = np.where(((ahead - new) * step).sum(1, keepdims=True) > 0, 1.0, t)
        t_new = (1 + np.sqrt(1 + 4 * t * t)) / 2
        ahead = new + (t - 1) / t_new * step
        codes, t = new, t_new
        if np.all(np.abs(step).max(1) <= tolerance * np.abs(codes).max(1)):
            break
    return codes


def coupled_dictionaries(atoms=64, rounds=5, penalty=0.05):
    """Codes by FISTA, then atoms one by one, both dictionaries from the same codes."""
    x, labels, s = rows("x"), rows("labels", "<u4"), rows("s")
    short = lambda v: v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1.0)

    def call():
        wide, z = x.astype(np.float64), s.astype(np.float64)[labels]
        both = np.hstack([wide, z])
        dx, dz = short(wide[:atoms]), short(z[:atoms])
        codes = np.zeros((len(wide), atoms))
        for _ in range(rounds):
            joined = np.hstack([dx, dz])
            codes = sparse_codes(both @ joined.T, joined @ joined.T, codes, penalty, 1e-4, 200)
            by_codes, squares = codes.T @ both, codes.T @ codes
            for d, cross in [(dx, by_codes[:, : wide.shape[1]]), (dz, by_codes[:, wide.shape[1] :])]:
                for j in range(atoms):
                    if squares[j, j] > 0:
                        d[j] += (cross[j] - squares[j] @ d) / squares[j, j]
                        d[j] /= max(1.0, np.linalg.norm(d[j]))
        return dx

    seconds, found = fastest(call)
    write(found, "<f8")
    return seconds


def detection():
    """Windows 8 pixels apart at sizes 1.05 apart, none over the edge; OpenCV's people detector has the weights."""
    import cv2

    cv2.setNumThreads(THREADS)
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(cv2.HOGDescriptor_getDefaultPeopleDetector())
    grey = rows("picture", "u1")
    look = lambda: hog.detectMultiScale(grey, winStride=(8, 8), padding=(0, 0), scale=1.05)
    seconds, _ = fastest(lambda: [look() for _ in range(10)])
    windows, scale = 0, 1.0
    while (width := round(grey.shape[1] / scale)) >= 64 and (height := round(grey.shape[0] / scale)) >= 128:
        windows += ((width - 64) // 8 + 1) * ((height - 128) // 8 + 1)
        scale *= 1.05
    write(np.array([windows]), "<f8")
    return seconds


def pictures_of(function, inputs):
    """Threads go over pictures; a row a picture. OpenCV and onnxruntime let go of the interpreter."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(THREADS) as pool:
        seconds, found = fastest(lambda: list(pool.map(function, inputs)))
    write(np.stack([row.ravel() for row in found]), "<f4")
    return seconds


def hog():
    from skimage.feature import hog

    return pictures_of(lambda picture: hog(picture, 9, (8, 8), (2, 2), "L2-Hys"), rows("pictures", "u1"))


def hog_opencv():
    import cv2

    cv2.setNumThreads(1)
    pictures = rows("pictures", "u1")
    descriptor = cv2.HOGDescriptor(pictures.shape[:0:-1], (16, 16), (8, 8), (8, 8), 9)
    return pictures_of(descriptor.compute, pictures)


def jpeg():
    import cv2

    cv2.setNumThreads(1)
    side = (SHAPES["side"],) * 2
    files = [np.frombuffer(path.read_bytes(), np.uint8) for path in sorted(FOLDER.glob("*.jpg"))]
    read = lambda file: cv2.resize(cv2.imdecode(file, cv2.IMREAD_COLOR), side, interpolation=cv2.INTER_AREA)
    return pictures_of(lambda file: read(file)[..., ::-1], files)


def efficientnet():
    """The shipped weights in float32, batch normalisations folded; the best of four batches."""
    import onnxruntime

    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "crates" / "efficientnet" / "scripts"))
    from checkpoint import onnx_model
    from loss import shipped

    pixels = ((rows("pictures", "u1").astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2)
    pixels = np.ascontiguousarray(pixels)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    model = onnx_model(shipped()).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def call(batch):
        parts = [session.run(["features"], {"pixels": pixels[at : at + batch]})[0] for at in range(0, len(pixels), batch)]
        return np.concatenate(parts)

    runs = [fastest(lambda batch=batch: call(batch)) for batch in (1, 4, 8, 20)]
    seconds, found = min(runs, key=lambda run: run[0])
    write(found, "<f4")
    return seconds


def minilm():
    """Tokens are ready and pooling does not count. Sentences go by length into batches of 32, or of as many as have
    256 tokens, as ours do, filled up to the longest: whichever is faster."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "crates/text/tests/golden"))
    import bert_onnx
    import safetensors.numpy

    model = FOLDER / "model"
    tensors = safetensors.numpy.load_file(model / "model.safetensors")
    built = bert_onnx.build(json.loads((model / "config.json").read_text()), tensors)
    session = bert_onnx.session(built, THREADS)
    ids, starts = rows("ids", "<u4"), rows("starts", "<u4")
    sentences = [ids[a:b] for a, b in zip(starts, starts[1:])]
    order = sorted(range(len(sentences)), key=lambda at: -len(sentences[at]))

    def batches(full):
        batch = []
        for at in order:
            if batch and full(batch, at):
                yield batch
                batch = []
            batch.append(at)
        yield batch

    def filled(batch):
        tokens = np.zeros((len(batch), len(sentences[batch[0]])), np.int64)
        mask = np.zeros_like(tokens)
        for row, at in enumerate(batch):
            tokens[row, : len(sentences[at])], mask[row, : len(sentences[at])] = sentences[at], 1
        return {"input_ids": tokens, "attention_mask": mask}

    ways = [
        lambda batch, at: len(batch) == 32,
        lambda batch, at: sum(len(sentences[i]) for i in [*batch, at]) > 256,
    ]
    best = None
    for full in ways:
        parts = list(batches(full))
        given = [filled(part) for part in parts]
        seconds, found = fastest(lambda: [session.run(None, feed)[0] for feed in given])
        if best is None or seconds < best[0]:
            best = seconds, parts, found
    seconds, parts, found = best
    pooled = np.empty((len(sentences), found[0].shape[-1]))
    for part, hidden in zip(parts, found):
        for at, row in zip(part, hidden):
            mean = row[: len(sentences[at])].astype(np.float64).mean(axis=0)
            pooled[at] = mean / np.linalg.norm(mean)
    write(pooled, "<f4")
    return seconds


seconds = globals()[TASK.replace("-", "_")]()
module = {"scipy": "scipy", "numpy": "numpy", "skada": "skada", "faiss": "faiss", "gensim": "gensim",
          "opencv": "cv2", "pot": "ot", "scikit-learn": "sklearn", "scikit-image": "skimage",
          "onnxruntime": "onnxruntime"}[PEER]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
version = sys.modules[module].__version__
print(json.dumps({"seconds": seconds, "peak_mb": peak, "version": version}))
