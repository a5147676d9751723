//! Large arrays in large pages.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use bytemuck::Pod;
use memmap2::MmapMut;

/// From so many bytes on an array gets pages of its own.
const LARGE: usize = 1 << 21;

/// Numbers on the cells of a grid, at first zero. Of pages of 4 KiB, 128³ cells need tens of thousands, and each costs a
/// microsecond or more when it is first touched; the system is asked for larger ones.
pub(super) struct Field<T> {
    memory: Memory<T>,
    len: usize,
}

enum Memory<T> {
    Pages(MmapMut, PhantomData<T>),
    Heap(Vec<T>),
}

impl<T: Pod> Field<T> {
    pub(super) fn zeros(len: usize) -> Self {
        let bytes = len * size_of::<T>();
        if bytes >= LARGE
            && let Ok(pages) = MmapMut::map_anon(bytes)
        {
            // a system that has none gives small ones
            #[cfg(target_os = "linux")]
            let _ = pages.advise(memmap2::Advice::HugePage);
            return Field { memory: Memory::Pages(pages, PhantomData), len };
        }
        Field { memory: Memory::Heap(vec![T::zeroed(); len]), len }
    }
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Field { memory: Memory::Heap(vec![]), len: 0 }
    }
}

impl<T: Pod> Deref for Field<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match &self.memory {
            Memory::Pages(pages, _) => &bytemuck::cast_slice(pages)[..self.len],
            Memory::Heap(values) => values,
        }
    }
}

impl<T: Pod> DerefMut for Field<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.memory {
            Memory::Pages(pages, _) => &mut bytemuck::cast_slice_mut(pages)[..self.len],
            Memory::Heap(values) => values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_ones_begin_as_zeros_and_keep_what_is_written() {
        for n in [0, 1, 7, LARGE / 4 - 1, LARGE / 4, LARGE / 4 + 5] {
            let mut field = Field::<f32>::zeros(n);
            assert!(field.len() == n && field.iter().all(|v| *v == 0.0));
            field.iter_mut().enumerate().for_each(|(i, v)| *v = i as f32);
            assert!(field.iter().enumerate().all(|(i, v)| *v == i as f32));
        }
        assert!(Field::<f64>::default().is_empty());
    }
}
