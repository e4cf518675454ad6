//! Processor instructions: tiles (Intel AMX), and a transposition in AVX-512.
//!
//! All `unsafe` code that these instructions need stands here.

use std::arch::asm;
use std::arch::x86_64::{
    __cpuid, __cpuid_count, __m512, _MM_HINT_T0, _mm_prefetch, _mm512_castpd_ps, _mm512_castps_pd,
    _mm512_loadu_ps, _mm512_shuffle_f32x4, _mm512_storeu_ps, _mm512_unpackhi_pd,
    _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
};
use std::marker::PhantomData;
use std::sync::OnceLock;

/// One tile: sixteen rows of sixteen pairs of `bfloat16`.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Tile(pub(super) [[u32; 16]; 16]);

impl Tile {
    pub(super) const ZERO: Self = Self([[0; 16]; 16]);
}

/// 32 inner places of a strip of sixteen rows or columns: a tile of the larger pieces and a tile of the
/// smaller ones.
pub(super) type Step = [Tile; 2];

/// The operand of `ldtilecfg`.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Eight tiles of 16 rows of 64 bytes.
static SHAPES: Shapes = Shapes {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// Whether the processor has tiles of `bfloat16` and AVX-512, and the system permits their use.
pub(super) fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| is_x86_feature_detected!("avx512f") && has_tiles() && permitted())
}

/// Whether the processor has tiles of `bfloat16`.
fn has_tiles() -> bool {
    const BFLOAT_AND_TILES: u32 = 1 << 22 | 1 << 24;
    // SAFETY: every 64-bit x86 processor has `cpuid`, which changes no state.
    #[allow(unsafe_code, unused_unsafe, reason = "safe in newer versions of the library")]
    unsafe {
        __cpuid(0).eax >= 7 && __cpuid_count(7, 0).edx & BFLOAT_AND_TILES == BFLOAT_AND_TILES
    }
}

/// Linux saves the tiles of a process only after a request.
fn permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: the call takes two numbers and no pointer; it changes the permission and nothing else.
    #[allow(unsafe_code, reason = "a system call; its safety argument stands above")]
    unsafe {
        libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0
    }
}

/// Multiplies both left tiles with both right tiles.
macro_rules! multiply_all {
    () => {
        "tdpbf16ps tmm0, tmm4, tmm6
         tdpbf16ps tmm1, tmm4, tmm7
         tdpbf16ps tmm2, tmm5, tmm6
         tdpbf16ps tmm3, tmm5, tmm7"
    };
}

/// Loads the left tiles of the pieces that start `$at` bytes within the step.
macro_rules! load_left {
    ($at:literal) => {
        concat!(
            "tileloadd tmm4, [{a0} + {row} + ",
            $at,
            "]\n",
            "tileloadd tmm5, [{a1} + {row} + ",
            $at,
            "]"
        )
    };
}

/// Loads the right tiles of the pieces that start `$at` bytes within the step.
macro_rules! load_right {
    ($at:literal) => {
        concat!(
            "tileloadd tmm6, [{b0} + {row} + ",
            $at,
            "]\n",
            "tileloadd tmm7, [{b1} + {row} + ",
            $at,
            "]"
        )
    };
}

/// Fetches 512 bytes of the four strips, `$at` bytes after this step. Without it the loop takes 1.5
/// times as long on a core whose second thread is busy.
macro_rules! prefetch {
    ($at:literal) => {
        concat!(
            prefetch!("a0", $at),
            prefetch!("a1", $at),
            prefetch!("b0", $at),
            prefetch!("b1", $at)
        )
    };
    ($strip:literal, $at:literal) => {
        concat!(
            prefetch!($strip, $at, 0, 64),
            prefetch!($strip, $at, 128, 192),
            prefetch!($strip, $at, 256, 320),
            prefetch!($strip, $at, 384, 448)
        )
    };
    ($strip:literal, $at:literal, $one:literal, $two:literal) => {
        concat!(
            "prefetcht0 [{",
            $strip,
            "} + ",
            $at,
            " + ",
            $one,
            "]\n",
            "prefetcht0 [{",
            $strip,
            "} + ",
            $at,
            " + ",
            $two,
            "]\n"
        )
    };
}

/// The tiles of this thread. They have their shapes as long as this value lives.
pub(super) struct Tiles(PhantomData<*const ()>);

impl Tiles {
    /// `None` if tiles are not available.
    pub(super) fn new() -> Option<Self> {
        if !available() {
            return None;
        }
        // SAFETY: the processor has tiles, the system saves them for this process, and `SHAPES` is
        // the 64-byte operand of the instruction. The compiler uses no tiles itself.
        #[allow(unsafe_code, reason = "one instruction; its safety argument stands above")]
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const SHAPES, options(nostack, readonly));
        }
        Some(Self(PhantomData))
    }

    /// Adds the product of 32 rows and 32 columns to 32 × 32 sums.
    ///
    /// Rows and columns are two strips each. `sums` begins with the first of 32 rows of sums, which
    /// are `width` numbers apart. The product of the two smaller pieces is left out.
    ///
    /// # Panics
    ///
    /// If the strips are empty or differ in length, or `sums` is too short.
    pub(super) fn add(
        &self,
        left: [&[Step]; 2],
        right: [&[Step]; 2],
        sums: &mut [f32],
        width: usize,
    ) {
        let steps = left[0].len();
        let even = [left[1], right[0], right[1]].iter().all(|strip| strip.len() == steps);
        assert!(steps > 0 && even, "strips of equal length");
        assert!(width >= 32 && sums.len() >= 31 * width + 32, "space for 32 × 32 sums");
        // SAFETY: while `self` lives, the tiles have 16 rows of 64 bytes. A step holds two of them,
        // 1,024 bytes each. As asserted, each strip has as many steps as the loop reads; prefetches
        // beyond its end read nothing. `c` and `d` are rows 0 and 16 of the sums, which, as
        // asserted, have space for 32 rows of 32 numbers, `width` numbers apart.
        #[allow(unsafe_code, reason = "a loop of instructions; its safety argument stands above")]
        unsafe {
            asm!(
                "tileloadd tmm0, [{c} + {width}]",
                "tileloadd tmm1, [{c} + {width} + 64]",
                "tileloadd tmm2, [{d} + {width}]",
                "tileloadd tmm3, [{d} + {width} + 64]",
                "2:",
                load_left!(0), load_right!(1024), prefetch!(2048), multiply_all!(),
                load_right!(0), prefetch!(2560), multiply_all!(), prefetch!(3072),
                load_left!(1024), multiply_all!(), prefetch!(3584),
                "add {a0}, 2048",
                "add {a1}, 2048",
                "add {b0}, 2048",
                "add {b1}, 2048",
                "dec {steps}",
                "jnz 2b",
                "tilestored [{c} + {width}], tmm0",
                "tilestored [{c} + {width} + 64], tmm1",
                "tilestored [{d} + {width}], tmm2",
                "tilestored [{d} + {width} + 64], tmm3",
                a0 = inout(reg) left[0].as_ptr() => _,
                a1 = inout(reg) left[1].as_ptr() => _,
                b0 = inout(reg) right[0].as_ptr() => _,
                b1 = inout(reg) right[1].as_ptr() => _,
                c = in(reg) sums.as_mut_ptr(),
                d = in(reg) sums.as_mut_ptr().wrapping_add(16 * width),
                width = in(reg) 4 * width,
                row = in(reg) 64_usize,
                steps = inout(reg) steps => _,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: as in `new`, whose configuration it releases.
        #[allow(unsafe_code, reason = "one instruction; its safety argument stands above")]
        unsafe {
            asm!("tilerelease", options(nostack, nomem));
        }
    }
}

/// Prefetches the cache line of a value.
#[inline]
pub(super) fn fetch(value: &f32) {
    // SAFETY: a prefetch has no effect that the program could observe.
    #[allow(unsafe_code, unused_unsafe, reason = "safe in newer versions of the library")]
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
    }
}

/// Exchanges rows and columns.
#[target_feature(enable = "avx512f")]
pub(super) fn transpose(block: &mut [[f32; 16]; 16]) {
    // SAFETY: each row has the 16 numbers that are read.
    #[allow(unsafe_code, reason = "sixteen loads; their safety argument stands above")]
    let rows: [__m512; 16] =
        std::array::from_fn(|row| unsafe { _mm512_loadu_ps(block[row].as_ptr()) });
    // Transposes the 4 × 4 square in each lane of four rows.
    let mut turned = rows;
    for (rows, turned) in rows.as_chunks::<4>().0.iter().zip(turned.as_chunks_mut::<4>().0) {
        let low = |a, b| _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
        let high = |a, b| _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
        let [a, b, c, d] = *rows;
        let (front, back) = ((low(a, b), low(c, d)), (high(a, b), high(c, d)));
        *turned = [
            _mm512_castpd_ps(_mm512_unpacklo_pd(front.0, front.1)),
            _mm512_castpd_ps(_mm512_unpackhi_pd(front.0, front.1)),
            _mm512_castpd_ps(_mm512_unpacklo_pd(back.0, back.1)),
            _mm512_castpd_ps(_mm512_unpackhi_pd(back.0, back.1)),
        ];
    }
    // Column 4l + c is lane l of register c of each group of four.
    let mut columns = turned;
    for c in 0..4 {
        let [w, x, y, z] = [turned[c], turned[4 + c], turned[8 + c], turned[12 + c]];
        let even = (_mm512_shuffle_f32x4::<0x88>(w, x), _mm512_shuffle_f32x4::<0x88>(y, z));
        let odd = (_mm512_shuffle_f32x4::<0xdd>(w, x), _mm512_shuffle_f32x4::<0xdd>(y, z));
        columns[c] = _mm512_shuffle_f32x4::<0x88>(even.0, even.1);
        columns[4 + c] = _mm512_shuffle_f32x4::<0x88>(odd.0, odd.1);
        columns[8 + c] = _mm512_shuffle_f32x4::<0xdd>(even.0, even.1);
        columns[12 + c] = _mm512_shuffle_f32x4::<0xdd>(odd.0, odd.1);
    }
    for (row, column) in block.iter_mut().zip(columns) {
        // SAFETY: each row has space for the 16 numbers that are written.
        #[allow(unsafe_code, reason = "one store; its safety argument stands above")]
        unsafe {
            _mm512_storeu_ps(row.as_mut_ptr(), column);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_change_places() {
        if !is_x86_feature_detected!("avx512f") {
            return;
        }
        let mut block = std::array::from_fn(|i| std::array::from_fn(|j| (16 * i + j) as f32));
        // SAFETY: the processor has AVX-512, for which the function is compiled.
        #[allow(unsafe_code, reason = "the feature was detected")]
        unsafe {
            transpose(&mut block);
        }
        for (i, row) in block.iter().enumerate() {
            assert!(row.iter().enumerate().all(|(j, &value)| value == (16 * j + i) as f32));
        }
    }

    #[test]
    #[should_panic(expected = "space for 32 × 32 sums")]
    fn sums_must_fit() {
        let step = [[Tile::ZERO; 2]];
        let Some(tiles) = Tiles::new() else {
            panic!("no tiles here, so no space for 32 × 32 sums")
        };
        tiles.add([&step, &step], [&step, &step], &mut [0.0; 1000], 32);
    }
}
