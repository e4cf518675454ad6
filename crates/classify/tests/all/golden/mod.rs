//! The same numbers as other programs. Their scripts and values stand beside the tests.

mod figures;
mod linear;
mod machines;
mod metrics;
mod selection;
