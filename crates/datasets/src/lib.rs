//! Procrust: datasets.
