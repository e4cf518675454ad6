//! Procrust: experiment.
