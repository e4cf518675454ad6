//! Results against reference implementations; the scripts beside the JSON files made them.

mod induced;
mod linear;
mod paired;
mod unpaired;
