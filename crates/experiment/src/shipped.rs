//! The plans that ship.

use std::path::Path;

use procrust_runner::Plan;

use crate::{kinds::kinds, shipped_texts::SHIPPED};

/// Every plan that ships. They use shipped data only and need no file.
#[must_use]
pub fn shipped_plans() -> Vec<Plan> {
    let kinds = kinds();
    let parse = |(file, text): (&str, &str)| kinds.parse(Path::new(file), text);
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
