//! The system's OpenBLAS, linked, and the number of its threads.
//!
//! Procrust's libraries name no LAPACK provider; whoever builds a program, a test or a
//! benchmark does. Depending on this crate and mentioning it once is all it takes:
//!
//! ```
//! use procrust_blas as _;
//! ```
//!
//! OpenBLAS splits its sums by the number of its threads, so the last bits of a result depend on
//! how many there are. Procrust parallelises one level up, over blocks and runs in a fixed order,
//! and keeps OpenBLAS at [one thread](single_threaded): the same bits for any number of cores.
//!
//! On Linux and x86-64 a program that depends on this crate has OpenBLAS take the kernels of a relative of
//! the processor where it knows only strangers (and the variable `OPENBLAS_CORETYPE` is not set):
//! [`kernels`] says which it runs.

use std::ffi::c_int;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod kernels;

// SAFETY: the signature is the one in OpenBLAS's `cblas.h`, `void openblas_set_num_threads(int)`.
// The function writes a global under OpenBLAS's own lock and may be called at any time.
#[allow(unsafe_code, reason = "one foreign function; its safety argument stands above")]
#[link(name = "openblas")]
unsafe extern "C" {
    safe fn openblas_set_num_threads(threads: c_int);
    safe fn openblas_get_num_threads() -> c_int;
}

/// Keeps OpenBLAS at one thread, so that results do not depend on the number of cores.
///
/// Call it once at the start of a program, before the first factorisation.
pub fn single_threaded() {
    openblas_set_num_threads(1);
}

/// How many threads OpenBLAS uses.
#[must_use]
pub fn threads() -> usize {
    usize::try_from(openblas_get_num_threads()).unwrap_or(1)
}

/// The processor whose kernels OpenBLAS runs, by OpenBLAS's name; `None` where this is not known (it is on
/// Linux and x86-64).
#[must_use]
pub fn kernels() -> Option<String> {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    let name = Some(kernels::name().to_string_lossy().into_owned());
    #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
    let name = None;
    name
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_thread_is_one_thread() {
        super::single_threaded();
        assert_eq!(super::threads(), 1);
    }
}
