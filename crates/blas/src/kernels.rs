//! Which kernels OpenBLAS takes.
//!
//! A release of OpenBLAS knows the processors of its day. One that it has never heard of gets the kernels of a
//! Prescott of 2004 (SSE3), though it may have AVX-512: factorisations then take twice as long. The
//! environment variable `OPENBLAS_CORETYPE` names others, but is read when the library is loaded, before
//! `main`. So this is done between the two: the loader runs what stands in `.init_array`.

use std::ffi::{CStr, c_char, c_int, c_void};

// SAFETY: signatures of `cblas.h` (the first), and of POSIX.
#[allow(unsafe_code, reason = "foreign functions; what they are called with is argued below")]
unsafe extern "C" {
    safe fn openblas_get_corename() -> *const c_char;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn getenv(name: *const c_char) -> *mut c_char;
    fn setenv(name: *const c_char, value: *const c_char, overwrite: c_int) -> c_int;
}

const VARIABLE: &CStr = c"OPENBLAS_CORETYPE";

#[used]
#[allow(unsafe_code, reason = "the section holds pointers to functions without arguments")]
// SAFETY: glibc calls each pointer in `.init_array` once, before `main`, with arguments that a function may
// ignore. `choose` does not unwind: it does not panic.
#[unsafe(link_section = ".init_array")]
static CHOOSE: extern "C" fn() = choose;

/// Has OpenBLAS take the kernels of a relative of this processor, if it took those of none.
extern "C" fn choose() {
    let Some(relative) = relative() else { return };
    if name().to_bytes() != b"Prescott" {
        return;
    }
    // SAFETY: before `main` no other thread reads or writes the environment: OpenBLAS's own, started when it was
    // loaded, wait for work. All strings end with a 0. `dlsym` looks the two functions up in what is loaded
    // (handle 0 is `RTLD_DEFAULT`); both take and return nothing (`driver/others/dynamic.c`) and are
    // there in every build that chooses kernels at run time. The first forgets the kernels, the second chooses
    // anew, by the variable; nothing was computed yet.
    #[allow(unsafe_code, reason = "see above")]
    unsafe {
        if !getenv(VARIABLE.as_ptr()).is_null() {
            return;
        }
        let quit = dlsym(std::ptr::null_mut(), c"gotoblas_dynamic_quit".as_ptr());
        let init = dlsym(std::ptr::null_mut(), c"gotoblas_dynamic_init".as_ptr());
        if quit.is_null() || init.is_null() {
            return;
        }
        if setenv(VARIABLE.as_ptr(), relative.as_ptr(), 0) == 0 {
            std::mem::transmute::<*mut c_void, extern "C" fn()>(quit)();
            std::mem::transmute::<*mut c_void, extern "C" fn()>(init)();
        }
    }
}

/// The newest processor that every release since 2018 knows and that has nothing this one lacks.
fn relative() -> Option<&'static CStr> {
    let wide = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    if wide {
        return Some(c"SkylakeX");
    }
    (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(c"Haswell")
}

/// The processor whose kernels OpenBLAS runs.
pub(crate) fn name() -> &'static CStr {
    // SAFETY: OpenBLAS gives the address of a constant that ends with a 0, in every build.
    #[allow(unsafe_code, reason = "see above")]
    unsafe {
        CStr::from_ptr(openblas_get_corename())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unless somebody wanted them, old kernels are not what a new processor runs.
    #[test]
    fn a_new_processor_has_new_kernels() {
        let wanted = std::env::var("OPENBLAS_CORETYPE").is_ok_and(|wanted| wanted == "Prescott");
        assert!(wanted || relative().is_none() || name().to_bytes() != b"Prescott");
    }
}
