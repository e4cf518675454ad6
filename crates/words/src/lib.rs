//! Procrust: words.
