"""A BERT or DistilBERT encoder as an ONNX graph, from `config.json` and tensors. Used by the scripts beside it.

The graph gives the rows of all tokens ("hidden", batch × tokens × columns) for "ids" and "mask".
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def build(config, tensors):
    distil = config["model_type"] == "distilbert"
    hidden = config["dim" if distil else "hidden_size"]
    heads = config["n_heads" if distil else "num_attention_heads"]
    layers = config["n_layers" if distil else "num_hidden_layers"]
    epsilon = config.get("layer_norm_eps", 1e-12)
    size = hidden // heads
    nodes, constants = [], {}

    def constant(name, value):
        constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def linear(x, name, out):
        weight = constant(name + ".w", tensors[name + ".weight"].T.astype(np.float32))
        bias = constant(name + ".b", tensors[name + ".bias"].astype(np.float32))
        return node("Add", [node("MatMul", [x, weight], out + ".product"), bias], out)

    def norm(x, name, out):
        scale = constant(name + ".s", tensors[name + ".weight"].astype(np.float32))
        bias = constant(name + ".b", tensors[name + ".bias"].astype(np.float32))
        return node("LayerNormalization", [x, scale, bias], out, axis=-1, epsilon=epsilon)

    names = dict(
        layer="transformer.layer", q="attention.q_lin", k="attention.k_lin", v="attention.v_lin",
        o="attention.out_lin", n1="sa_layer_norm", up="ffn.lin1", down="ffn.lin2", n2="output_layer_norm",
    ) if distil else dict(
        layer="encoder.layer", q="attention.self.query", k="attention.self.key", v="attention.self.value",
        o="attention.output.dense", n1="attention.output.LayerNorm", up="intermediate.dense",
        down="output.dense", n2="output.LayerNorm",
    )
    pieces = constant("pieces", tensors["embeddings.word_embeddings.weight"].astype(np.float32))
    places = tensors["embeddings.position_embeddings.weight"].astype(np.float32)
    if not distil:
        places = places + tensors["embeddings.token_type_embeddings.weight"][0]
    places = constant("places", places)
    x = node("Gather", [pieces, "ids"], "x.pieces")
    tokens = node("Shape", ["ids"], "tokens", start=1, end=2)
    zero = constant("zero", np.array([0]))
    x = node("Add", [x, node("Slice", [places, zero, tokens, zero], "x.places")], "x.sum")
    x = norm(x, "embeddings.LayerNorm", "x.0")
    mask = node("Cast", ["mask"], "mask.f", to=TensorProto.FLOAT)
    mask = node("Sub", [constant("f1", np.float32(1)), mask], "mask.not")
    mask = node("Mul", [mask, constant("low", np.float32(-1e9))], "mask.low")
    mask = node("Unsqueeze", [mask, constant("mask.axes", np.array([1, 2]))], "mask.4")
    apart = constant("apart", np.array([0, 0, heads, size]))
    together = constant("together", np.array([0, 0, hidden]))
    scale = constant("scale", np.float32(1 / np.sqrt(size)))
    for i in range(layers):
        name = lambda part: f"{names['layer']}.{i}.{names[part]}"
        def turned(part, perm):
            y = node("Reshape", [linear(x, name(part), f"{part}.{i}"), apart], f"{part}.{i}.apart")
            return node("Transpose", [y], f"{part}.{i}.turned", perm=perm)
        q, k, v = turned("q", [0, 2, 1, 3]), turned("k", [0, 2, 3, 1]), turned("v", [0, 2, 1, 3])
        scores = node("Mul", [node("MatMul", [q, k], f"scores.{i}.raw"), scale], f"scores.{i}.scaled")
        scores = node("Softmax", [node("Add", [scores, mask], f"scores.{i}")], f"shares.{i}", axis=-1)
        y = node("Transpose", [node("MatMul", [scores, v], f"mix.{i}")], f"mix.{i}.turned", perm=[0, 2, 1, 3])
        y = linear(node("Reshape", [y, together], f"mix.{i}.together"), name("o"), f"o.{i}")
        x = norm(node("Add", [y, x], f"o.{i}.sum"), name("n1"), f"n1.{i}")
        y = node("Gelu", [linear(x, name("up"), f"up.{i}")], f"gelu.{i}", approximate="none")
        y = linear(y, name("down"), f"down.{i}")
        x = norm(node("Add", [y, x], f"down.{i}.sum"), name("n2"), f"n2.{i}")
    node("Identity", [x], "hidden")
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"]) for n in ("ids", "mask")],
        [helper.make_tensor_value_info("hidden", TensorProto.FLOAT, ["batch", "tokens", hidden])],
        list(constants.values()),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def session(model, threads=1):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def hidden(session, ids):
    """The rows of every sentence's tokens; one sentence a call, so that nothing is padded."""
    rows = []
    for sentence in ids:
        feed = {"ids": np.array([sentence]), "mask": np.ones((1, len(sentence)), np.int64)}
        rows.append(session.run(None, feed)[0][0])
    return rows
