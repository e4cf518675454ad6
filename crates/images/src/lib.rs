//! Procrust: images.
