//! The generated parts of the documentation: tables of settings, lists of methods, the JSON schema of plan files.
//!
//! A document marks such a part by `<!-- settings: NAME -->` or `<!-- methods: KIND -->` and `<!-- end -->`. A name that
//! several families have is written with its family: `lexicon/ridge`.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use procrust_classify::classifiers;
use procrust_settings::{Family, markdown_table, setting_rows, summary_of};
use serde_json::{Value, json};

use crate::{
    adaptation::methods::adaptation_methods, kinds::kinds, lexicon::methods::lexicon_methods,
};

/// The declarations of a family: each name with the JSON schema of its settings.
type Declarations = Vec<(&'static str, Value)>;

/// The families, by the word before the slash in markers.
#[must_use]
pub fn families() -> Vec<(&'static str, Declarations)> {
    fn of<T: ?Sized + 'static>(family: &Family<T>) -> Declarations {
        family.entries().iter().map(|entry| (entry.name(), entry.schema().clone())).collect()
    }
    vec![
        ("adaptation", of(&adaptation_methods())),
        ("lexicon", of(&lexicon_methods())),
        ("classifier", of(&classifiers())),
    ]
}

/// The JSON schema of plan files, by which editors complete and check them.
///
/// It has the keys that all plans share and, for each kind, the tables that name methods with their settings.
#[must_use]
pub fn plan_schema() -> Value {
    let kinds = kinds();
    let words: Vec<Value> = kinds
        .iter()
        .map(|kind| json!({ "const": kind.name(), "description": kind.about() }))
        .collect();
    let conditions: Vec<Value> = kinds
        .iter()
        .filter(|kind| !kind.tables().is_empty())
        .map(|kind| {
            let tables = kind.tables().into_iter().map(|(key, table)| {
                (key.to_owned(), json!({ "type": "array", "minItems": 1, "items": table }))
            });
            let properties: serde_json::Map<String, Value> = tables.collect();
            json!({
                "if": { "properties": { "kind": { "const": kind.name() } } },
                "then": { "properties": properties },
            })
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Procrust plan",
        "type": "object",
        "required": ["name", "kind"],
        "properties": {
            "name": { "type": "string", "minLength": 1, "description": "The experiment's name, the first key of every result." },
            "kind": { "oneOf": words },
            "description": { "type": "string", "description": "What the experiment shows, in a sentence." },
            "default": { "type": "boolean", "description": "Whether the plan runs when none is named." },
            "seeds": {
                "type": "array",
                "minItems": 1,
                "items": { "type": "integer", "minimum": 0 },
                "description": "One run per seed.",
            },
        },
        "allOf": conditions,
    })
}

/// Every document whose generated parts differ from what the declarations say, with its new text.
///
/// # Errors
///
/// Whatever the file system says, and an error that names the document for a marker without an end.
pub fn outdated(root: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let mut texts = BTreeMap::new();
    documents(&root.join("docs"), &mut texts)?;
    let generator = Generator { families: families(), pages: pages(root, &texts) };
    let mut changed = Vec::new();
    for (path, text) in texts {
        let new = generator.rewritten(&path, &text)?;
        if new != text {
            changed.push((path, new));
        }
    }
    let schema = root.join("docs/plan.schema.json");
    let text = format!("{:#}\n", plan_schema());
    if std::fs::read_to_string(&schema).ok().as_deref() != Some(text.as_str()) {
        changed.push((schema, text));
    }
    Ok(changed)
}

/// The Markdown files below a folder.
fn documents(folder: &Path, found: &mut BTreeMap<PathBuf, String>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            documents(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.insert(path.clone(), std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// Where each name of a settings marker stands: the page, relative to `docs`, with the anchor of its section.
fn pages(root: &Path, texts: &BTreeMap<PathBuf, String>) -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    for (path, text) in texts {
        let page = path.strip_prefix(root.join("docs")).unwrap_or(path).display().to_string();
        let mut anchor = String::new();
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("## ") {
                anchor = format!("#{}", slug(heading));
            } else if let Some(name) = marked(line, "settings") {
                pages.insert(name.to_owned(), format!("{page}{anchor}"));
            }
        }
    }
    pages
}

/// The anchor of a heading.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// The name in a marker of this kind.
fn marked<'a>(line: &'a str, kind: &str) -> Option<&'a str> {
    line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")?.strip_prefix(kind)?.strip_prefix(": ")
}

struct Generator {
    families: Vec<(&'static str, Declarations)>,
    pages: BTreeMap<String, String>,
}

impl Generator {
    fn rewritten(&self, path: &Path, text: &str) -> io::Result<String> {
        let mut out = String::with_capacity(text.len());
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            out.push_str(line);
            out.push('\n');
            let part = marked(line, "settings").and_then(|name| self.settings(name));
            let part =
                part.or_else(|| marked(line, "methods").and_then(|kind| self.methods(path, kind)));
            let Some(part) = part else { continue };
            out.push_str(&format!("\n{part}\n<!-- end -->\n"));
            if !lines.by_ref().any(|line| line.trim() == "<!-- end -->") {
                let message =
                    format!("{}: `{}` has no `<!-- end -->`", path.display(), line.trim());
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
        Ok(out)
    }

    /// The table of the settings of a name, with its family or without; `None` for a name that no family has.
    fn settings(&self, marker: &str) -> Option<String> {
        let (prefix, name) = marker.split_once('/').map_or((None, marker), |(a, b)| (Some(a), b));
        let families =
            self.families.iter().filter(|(family, _)| prefix.is_none_or(|p| p == *family));
        let mut declarations = families.flat_map(|(_, declarations)| declarations);
        let (_, schema) = declarations.find(|(known, _)| *known == name)?;
        Some(markdown_table(schema))
    }

    /// The list of the methods of a kind.
    fn methods(&self, path: &Path, kind: &str) -> Option<String> {
        let (_, declarations) = self.families.iter().find(|(family, _)| *family == kind)?;
        let folder = path.parent().and_then(Path::file_name);
        let mut text =
            "| name | what it does | settings and defaults |\n|---|---|---|\n".to_owned();
        for (name, schema) in declarations {
            let page = self.pages.get(&format!("{kind}/{name}")).or_else(|| self.pages.get(*name));
            let link = page.map_or_else(
                || format!("`{name}`"),
                |page| match folder
                    .and_then(|folder| page.strip_prefix(&format!("{}/", folder.display())))
                {
                    Some(beside) => format!("[`{name}`]({beside})"),
                    None => format!("[`{name}`]({page})"),
                },
            );
            let settings: Vec<String> = setting_rows(schema)
                .into_iter()
                .map(|row| match row.default {
                    Some(default) => format!("`{} = {default}`", row.key),
                    None => format!("`{}`", row.key),
                })
                .collect();
            let about = summary_of(schema).replace('|', "\\|");
            text.push_str(&format!("| {link} | {about} | {} |\n", settings.join(", ")));
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn generated_parts_are_up_to_date() {
        let outdated = outdated(&root()).unwrap();
        let files: Vec<String> =
            outdated.iter().map(|(path, _)| path.display().to_string()).collect();
        assert!(files.is_empty(), "`cargo xtask docs` writes {files:?} anew");
    }

    #[test]
    fn every_declared_name_has_a_page_with_its_settings() {
        let mut texts = BTreeMap::new();
        documents(&root().join("docs"), &mut texts).unwrap();
        let pages = pages(&root(), &texts);
        for (family, declarations) in families() {
            for (name, _) in declarations {
                let known =
                    pages.contains_key(name) || pages.contains_key(&format!("{family}/{name}"));
                assert!(
                    known,
                    "docs: no page has the marker `settings: {name}` or `{family}/{name}`"
                );
            }
        }
    }

    /// Anchors of a document as Markdown readers make them.
    fn anchors(text: &str) -> Vec<String> {
        text.lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| slug(line.trim_start_matches('#').trim()))
            .collect()
    }

    #[test]
    fn no_link_in_any_document_is_dead() {
        let mut texts = BTreeMap::new();
        documents(&root().join("docs"), &mut texts).unwrap();
        documents(&root().join("crates"), &mut texts).unwrap();
        for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
            let path = root().join(name);
            let text = std::fs::read_to_string(&path).unwrap();
            texts.insert(path, text);
        }
        let mut dead = Vec::new();
        for (path, text) in &texts {
            for target in links(text) {
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let there = match file {
                    "" => path.clone(),
                    file => path.parent().unwrap().join(file),
                };
                let found = there.exists()
                    && (anchor.is_empty()
                        || std::fs::read_to_string(&there)
                            .is_ok_and(|text| anchors(&text).iter().any(|known| known == anchor)));
                if !found {
                    dead.push(format!("{}: {target}", path.display()));
                }
            }
        }
        assert!(dead.is_empty(), "{dead:#?}");
    }

    /// The targets of links to other places in the repository, code left out.
    fn links(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        let mut code = false;
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                code = !code;
            }
            let mut rest = if code { "" } else { line };
            while let Some(at) = rest.find("](") {
                rest = &rest[at + 2..];
                let Some(end) = rest.find(')') else { break };
                let target = &rest[..end];
                if !target.contains("://") && !target.contains(' ') {
                    found.push(target);
                }
                rest = &rest[end..];
            }
        }
        found
    }
}
