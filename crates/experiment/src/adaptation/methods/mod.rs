//! The methods of adaptation plans: those of `procrust-align`, and those that only a plan has.

mod auto;
mod none;
mod target_trained;

use std::sync::Arc;

use procrust_settings::{Entry, Family};

pub use auto::AutoAdaptation;
pub use none::NoAdaptation;
pub use target_trained::TargetTrained;

use super::method::{Adapt, align_methods};

/// All methods that adaptation plans may name.
#[must_use]
pub fn adaptation_methods() -> Family<dyn Adapt> {
    let own = [
        Entry::new(|method: NoAdaptation| Arc::new(method) as Arc<dyn Adapt>),
        Entry::new(|method: AutoAdaptation| Arc::new(method) as Arc<dyn Adapt>),
        Entry::new(|method: TargetTrained| Arc::new(method) as Arc<dyn Adapt>),
    ];
    Family::new("method", own).and(align_methods())
}
