//! A model's folder, as the Hugging Face hub lays it out.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{
    WordPiece,
    config::{self, Module},
    reading::Reading,
};
use crate::TextError;

/// A folder, and what it needs to be a model's.
pub(super) struct Folder<'a> {
    pub(super) path: &'a Path,
    /// In the words of an error.
    pub(super) needs: &'static str,
}

impl Folder<'_> {
    /// The first of some files that is there; an error that names the first.
    pub(super) fn find(&self, any_of: &[&'static str]) -> Result<PathBuf, TextError> {
        let mut paths = any_of.iter().map(|name| self.path.join(name));
        match paths.find(|path| path.is_file()) {
            Some(path) => Ok(path),
            None => Err(TextError::Missing {
                folder: self.path.to_owned(),
                missing: any_of[0],
                needs: self.needs,
                found: self.contents()?,
            }),
        }
    }

    /// A file, and its name for errors.
    pub(super) fn read(&self, name: impl AsRef<Path>) -> Result<(String, Vec<u8>), TextError> {
        let path = self.path.join(name);
        let bytes =
            std::fs::read(&path).map_err(|cause| TextError::Read { path: path.clone(), cause })?;
        Ok((path.display().to_string(), bytes))
    }

    /// The JSON in a file, and the file's name for errors; `None` if there is no such file.
    pub(super) fn json(&self, name: &str) -> Result<Option<(String, Value)>, TextError> {
        if !self.path.join(name).is_file() {
            return Ok(None);
        }
        let (what, json) = self.read(name)?;
        match serde_json::from_slice(&json) {
            Ok(value) => Ok(Some((what, value))),
            Err(cause) => Err(TextError::Json { what, cause }),
        }
    }

    /// What `tokenizer.json` and the files beside it say of reading and pooling, for so many places.
    pub(super) fn reading(&self, positions: usize) -> Result<Reading, TextError> {
        let (what, tokenizer) = self.read("tokenizer.json")?;
        let mut reading = Reading::new(WordPiece::parse(&what, &tokenizer)?, positions);
        if let Some((_, settings)) = self.json("sentence_bert_config.json")? {
            let most = settings.get("max_seq_length").and_then(Value::as_u64);
            if let Some(most) = most.and_then(|most| usize::try_from(most).ok()) {
                reading = reading.with_most_tokens(most);
            }
        }
        let Some((what, modules)) = self.json("modules.json")? else { return Ok(reading) };
        let modules: Vec<Module> = serde_json::from_value(modules)
            .map_err(|cause| TextError::Json { what: what.clone(), cause })?;
        for module in modules {
            match module.r#type.rsplit('.').next().unwrap_or_default() {
                "Transformer" => {}
                "Pooling" => {
                    let (what, json) = self.read(Path::new(&module.path).join("config.json"))?;
                    reading.pooling = config::pooling(&what, &json)?;
                }
                "Normalize" => reading.unit = true,
                _ => {
                    return Err(TextError::Setting {
                        what: format!("{what}: type of module {}", module.idx),
                        expected: "`Transformer`, `Pooling` or `Normalize`".into(),
                        found: format!("`{}`", module.r#type),
                    });
                }
            }
        }
        Ok(reading)
    }

    /// What is there.
    fn contents(&self) -> Result<String, TextError> {
        let read = |cause| TextError::Read { path: self.path.to_owned(), cause };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.path).map_err(read)? {
            names.push(format!("`{}`", entry.map_err(read)?.file_name().display()));
        }
        names.sort_unstable();
        Ok(match names.len() {
            0 => "nothing".to_owned(),
            1..=10 => names.join(", "),
            more => format!("{} and {} more", names[..10].join(", "), more - 10),
        })
    }
}
