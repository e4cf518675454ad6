use std::sync::Arc;

use procrust_runner::Role;
use procrust_settings::{Choice, declare};

use crate::adaptation::{
    method::Adapt,
    split::Split,
    task::{Adapted, RunError, Task, place_target, unadapted},
};

/// No adaptation: the classifier is trained on the source as it is.
#[derive(
    Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct NoAdaptation;

declare!(NoAdaptation, "none");

impl NoAdaptation {
    /// The method as a member of the family.
    pub(crate) fn choice() -> Choice<dyn Adapt> {
        Choice::of(Self, |method| Arc::new(method))
    }
}

impl Adapt for NoAdaptation {
    fn adapt(&self, task: &Task<'_>, split: &Split, _seed: u64) -> Result<Adapted, RunError> {
        place_target(
            task,
            unadapted(task, split),
            split.target.as_ref(),
            |rows| Ok(rows.to_owned()),
        )
    }

    fn role(&self) -> Role {
        Role::Baseline
    }

    fn adapts(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adaptation::domains::Domain;
    use ndarray::array;

    #[test]
    fn rows_stay_as_they_are() {
        let rows = array![[1.0_f32, 2.0], [3.0, 4.0]];
        let domain = |name: &str| Domain::new(name.into(), rows.clone(), vec![0, 1]);
        let (a, b) = (domain("a"), domain("b"));
        let task = Task { source: &a, target: &b, classes: 2 };
        assert_eq!(task.name(), "a>b");
        let adapted = NoAdaptation.adapt(&task, &Split::default(), 0).unwrap();
        assert_eq!(adapted.source, a.rows);
        assert_eq!(adapted.target, b.rows);
        assert_eq!(adapted.fit_seconds, None);
    }
}
