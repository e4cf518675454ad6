//! BERT models in files of the format ONNX.

use std::path::{Path, PathBuf};

use ndarray::{Array2, ArrayView3, Axis, s};
use procrust_onnx::{Floats, Network, Port, Tensor};
use serde_json::Value;

use super::{Bert, Pooling, folder::Folder, reading::Reading};
use crate::{Encode, Encoded, TextError};

const NEEDS: &str = "`tokenizer.json` and `model.onnx` or `onnx/model.onnx`";

/// Tokens of a sentence that are read where no file says.
const MOST_TOKENS: usize = 512;

/// What outputs with the rows of tokens are called: by `transformers` and by `sentence-transformers`.
const OUTPUTS: [&str; 2] = ["last_hidden_state", "token_embeddings"];

/// A model of the BERT family in a file of the format ONNX as an encoder of sentences.
///
/// The network is run by `rten`. Its inputs are `input_ids`, `attention_mask` and, if it has it, `token_type_ids`,
/// each sentences × tokens; its output `last_hidden_state`, `token_embeddings` or, if neither is there, the first: sentences ×
/// tokens × columns, which are pooled, or sentences × columns. Any architecture will do whose tokenizer is a
/// WordPiece. Sentences of a batch are filled up to the longest.
///
/// [`Bert`] runs the same model from `model.safetensors`, several times as fast.
#[derive(Debug)]
pub struct OnnxBert {
    path: PathBuf,
    reading: Reading,
    network: Network,
    inputs: Vec<(Port, Given)>,
    output: Port,
    dimensions: usize,
}

/// What an input is given.
#[derive(Debug, Clone, Copy)]
enum Given {
    Ids,
    Mask,
    Segments,
}

impl OnnxBert {
    /// Opens a folder as the Hugging Face hub lays it out, or an `.onnx` file in such a folder or in its folder
    /// `onnx`.
    ///
    /// A folder needs `model.onnx` or `onnx/model.onnx`, and `tokenizer.json`. `modules.json`, `1_Pooling/config.json`
    /// and `sentence_bert_config.json` are read as [`Bert::open`] does, and `config.json` for `vocab_size` and
    /// `max_position_embeddings`, if they are there.
    ///
    /// # Errors
    ///
    /// [`TextError::Missing`] when a file is not there, [`TextError::Network`] when the network cannot be loaded, has an
    /// operator that is not supported or does not run on two sentences, [`TextError::Setting`] when its inputs or its
    /// output are not those above, [`TextError::Vocabulary`] when the tokenizer does not fit `config.json`.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TextError> {
        let path = path.as_ref();
        let folder = match path.is_file() {
            true => of_file(path),
            false => path,
        };
        let folder = Folder { path: folder, needs: NEEDS };
        let path = match path.is_file() {
            true => path.to_owned(),
            false => folder.find(&["model.onnx", "onnx/model.onnx"])?,
        };
        folder.find(&["tokenizer.json"])?;
        let config = folder.json("config.json")?.map(|(_, config)| config).unwrap_or_default();
        let count = |key: &str| -> Option<usize> {
            config.get(key).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok())
        };
        let reading = folder.reading(count("max_position_embeddings").unwrap_or(MOST_TOKENS))?;
        count("vocab_size").map_or(Ok(()), |rows| reading.check(rows))?;

        let broken = |cause| TextError::Network { path: path.clone(), cause: Box::new(cause) };
        let network = Network::open(&path).map_err(broken)?;
        let inputs = inputs(&path, &network)?;
        let outputs = network.outputs();
        let named = |name: &&str| outputs.iter().find(|output| output.name() == *name);
        let output = OUTPUTS.iter().find_map(named).or(outputs.first()).cloned();
        let output = output.ok_or_else(|| TextError::Setting {
            what: format!("{}: outputs", path.display()),
            expected: "one with rows of tokens".into(),
            found: "none".into(),
        })?;
        let mut model = Self { path, reading, network, inputs, output, dimensions: 0 };
        // Of different lengths, and with the piece that has the highest number.
        let mut longer = model.reading.tokens("a b").ids;
        longer.push(model.reading.pieces.highest().1);
        model.dimensions = model.run(&[&longer, &longer[..2]])?.ncols();
        Ok(model)
    }

    /// How rows of tokens become one.
    #[must_use]
    pub fn pooling(&self) -> Pooling {
        self.reading.pooling
    }

    /// Whether rows have length 1.
    #[must_use]
    pub fn unit_rows(&self) -> bool {
        self.reading.unit
    }

    /// Tokens of a sentence that are read at most, with the marks of start and end.
    #[must_use]
    pub fn most_tokens(&self) -> usize {
        self.reading.most_tokens
    }

    /// The rows of some sentences by their tokens.
    fn run(&self, batch: &[&[u32]]) -> Result<Array2<f32>, TextError> {
        let longest = batch.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let shape = [batch.len(), longest];
        let filled = |of: &dyn Fn(u32) -> i32| {
            let mut values = vec![0; batch.len() * longest];
            for (row, ids) in values.chunks_exact_mut(longest.max(1)).zip(batch) {
                row.iter_mut().zip(*ids).for_each(|(value, &id)| *value = of(id));
            }
            Tensor::integers(&shape, values)
        };
        let given = |given: Given| match given {
            Given::Ids => filled(&|id| id.cast_signed()),
            Given::Mask => filled(&|_| 1),
            Given::Segments => filled(&|_| 0),
        };
        let given = self.inputs.iter().map(|(port, kind)| (port, given(*kind))).collect();
        let Floats { shape, values } = self.network.run(given, &self.output).map_err(|cause| {
            TextError::Network { path: self.path.clone(), cause: Box::new(cause) }
        })?;
        let unlike = |shape: &[usize]| TextError::Setting {
            what: format!("{}: the shape of `{}`", self.path.display(), self.output.name()),
            expected: format!(
                "[{0}, {longest}, columns] or [{0}, columns] for {0} sentences of at most {longest} tokens",
                batch.len()
            ),
            found: format!("{shape:?}"),
        };
        match shape[..] {
            [sentences, tokens, width] if [sentences, tokens] == [batch.len(), longest] => {
                let rows = ArrayView3::from_shape((sentences, tokens, width), &values)
                    .expect("there are as many values as the shape says");
                let mut pooled = Array2::zeros((sentences, width));
                for ((rows, ids), row) in
                    rows.outer_iter().zip(batch).zip(pooled.axis_iter_mut(Axis(0)))
                {
                    self.reading.pool(rows.slice(s![..ids.len(), ..]), row);
                }
                Ok(pooled)
            }
            [sentences, width] if sentences == batch.len() => {
                let mut rows = Array2::from_shape_vec((sentences, width), values)
                    .expect("there are as many values as the shape says");
                rows.axis_iter_mut(Axis(0)).for_each(|row| self.reading.finish(row));
                Ok(rows)
            }
            _ => Err(unlike(&shape)),
        }
    }
}

impl Encode for OnnxBert {
    fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// A sentence without a token is [`TextError::Empty`]; one that is too long is cut and counted.
    fn encode(&self, sentences: &[&str]) -> Result<Encoded, TextError> {
        self.reading.encode(sentences, self.dimensions, |(), batch: &[&[u32]]| {
            let rows = self.run(batch)?;
            match rows.ncols() == self.dimensions {
                true => Ok(rows),
                false => Err(TextError::Size {
                    what: "columns of the network's output",
                    expected: self.dimensions,
                    found: rows.ncols(),
                }),
            }
        })
    }
}

/// The folder that a file of a network belongs to.
fn of_file(path: &Path) -> &Path {
    let folder = match path.parent() {
        None => Path::new("."),
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
    };
    match folder.parent() {
        Some(above) if folder.ends_with("onnx") && !folder.join("tokenizer.json").is_file() => {
            match above.as_os_str().is_empty() {
                true => Path::new("."),
                false => above,
            }
        }
        _ => folder,
    }
}

fn inputs(path: &Path, network: &Network) -> Result<Vec<(Port, Given)>, TextError> {
    let ports = network.inputs();
    let given = |port: &Port| match port.name() {
        "input_ids" => Some((port.clone(), Given::Ids)),
        "attention_mask" => Some((port.clone(), Given::Mask)),
        "token_type_ids" => Some((port.clone(), Given::Segments)),
        _ => None,
    };
    let known: Vec<(Port, Given)> = ports.iter().filter_map(given).collect();
    let has = |name: &str| known.iter().any(|(port, _)| port.name() == name);
    if known.len() != ports.len() || !has("input_ids") || !has("attention_mask") {
        let found: Vec<String> = ports.iter().map(|port| format!("`{}`", port.name())).collect();
        return Err(TextError::Setting {
            what: format!("{}: inputs", path.display()),
            expected: "`input_ids`, `attention_mask` and at most `token_type_ids`".into(),
            found: found.join(", "),
        });
    }
    if let Some((port, _)) = known.iter().find(|(port, _)| {
        port.shape().is_some_and(|axes| axes.len() != 2 || axes.iter().any(Option::is_some))
    }) {
        let axes = port.shape().unwrap_or_default().iter();
        let axes: Vec<String> =
            axes.map(|axis| axis.map_or("any".to_owned(), |length| length.to_string())).collect();
        return Err(TextError::Setting {
            what: format!("{}: the shape of `{}`", path.display(), port.name()),
            expected: "two axes of any length, sentences × tokens".into(),
            found: format!("[{}]", axes.join(", ")),
        });
    }
    Ok(known)
}

/// Opens a model of the BERT family: a folder with `model.safetensors` as [`Bert`], another or an `.onnx` file as
/// [`OnnxBert`].
///
/// # Errors
///
/// Those of [`Bert::open`] and of [`OnnxBert::open`]; of a folder with neither file, those of the former.
pub fn open(path: impl AsRef<Path>) -> Result<Box<dyn Encode>, TextError> {
    let path = path.as_ref();
    let has = |name: &str| path.join(name).is_file();
    let onnx = has("model.onnx") || has("onnx/model.onnx");
    Ok(match path.is_file() || onnx && !has("model.safetensors") {
        true => Box::new(OnnxBert::open(path)?),
        false => Box::new(Bert::open(path)?),
    })
}
