//! Many described tasks of two classes each.

pub(crate) mod dictionary;
mod method;

pub use method::{DescribedTask, NewTask, PairRows, PairTasksLearner, PairTasksMethod};

procrust_settings::methods! {
    /// The methods for pairs of classes that plans can name.
    pub fn pair_tasks_methods: dyn PairTasksMethod = "method" {
        target_only::TargetOnly,
        target_trained::TargetTrained,
        tadell::DescribedTasks,
    }
}
