//! Numbers of 16 bits with the range of singles: half the memory for what need not be exact.

/// The upper half of a single: eight bits of precision.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Bfloat(u16);

impl Bfloat {
    /// The nearest one, halves up; of a finite number that is not negative.
    #[inline(always)]
    pub(super) fn of(x: f32) -> Self {
        Bfloat(((x.to_bits() + (1 << 15)) >> 16) as u16)
    }

    #[inline(always)]
    pub(super) fn get(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}
