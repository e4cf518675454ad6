use std::path::PathBuf;

/// Why sentences could not become rows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// A folder without a file that a model needs.
    #[error(
        "{} has no `{missing}`: a model's folder needs {needs}; found {found}",
        folder.display()
    )]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// The file that is not there.
        missing: &'static str,
        /// What such a folder needs.
        needs: &'static str,
        /// What is there.
        found: String,
    },
    /// A file or folder could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A file is not the JSON that it should be.
    #[error("{what} is not what it should be")]
    Json {
        /// The file.
        what: String,
        /// Where, and what was expected.
        #[source]
        cause: serde_json::Error,
    },
    /// A setting of a model that has no sense or is not supported.
    #[error("{what}: expected {expected}, found {found}")]
    Setting {
        /// The file and the key.
        what: String,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A model of another family.
    #[error(
        "{what}: the architecture `{found}` is not supported; supported are `bert` and `distilbert`"
    )]
    Architecture {
        /// The file.
        what: String,
        /// The family.
        found: String,
    },
    /// A file of weights that safetensors cannot read.
    #[error("{what} is no safetensors file")]
    Safetensors {
        /// The file.
        what: String,
        /// Why.
        #[source]
        cause: safetensors::SafeTensorError,
    },
    /// A network in a file that cannot be loaded or run.
    #[error("cannot run the network {}", path.display())]
    Network {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A tensor that the model needs is not there.
    #[error("there is no tensor `{name}` ({shape:?}); found {found} tensors, such as {like}")]
    NoTensor {
        /// Its name.
        name: String,
        /// The shape that it should have.
        shape: Vec<usize>,
        /// How many there are.
        found: usize,
        /// Names that are there.
        like: String,
    },
    /// A tensor of another shape than the configuration asks for.
    #[error("tensor `{name}`: expected the shape {expected:?}, found {found:?}")]
    Shape {
        /// Its name.
        name: String,
        /// The shape by `config.json`.
        expected: Vec<usize>,
        /// The shape that it has.
        found: Vec<usize>,
    },
    /// A tensor of numbers that are not supported.
    #[error("tensor `{name}`: expected F32, F16 or BF16, found {found}")]
    NumberType {
        /// Its name.
        name: String,
        /// Its type.
        found: String,
    },
    /// A tokenizer with more pieces than the model has rows.
    #[error(
        "the tokenizer does not fit the model: its piece `{piece}` has the number {id}, and the \
         model has vectors for {rows} pieces"
    )]
    Vocabulary {
        /// The first piece without a row.
        piece: String,
        /// Its number.
        id: u32,
        /// Rows of the model.
        rows: usize,
    },
    /// A sentence without a single token.
    #[error("line {line}: expected a sentence, found an empty one")]
    Empty {
        /// Which sentence, counted from 1.
        line: usize,
    },
    /// A sentence whose row is not finite: weights that hold NaN or an infinity.
    #[error("line {line}: the embedding holds a value that is not finite")]
    NonFinite {
        /// Which sentence, counted from 1.
        line: usize,
    },
    /// Rows that do not fit.
    #[error("{what}: expected {expected}, found {found}")]
    Size {
        /// What does not fit.
        what: &'static str,
        /// How many were expected.
        expected: usize,
        /// How many there were.
        found: usize,
    },
}
