"""Makes tests/golden/bert/, bert-cls/ and distilbert/: small models with random weights, each as safetensors and as
ONNX, the rows that ONNX Runtime gives and the tokens that the library `tokenizers` gives.

The ONNX files differ as those on the hub do: recent operators in the folder `onnx`; version 14, with segments, beside
the other files; and with the mean over tokens inside.

python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 \
    tokenizers==0.23.3 safetensors==0.8.0
/tmp/venv/bin/python tests/golden/bert.py        # seed 7
"""

import json
import pathlib

import numpy as np
import safetensors.numpy
import tokenizers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

import bert_onnx

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(7)

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES += [c for c in "abcdefghijklmnopqrstuvwxyz0123456789!?.,'\"-#@()$%&*/:;<>=+_~"]
PIECES += ["##" + c for c in "abcdefghijklmnopqrstuvwxyz0123456789"]
PIECES += """the guest bed for every ##ing ##ed ##s ##er was is it ##ly great film good not film ##making
un ##able naïve naive cafe strasse β α ##β 中 国 日 и ру ##с é ##fi ##nd a ##b ab abc ##bc ##c""".split()
PIECES = list(dict.fromkeys(PIECES))

SENTENCES = [
    "The guest was not able.",
    "Every bed is for every guest!",
    "a",
    "filmmaking, unable; naïve CAFÉ Strasse straße",
    "It's a GREAT film\tand\u00a0it isn't\r\n the best?!",
    "中国 film 日本 русс",
    "abcabcabb abc ab a",
    "x" * 101 + " guest",
    "x" * 100 + " guest",
    "[MASK] is [CLS]the[SEP] bed [PAD]",
    "zero\u200bwidth \u0007bell \ufffd replaced \u00adsoft",
    "“curly” — dash… ¿qué? ‘x’",
    "İstanbul ǅ ﬁnd Ⅳ ½ ㎏",
    "e\u0301 é ê ñ ü ø ß Å",
    "🙂 guest 👩‍👩‍👧 🫠 ❤️",
    "한국어 ไทย عربى हिन्दी",
    "a_b~c`d^e|f<g>h=i+j$k",
    "  spaces   everywhere  ",
    "##ing ing ##",
    "the " * 40,
]


def tokenizer():
    made = Tokenizer(models.WordPiece({p: i for i, p in enumerate(PIECES)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return made


def normal(*shape, scale=0.2):
    return (RNG.standard_normal(shape) * scale).astype(np.float32)


def model(config):
    distil = config["model_type"] == "distilbert"
    hidden, inner = (config[k] for k in (("dim", "hidden_dim") if distil else ("hidden_size", "intermediate_size")))
    tensors = {
        "embeddings.word_embeddings.weight": normal(len(PIECES), hidden, scale=0.5),
        "embeddings.position_embeddings.weight": normal(config["max_position_embeddings"], hidden, scale=0.3),
    }
    if not distil:
        tensors["embeddings.token_type_embeddings.weight"] = normal(2, hidden)

    def linear(name, inputs, outputs):
        tensors[name + ".weight"] = normal(outputs, inputs, scale=1.5 / np.sqrt(inputs))
        tensors[name + ".bias"] = normal(outputs)

    def norm(name):
        tensors[name + ".weight"] = 1 + normal(hidden)
        tensors[name + ".bias"] = normal(hidden)

    norm("embeddings.LayerNorm")
    for i in range(config["n_layers" if distil else "num_hidden_layers"]):
        if distil:
            at = f"transformer.layer.{i}."
            for part in "qkv":
                linear(f"{at}attention.{part}_lin", hidden, hidden)
            linear(at + "attention.out_lin", hidden, hidden)
            norm(at + "sa_layer_norm")
            linear(at + "ffn.lin1", hidden, inner)
            linear(at + "ffn.lin2", inner, hidden)
            norm(at + "output_layer_norm")
        else:
            at = f"encoder.layer.{i}."
            for part in ("query", "key", "value"):
                linear(f"{at}attention.self.{part}", hidden, hidden)
            linear(at + "attention.output.dense", hidden, hidden)
            norm(at + "attention.output.LayerNorm")
            linear(at + "intermediate.dense", hidden, inner)
            linear(at + "output.dense", inner, hidden)
            norm(at + "output.LayerNorm")
    return tensors


def write(folder, config, pooling, unit, prefix, most, file, **graph):
    folder.mkdir(exist_ok=True)
    tensors = model(config)
    dump = lambda name, value: (folder / name).write_text(json.dumps(value, indent=1) + "\n")
    dump("config.json", config)
    made = tokenizer()
    # As a published model has it: settings that do not matter to sentences are there all the same.
    value = json.loads(made.to_str())
    value["truncation"] = {"max_length": 128, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    value["padding"] = {"strategy": {"Fixed": 128}, "direction": "Right", "pad_to_multiple_of": None,
                        "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
    dump("tokenizer.json", value)
    safetensors.numpy.save_file({prefix + n: t for n, t in tensors.items()}, folder / "model.safetensors")
    if pooling:
        (folder / "1_Pooling").mkdir(exist_ok=True)
        dump("sentence_bert_config.json", {"max_seq_length": most, "do_lower_case": False})
        modules = [("", "Transformer"), ("1_Pooling", "Pooling")] + ([("2_Normalize", "Normalize")] if unit else [])
        dump("modules.json", [
            {"idx": i, "name": str(i), "path": p, "type": "sentence_transformers.models." + t}
            for i, (p, t) in enumerate(modules)
        ])
        dump("1_Pooling/config.json", {
            "word_embedding_dimension": 32,
            "pooling_mode_cls_token": pooling == "cls",
            "pooling_mode_mean_tokens": pooling == "mean",
            "pooling_mode_max_tokens": pooling == "max",
            "pooling_mode_mean_sqrt_len_tokens": False,
        })
    encoded = [made.encode(s) for s in SENTENCES]
    whole = [e.ids for e in encoded]
    cut = [ids if len(ids) <= most else ids[: most - 1] + [3] for ids in whole]
    built = bert_onnx.build(config, tensors, **graph)
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_bytes(built.SerializeToString())
    rows = bert_onnx.hidden(bert_onnx.session(built), cut)
    pool = {"mean": lambda r: r.mean(0), None: lambda r: r, "cls": lambda r: r[0]}
    pooled = [pool[pooling](r.astype(np.float64)) for r in rows]
    if unit:
        pooled = [r / np.linalg.norm(r) for r in pooled]
    number = lambda x: float(f"{x:.7g}")
    dump("expected.json", {
        "made_by": f"onnxruntime {__import__('onnxruntime').__version__}, tokenizers {tokenizers.__version__}",
        "sentences": SENTENCES,
        "ids": whole,
        "most": most,
        "rows": [[number(x) for x in r] for r in pooled],
    })


BERT = dict(model_type="bert", hidden_act="gelu", hidden_size=32, intermediate_size=64, num_attention_heads=4,
            num_hidden_layers=2, max_position_embeddings=128, type_vocab_size=2, vocab_size=len(PIECES),
            layer_norm_eps=1e-12)
DISTIL = dict(model_type="distilbert", activation="gelu", dim=32, hidden_dim=64, n_heads=2, n_layers=2,
              max_position_embeddings=128, vocab_size=len(PIECES))
write(HERE / "bert", BERT, "mean", True, "", 24, "onnx/model.onnx")
write(HERE / "bert-cls", BERT, "cls", False, "bert.", 64, "model.onnx", old=True)
write(HERE / "distilbert", DISTIL, None, False, "distilbert.", 128, "model.onnx", pooled=True)
