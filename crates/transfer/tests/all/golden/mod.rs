//! The same numbers as other programs. Their scripts and values stand beside the tests.

mod detection;
mod few_shot;
mod methods;
mod tadell;
mod transferability;
mod zero_shot;
