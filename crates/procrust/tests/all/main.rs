//! The program on small files: what it prints, writes and refuses.

mod bad_input;
mod benchmark;
mod common;
mod convert;
mod detection;
mod features;
mod maps;
mod program;
mod text;
mod transfer;
