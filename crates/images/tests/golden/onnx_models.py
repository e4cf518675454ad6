"""Writes ../models/ and onnx.json: tiny networks and what onnxruntime makes of a picture, for tests/onnx.rs.

    /tmp/venv/bin/pip install numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0
    /tmp/venv/bin/python onnx_models.py

`nchw.onnx`: a convolution with batch normalisation, ReLU, a depthwise convolution, ReLU6, mean, classifier.
`nhwc.onnx`: the same behind a transposition, its map given out in the order height, width, channels.
`missing.onnx`: with an operator that nobody has. `two.onnx`: with two inputs. Seed 1.
"""

import json
import pathlib

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper, save

HERE = pathlib.Path(__file__).resolve().parent
MODELS = HERE.parent / "models"
WIDTH, HEIGHT = 12, 9
MEAN, SCALE = [127.5, 120.0, 110.0], [58.0, 57.0, 60.0]
random = np.random.default_rng(1)


def constant(name, *shape, low=None):
    values = random.standard_normal(shape) * 0.5 if low is None else random.uniform(low, 1.5, shape)
    return numpy_helper.from_array(values.astype(np.float32), name)


CONSTANTS = [
    constant("w1", 6, 3, 3, 3),
    *(constant(name, 6) for name in ["gamma", "beta", "mean"]),
    constant("variance", 6, low=0.5),
    constant("w2", 6, 1, 3, 3),
    constant("b2", 6),
    constant("w3", 5, 6),
    constant("b3", 5),
    numpy_helper.from_array(np.float32(0), "zero"),
    numpy_helper.from_array(np.float32(6), "six"),
]


def nodes(source):
    return [
        helper.make_node("Conv", [source, "w1"], ["c1"], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4),
        helper.make_node("BatchNormalization", ["c1", "gamma", "beta", "mean", "variance"], ["n1"]),
        helper.make_node("Relu", ["n1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], kernel_shape=[3, 3], pads=[1] * 4, group=6),
        helper.make_node("Clip", ["c2", "zero", "six"], ["map"]),
    ]


def head():
    return [
        helper.make_node("GlobalAveragePool", ["map"], ["mean_map"]),
        helper.make_node("Flatten", ["mean_map"], ["pooled"]),
        helper.make_node("Gemm", ["pooled", "w3", "b3"], ["scores"], transB=1),
    ]


def value(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def model(name, nodes, inputs, outputs, domain=()):
    graph = helper.make_graph(nodes, name, inputs, outputs, CONSTANTS)
    opsets = [helper.make_opsetid("", 13), *domain]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    MODELS.mkdir(exist_ok=True)
    save(made, MODELS / f"{name}.onnx")
    return made


def settings(name, layout, **more):
    lines = [f"width = {WIDTH}", f"height = {HEIGHT}", f'layout = "{layout}"', f"mean = {MEAN}",
             f"scale = {SCALE}", 'framing = "whole"', *(f'{key} = "{text}"' for key, text in more.items())]
    (MODELS / f"{name}.toml").write_text("\n".join(lines) + "\n")


def main():
    y, x, c = np.mgrid[0:HEIGHT, 0:WIDTH, 0:3]
    picture = ((x * 37 + y * y * 11 + c * 71) % 256).astype(np.float32)
    pixels = ((picture - np.float32(MEAN)) / np.float32(SCALE))[None]
    nchw = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))

    plain = model("nchw", nodes("x") + head(), [value("x", [1, 3, HEIGHT, WIDTH])], [value("scores", [1, 5])])
    settings("nchw", "nchw")
    transposed = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        *nodes("t"),
        helper.make_node("Transpose", ["map"], ["out"], perm=[0, 2, 3, 1]),
    ]
    channels_last = model("nhwc", transposed, [value("x", ["n", HEIGHT, WIDTH, 3])], [value("out", None)])
    settings("nhwc", "nhwc")
    odd = [helper.make_node("Bewilder", ["x"], ["y"], "puzzle", domain="nobody")]
    model("missing", odd, [value("x", [1, 3, HEIGHT, WIDTH])], [value("y", None)], [helper.make_opsetid("nobody", 1)])
    settings("missing", "nchw")
    two = [helper.make_node("Add", ["x", "y"], ["z"])]
    model("two", two, [value(name, [1, 3, HEIGHT, WIDTH]) for name in "xy"], [value("z", None)])
    settings("two", "nchw")

    # The values inside, as outputs.
    plain.graph.output.extend([value("map", None), value("pooled", None)])
    run = lambda made: onnxruntime.InferenceSession(
        made.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    scores, map_, pooled = run(plain).run(["scores", "map", "pooled"], {"x": nchw})
    out = run(channels_last).run(["out"], {"x": pixels})[0]
    result = {
        "scores": scores[0],
        "pooled": pooled[0],
        "map_means": map_[0].mean((1, 2), dtype=np.float64),
        "nhwc_means": out[0].mean((0, 1), dtype=np.float64),
    }
    assert np.abs(result["map_means"] - result["nhwc_means"]).max() < 1e-6
    rounded = {name: [float(f"{v:.7g}") for v in values.tolist()] for name, values in result.items()}
    (HERE / "onnx.json").write_text(json.dumps(rounded) + "\n")


main()
