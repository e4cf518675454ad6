//! How sentences become rows.

use std::path::{Path, PathBuf};

use serde_json::json;

use procrust_runner::{Place, PlanError, Table, unknown};

use crate::shared::parts::{Labelled, Settings, WordSource};

/// How sentences become rows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EncoderPlan {
    /// A weighted mean of word vectors.
    Mean {
        /// The word vectors.
        words: WordSource,
        /// `a` in the weight `a / (a + p(word))`; plain means when `None`.
        smoothing: Option<f64>,
    },
    /// Smooth inverse frequency, the first components taken out.
    Sif {
        /// The word vectors.
        words: WordSource,
        /// `a` in the weight `a / (a + p(word))`.
        smoothing: f64,
        /// Components that are taken out.
        components: usize,
    },
    /// The encoder that ships.
    MiniLm,
    /// A BERT or DistilBERT model in a folder.
    Bert {
        /// The folder.
        model: PathBuf,
    },
    /// A model of the BERT family in a file of the format ONNX.
    Onnx {
        /// The file or its folder.
        model: PathBuf,
    },
}

impl EncoderPlan {
    const NAMES: [&'static str; 5] = ["mean", "sif", "minilm", "bert", "onnx"];

    /// Whether it has weights that can be trained on.
    #[must_use]
    pub fn can_be_tuned(&self) -> bool {
        matches!(self, Self::MiniLm | Self::Bert { .. })
    }

    /// The words of an encoder of this name.
    fn of(name: &str, place: &Place, folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        Ok(match name {
            "mean" => Self::Mean {
                words: WordSource::parse(folder, table)?,
                smoothing: table.number("smoothing", 0.0)?.filter(|a| *a > 0.0),
            },
            "sif" => Self::Sif {
                words: WordSource::parse(folder, table)?,
                smoothing: table.number("smoothing", 1e-9)?.unwrap_or(1e-3),
                components: table.count("components", 0)?.unwrap_or(1),
            },
            "minilm" => Self::MiniLm,
            "bert" => {
                let (model, place) = table.text("model")?;
                let model = folder.join(model);
                if !model.is_dir() {
                    let found = model.display();
                    return Err(place.error(format!("model: expected a folder, found {found}")));
                }
                Self::Bert { model }
            }
            "onnx" => {
                let (model, place) = table.text("model")?;
                let model = folder.join(model);
                if !model.exists() {
                    let found = model.display();
                    let message = "model: expected an ONNX file or its folder, there is no";
                    return Err(place.error(format!("{message} {found}")));
                }
                Self::Onnx { model }
            }
            other => return Err(place.error(unknown("encoder", other, &Self::NAMES))),
        })
    }

    /// An `[[encoder]]` table: its `name` and what belongs to it.
    pub(crate) fn parse(folder: &Path, mut table: Table) -> Result<Self, PlanError> {
        let (name, place) = table.text("name")?;
        let plan = Self::of(&name, &place, folder, &mut table)?;
        table.finish()?;
        Ok(plan)
    }

    /// The table `[sentences]`, in which `encoder` may be left out: `mean`.
    pub(crate) fn parse_sentences(folder: &Path, mut table: Table) -> Result<Self, PlanError> {
        let (name, place) = match table.optional_text("encoder")? {
            Some(named) => named,
            None => ("mean".to_owned(), table.place()),
        };
        let plan = Self::of(&name, &place, folder, &mut table)?;
        table.finish()?;
        Ok(plan)
    }
}

impl Labelled for EncoderPlan {
    fn name(&self) -> &'static str {
        match self {
            Self::Mean { .. } => "mean",
            Self::Sif { .. } => "sif",
            Self::MiniLm => "minilm",
            Self::Bert { .. } => "bert",
            Self::Onnx { .. } => "onnx",
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        match self {
            Self::Mean { words, smoothing } => {
                settings.insert("words".into(), json!(words.default_name()));
                settings.extend(smoothing.map(|a| ("smoothing".into(), json!(a))));
            }
            Self::Sif { words, smoothing, components } => {
                settings.insert("words".into(), json!(words.default_name()));
                settings.insert("smoothing".into(), json!(smoothing));
                settings.insert("components".into(), json!(components));
            }
            Self::MiniLm => {}
            Self::Bert { model } | Self::Onnx { model } => {
                let name = model.file_name().map(|name| name.to_string_lossy().into_owned());
                settings.insert("model".into(), json!(name));
            }
        }
        settings
    }
}
