//! Choosing settings and the lead of trained classes without rows of the tested ones.

pub(crate) mod calibration;
pub(crate) mod held_out;
