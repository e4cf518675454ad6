//! Procrust: classify.
