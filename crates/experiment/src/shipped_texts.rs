//! The texts of the plans that ship, inside the program.

use std::path::Path;

pub(crate) const SHIPPED: [(&str, &str); 22] = [
    ("plans/digits.toml", include_str!("../plans/digits.toml")),
    ("plans/words.toml", include_str!("../plans/words.toml")),
    ("plans/few-pairs.toml", include_str!("../plans/few-pairs.toml")),
    ("plans/sentiment.toml", include_str!("../plans/sentiment.toml")),
    ("plans/sentences.toml", include_str!("../plans/sentences.toml")),
    ("plans/fine-tuning.toml", include_str!("../plans/fine-tuning.toml")),
    ("plans/fine-tuning-full.toml", include_str!("../plans/fine-tuning-full.toml")),
    ("plans/spans.toml", include_str!("../plans/spans.toml")),
    ("plans/answers.toml", include_str!("../plans/answers.toml")),
    ("plans/bitext.toml", include_str!("../plans/bitext.toml")),
    ("plans/similarity.toml", include_str!("../plans/similarity.toml")),
    ("plans/zero-shot.toml", include_str!("../plans/zero-shot.toml")),
    ("plans/few-shot.toml", include_str!("../plans/few-shot.toml")),
    ("plans/continual.toml", include_str!("../plans/continual.toml")),
    ("plans/ranking.toml", include_str!("../plans/ranking.toml")),
    ("plans/detection.toml", include_str!("../plans/detection.toml")),
    ("plans/fashion.toml", include_str!("../plans/fashion.toml")),
    ("plans/bridge.toml", include_str!("../plans/bridge.toml")),
    ("plans/few-shot-deep.toml", include_str!("../plans/few-shot-deep.toml")),
    ("plans/few-shot-domains.toml", include_str!("../plans/few-shot-domains.toml")),
    ("plans/tadell.toml", include_str!("../plans/tadell.toml")),
    ("plans/benchmark.toml", include_str!("../plans/benchmark.toml")),
];

/// The name of a shipped plan's file without folder and ending.
fn stem(file: &'static str) -> &'static str {
    file.trim_start_matches("plans/").trim_end_matches(".toml")
}

/// The names under which plans that ship may be named in others.
pub(crate) fn names() -> Vec<&'static str> {
    SHIPPED.into_iter().map(|(file, _)| stem(file)).collect()
}

/// The file and text of the plan that ships under a name.
pub(crate) fn plan_text(name: &str) -> Option<(&'static Path, &'static str)> {
    let plan = SHIPPED.into_iter().find(|(file, _)| stem(file) == name);
    plan.map(|(file, text)| (Path::new(file), text))
}
