"""A BERT or DistilBERT encoder as an ONNX graph, from `config.json` and tensors. Used by the scripts beside it.

The graph gives the rows of all tokens ("last_hidden_state", batch × tokens × columns) for "input_ids" and
"attention_mask". With `old`, operators are those of ONNX's version 14, as `torch.onnx` exports them, and there is an
input "token_type_ids". With `pooled`, the output is "sentence_embedding", the mean over a sentence's tokens.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def build(config, tensors, old=False, pooled=False):
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
        # rten keeps nodes and values under their names together.
        nodes.append(helper.make_node(kind, inputs, [output], name=output + "/node", **attributes))
        return output

    def linear(x, name, out):
        weight = constant(name + ".w", tensors[name + ".weight"].T.astype(np.float32))
        bias = constant(name + ".b", tensors[name + ".bias"].astype(np.float32))
        return node("Add", [node("MatMul", [x, weight], out + ".product"), bias], out)

    def norm(x, name, out):
        scale = constant(name + ".s", tensors[name + ".weight"].astype(np.float32))
        bias = constant(name + ".b", tensors[name + ".bias"].astype(np.float32))
        if not old:
            return node("LayerNormalization", [x, scale, bias], out, axis=-1, epsilon=epsilon)
        mean = node("ReduceMean", [x], out + ".mean", axes=[-1])
        x = node("Sub", [x, mean], out + ".centred")
        variance = node("ReduceMean", [node("Pow", [x, two], out + ".squares")], out + ".variance", axes=[-1])
        deviation = node("Sqrt", [node("Add", [variance, small], out + ".more")], out + ".deviation")
        x = node("Mul", [node("Div", [x, deviation], out + ".unit"), scale], out + ".scaled")
        return node("Add", [x, bias], out)

    def gelu(x, out):
        if not old:
            return node("Gelu", [x], out, approximate="none")
        erf = node("Erf", [node("Div", [x, root], out + ".part")], out + ".erf")
        return node("Mul", [node("Mul", [x, node("Add", [erf, one], out + ".sum")], out + ".twice"), half], out)

    names = dict(
        layer="transformer.layer", q="attention.q_lin", k="attention.k_lin", v="attention.v_lin",
        o="attention.out_lin", n1="sa_layer_norm", up="ffn.lin1", down="ffn.lin2", n2="output_layer_norm",
    ) if distil else dict(
        layer="encoder.layer", q="attention.self.query", k="attention.self.key", v="attention.self.value",
        o="attention.output.dense", n1="attention.output.LayerNorm", up="intermediate.dense",
        down="output.dense", n2="output.LayerNorm",
    )
    one, two, half = (constant(n, np.float32(v)) for n, v in (("one", 1), ("two", 2), ("half", 0.5)))
    root, small = constant("root", np.float32(np.sqrt(2))), constant("small", np.float32(epsilon))
    pieces = constant("pieces", tensors["embeddings.word_embeddings.weight"].astype(np.float32))
    places = tensors["embeddings.position_embeddings.weight"].astype(np.float32)
    segments = None if distil else tensors["embeddings.token_type_embeddings.weight"].astype(np.float32)
    if not distil and not old:
        places = places + segments[0]
    places = constant("places", places)
    x = node("Gather", [pieces, "input_ids"], "x.pieces")
    zero, first = constant("zero", np.array([0])), constant("first", np.array([1]))
    tokens = node("Gather", [node("Shape", ["input_ids"], "shape"), first], "tokens")
    x = node("Add", [x, node("Slice", [places, zero, tokens, zero], "x.places")], "x.sum")
    inputs = ["input_ids", "attention_mask"]
    if old and not distil:
        inputs.append("token_type_ids")
        segment = node("Gather", [constant("segments", segments), "token_type_ids"], "x.segments")
        x = node("Add", [x, segment], "x.all")
    x = norm(x, "embeddings.LayerNorm", "x.0")
    mask = node("Cast", ["attention_mask"], "mask.f", to=TensorProto.FLOAT)
    weights = mask
    mask = node("Sub", [one, mask], "mask.not")
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
        y = gelu(linear(x, name("up"), f"up.{i}"), f"gelu.{i}")
        y = linear(y, name("down"), f"down.{i}")
        x = norm(node("Add", [y, x], f"down.{i}.sum"), name("n2"), f"n2.{i}")
    axes = ["batch", "tokens", hidden]
    output = "last_hidden_state"
    if pooled:
        # As a product, 1 × tokens by tokens × columns.
        output, axes = "sentence_embedding", ["batch", hidden]
        middle = constant("middle", np.array([1]))
        rows = node("MatMul", [node("Unsqueeze", [weights, middle], "mask.row"), x], "pooled.sum")
        count = node("ReduceSum", [weights, middle], "pooled.count", keepdims=1)
        x = node("Div", [node("Squeeze", [rows, middle], "pooled.row"), count], "pooled")
    nodes[-1].output[0] = output
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"]) for n in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, axes)],
        [value for name, value in constants.items() if any(name in node.input for node in nodes)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14 if old else 20)], ir_version=9)
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
    """What comes out for every sentence; one sentence a call, so that nothing is padded."""
    rows = []
    for sentence in ids:
        feed = {"input_ids": np.array([sentence]), "attention_mask": np.ones((1, len(sentence)), np.int64)}
        if any(given.name == "token_type_ids" for given in session.get_inputs()):
            feed["token_type_ids"] = np.zeros((1, len(sentence)), np.int64)
        rows.append(session.run(None, feed)[0][0])
    return rows
