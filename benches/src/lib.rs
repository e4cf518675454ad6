//! Benchmarks: criterion's groups are in `benches/`, the program beside this file measures against
//! other programs (`cargo xtask bench peers`), over sizes (`cargo xtask bench growth`), and says what
//! changed since a saved run (`cargo xtask bench --baseline NAME`).
