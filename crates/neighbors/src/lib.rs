//! Procrust: neighbors.
