//! Numbers of 16 bits with the range of singles: half the memory for what need not be exact.

/// The upper half of a single: eight bits of precision.
pub(super) type Bfloat = u16;

/// The nearest one, halves up; of a finite number that is not negative.
#[inline(always)]
pub(super) fn narrow(x: f32) -> Bfloat {
    ((x.to_bits() + (1 << 15)) >> 16) as Bfloat
}

#[inline(always)]
pub(super) fn wide(x: Bfloat) -> f32 {
    f32::from_bits(u32::from(x) << 16)
}
