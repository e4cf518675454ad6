//! The plans that ship, inside the program.

use std::path::Path;

use crate::plan::Plan;

const SHIPPED: [(&str, &str); 22] = [
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

/// Every plan that ships. They use shipped data only and need no file.
#[must_use]
pub fn shipped_plans() -> Vec<Plan> {
    let parse = |(file, text): (&str, &str)| Plan::parse(Path::new(file), text);
    SHIPPED.into_iter().map(|plan| parse(plan).expect("shipped plans are read by a test")).collect()
}

/// The plans that run when none is named.
#[must_use]
pub fn default_plans() -> Vec<Plan> {
    shipped_plans().into_iter().filter(|plan| plan.default).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_in_the_folder_ships_and_is_a_plan() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| format!("plans/{}", entry.unwrap().file_name().to_str().unwrap()))
            .collect();
        let mut shipped: Vec<&str> = SHIPPED.iter().map(|(file, _)| *file).collect();
        files.sort_unstable();
        shipped.sort_unstable();
        assert_eq!(files, shipped);
        assert_eq!(shipped_plans().len(), SHIPPED.len());
        assert!(!default_plans().is_empty());
    }
}
