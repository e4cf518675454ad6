//! The program `procrust`.

fn main() {}
