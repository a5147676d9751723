//! Images of voxels: a micro-CT scan cut into phases, or conductivities measured voxel by voxel.
//!
//! An image holds labels; what each conducts is the user's knowledge and comes as a [`PhaseMap`]. Nothing is guessed: a
//! label without a conductivity is an error that lists what the image holds.

use rayon::prelude::*;

use super::{PhaseMap, labels};
use crate::{Error, Result};

/// The voxels' values in the type they were stored in.
#[derive(Debug, Clone, PartialEq)]
pub enum Samples {
    /// 8-bit labels
    U8(Vec<u8>),
    /// 16-bit labels
    U16(Vec<u16>),
    /// wider or signed labels
    I64(Vec<i64>),
    /// conductivities, or labels stored as floats
    F64(Vec<f64>),
}

impl Samples {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Samples::U8(values) => values.len(),
            Samples::U16(values) => values.len(),
            Samples::I64(values) => values.len(),
            Samples::F64(values) => values.len(),
        }
    }

    /// True of none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Voxels on a regular grid of one to three axes, `[x][y][z]` with the last index fastest.
///
/// ```
/// use gaptooth::coefficient::{PhaseMap, Samples, VoxelImage};
/// let image = VoxelImage::new(vec![2, 3], Samples::U8(vec![0, 0, 255, 0, 255, 255]))?;
/// assert_eq!(image.labels(), Some(vec![(0.0, 3), (255.0, 3)]));
/// let map = PhaseMap::parse("0=1.0,255=10.0")?;
/// assert_eq!(image.conductivities(Some(&map))?, [1.0, 1.0, 10.0, 1.0, 10.0, 10.0]);
/// # Ok::<(), gaptooth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct VoxelImage {
    shape: Vec<usize>,
    samples: Samples,
}

impl VoxelImage {
    /// An image of that shape.
    ///
    /// # Errors
    /// [`Error::Shape`] for other than one to three axes, an axis without voxels, or another number of samples.
    pub fn new(shape: Vec<usize>, samples: Samples) -> Result<Self> {
        let found = shape.clone();
        if !(1..=3).contains(&shape.len()) {
            let what = format!("an image of {} axes (one to three work)", shape.len());
            return Err(Error::Shape { what, expected: vec![samples.len()], found });
        }
        let count = shape.iter().try_fold(1_usize, |n, &m| n.checked_mul(m));
        if count != Some(samples.len()) || samples.is_empty() {
            let what = format!("an image of {} samples", samples.len());
            return Err(Error::Shape { what, expected: vec![samples.len().max(1)], found });
        }
        Ok(VoxelImage { shape, samples })
    }

    /// Voxels along each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values, `[x][y][z]`.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// The voxels of `shape` from `start` on.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a part that is empty or reaches out of the image.
    pub fn part(&self, start: &[usize], shape: &[usize]) -> Result<Self> {
        let inside = |((n, from), part): ((&usize, &usize), &usize)| *part > 0 && from.saturating_add(*part) <= *n;
        let fits = start.len() == self.shape.len() && shape.len() == self.shape.len();
        if !(fits && self.shape.iter().zip(start).zip(shape).all(inside)) {
            let found = format!("{shape:?} from {start:?}");
            return Err(Error::parameter("part", found, format!("a part of {:?}", self.shape), "count voxels from 0"));
        }
        let samples = match &self.samples {
            Samples::U8(values) => Samples::U8(self.rows(values, start, shape)),
            Samples::U16(values) => Samples::U16(self.rows(values, start, shape)),
            Samples::I64(values) => Samples::I64(self.rows(values, start, shape)),
            Samples::F64(values) => Samples::F64(self.rows(values, start, shape)),
        };
        VoxelImage::new(shape.to_vec(), samples)
    }

    fn rows<T: Copy>(&self, values: &[T], start: &[usize], shape: &[usize]) -> Vec<T> {
        let d = shape.len();
        let mut kept = Vec::with_capacity(shape.iter().product());
        for row in 0..shape[..d - 1].iter().product() {
            let (mut first, mut rest, mut stride) = (start[d - 1], row, self.shape[d - 1]);
            for axis in (0..d - 1).rev() {
                first += (start[axis] + rest % shape[axis]) * stride;
                (rest, stride) = (rest / shape[axis], stride * self.shape[axis]);
            }
            kept.extend_from_slice(&values[first..first + shape[d - 1]]);
        }
        kept
    }

    /// The distinct values, ascending, each with its number of voxels; `None` beyond 4096 of them.
    pub fn labels(&self) -> Option<Vec<(f64, usize)>> {
        labels::count(&self.samples)
    }

    /// The labels of `map` that no voxel has: often a slip, never an error.
    pub fn unused(&self, map: &PhaseMap) -> Vec<f64> {
        let labels = map.entries().iter().map(|entry| entry.0);
        labels.filter(|&label| !self.contains(label)).collect()
    }

    fn contains(&self, label: f64) -> bool {
        match &self.samples {
            Samples::U8(values) => values.par_iter().any(|&v| f64::from(v) == label),
            Samples::U16(values) => values.par_iter().any(|&v| f64::from(v) == label),
            Samples::I64(values) => values.par_iter().any(|&v| v as f64 == label),
            Samples::F64(values) => values.par_iter().any(|&v| v == label),
        }
    }

    /// The conductivity of each voxel, `[x][y][z]`: what `map` says of its label, or without a map the floating-point
    /// sample itself. Float labels are matched by equality.
    ///
    /// # Errors
    /// [`Error::Parameter`] listing labels without a conductivity, or integer labels without a map; naming the first
    /// voxel that is NaN, or without a map infinite or negative.
    pub fn conductivities(&self, map: Option<&PhaseMap>) -> Result<Vec<f64>> {
        self.refuse_nan()?;
        match (map, &self.samples) {
            (Some(map), _) => self.look_up(map),
            (None, Samples::F64(values)) => self.measured(values),
            (None, _) => Err(self.without_map()),
        }
    }

    fn refuse_nan(&self) -> Result<()> {
        let Samples::F64(values) = &self.samples else { return Ok(()) };
        match values.par_iter().position_first(|v| v.is_nan()) {
            None => Ok(()),
            Some(i) => Err(self.wrong_voxel(i, values[i], "a number", "Give voxels without data a label of their own")),
        }
    }

    fn measured(&self, values: &[f64]) -> Result<Vec<f64>> {
        match values.par_iter().position_first(|v| !(v.is_finite() && *v >= 0.0)) {
            None => Ok(values.to_vec()),
            Some(i) => {
                let expected = "a conductivity, finite and not negative";
                let advice = "If the samples are labels, say what each conducts: --map 0=1.0,1=0.0";
                Err(self.wrong_voxel(i, values[i], expected, advice))
            }
        }
    }

    fn look_up(&self, map: &PhaseMap) -> Result<Vec<f64>> {
        // NaN marks a label without a conductivity: no map holds one.
        let of = |label: f64| map.conductivity(label).unwrap_or(f64::NAN);
        let found: Vec<f64> = match &self.samples {
            Samples::U8(values) => {
                let table: Vec<f64> = (0..=u8::MAX).map(|v| of(v.into())).collect();
                values.par_iter().map(|&v| table[usize::from(v)]).collect()
            }
            Samples::U16(values) => {
                let table: Vec<f64> = (0..=u16::MAX).map(|v| of(v.into())).collect();
                values.par_iter().map(|&v| table[usize::from(v)]).collect()
            }
            Samples::I64(values) => values.par_iter().map(|&v| of(v as f64)).collect(),
            Samples::F64(values) => values.par_iter().map(|&v| of(v)).collect(),
        };
        // Blocks without an early end are checked several numbers at a time.
        let any = |block: &[f64]| block.iter().fold(false, |any, v| any | v.is_nan());
        if found.par_chunks(1 << 14).any(any) {
            let first = found.iter().position(|v| v.is_nan());
            return Err(self.missing(map, first.unwrap_or(0)));
        }
        Ok(found)
    }

    fn missing(&self, map: &PhaseMap, first: usize) -> Error {
        let (also, label) = match self.labels() {
            Some(mut labels) => {
                labels.retain(|l| map.conductivity(l.0).is_none());
                (labels::list(&labels, self.samples.len()), labels[0].0)
            }
            None => {
                let label = self.sample(first);
                let at = self.position(first);
                (format!("{label} at {at}, and more than {} distinct values in all", labels::MOST_LABELS), label)
            }
        };
        let expected = format!("a conductivity for every label; the image also holds {also}");
        let advice = format!("Add `{label}=…` for each, or `*=…` for all the others");
        Error::parameter("map", format!("`{map}`"), expected, advice)
    }

    fn without_map(&self) -> Error {
        let (held, example) = match self.labels() {
            Some(labels) => (labels::list(&labels, self.samples.len()), labels::example(&labels)),
            None => {
                (format!("more than {} distinct integers: is it segmented?", labels::MOST_LABELS), "0=1.0,*=0.0".into())
            }
        };
        let expected = format!("a conductivity for each label; the image holds {held}");
        Error::parameter("map", "none", expected, format!("Say what each conducts: --map {example}"))
    }

    fn wrong_voxel(&self, index: usize, value: f64, expected: &str, advice: &str) -> Error {
        Error::parameter(format!("image{}", self.position(index)), value, expected, advice)
    }

    fn sample(&self, index: usize) -> f64 {
        match &self.samples {
            Samples::U8(values) => values[index].into(),
            Samples::U16(values) => values[index].into(),
            Samples::I64(values) => values[index] as f64,
            Samples::F64(values) => values[index],
        }
    }

    /// `[x, y, z]` of a flat index.
    fn position(&self, mut index: usize) -> String {
        let mut position = vec![0; self.shape.len()];
        for (axis, &n) in self.shape.iter().enumerate().rev() {
            position[axis] = index % n;
            index /= n;
        }
        format!("{position:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(image: &VoxelImage, map: Option<&str>) -> String {
        let map = map.map(|m| PhaseMap::parse(m).unwrap());
        image.conductivities(map.as_ref()).unwrap_err().to_string()
    }

    #[test]
    fn shapes_are_checked() {
        let new = |shape: &[usize], n| VoxelImage::new(shape.to_vec(), Samples::U8(vec![0; n]));
        for (shape, n) in [(&[2, 3][..], 5), (&[], 1), (&[1, 1, 1, 1], 1), (&[0, 2], 0), (&[usize::MAX, 2], 2)] {
            assert!(matches!(new(shape, n), Err(Error::Shape { .. })), "{shape:?}");
        }
        assert_eq!(new(&[2, 3], 6).unwrap().shape(), [2, 3]);
    }

    #[test]
    fn missing_labels_are_listed_with_their_shares() {
        let image = VoxelImage::new(vec![2, 2], Samples::I64(vec![0, -3, 7, 7])).unwrap();
        let text = message(&image, Some("0=1,5=2"));
        assert!(text.contains("-3 (25.000 %, 1 voxel), 7 (50.000 %, 2 voxels)") && text.contains("0=1,5=2"), "{text}");
        let text = message(&image, None);
        assert!(text.contains("--map -3=1.0,0=0.0,7=0.0"), "{text}");
        let map = PhaseMap::parse("0=1,5=2,*=4").unwrap();
        assert_eq!(image.conductivities(Some(&map)).unwrap(), [1.0, 4.0, 4.0, 4.0]);
        assert_eq!(image.unused(&map), [5.0]);
        let scan = VoxelImage::new(vec![5000], Samples::I64((0..5000).collect())).unwrap();
        assert!(message(&scan, None).contains("more than 4096"));
        assert!(message(&scan, Some("0=1")).contains("1 at [1]"));
    }

    #[test]
    fn floats_are_conductivities_or_labels() {
        let image = VoxelImage::new(vec![1, 2, 2], Samples::F64(vec![0.5, 0.0, 2.0, 0.5])).unwrap();
        assert_eq!(image.conductivities(None).unwrap(), [0.5, 0.0, 2.0, 0.5]);
        let map = PhaseMap::parse("0.5=3,0=1,2=0").unwrap();
        assert_eq!(image.conductivities(Some(&map)).unwrap(), [3.0, 1.0, 0.0, 3.0]);
        for (value, maps) in [(-1.0, &[None][..]), (f64::INFINITY, &[None]), (f64::NAN, &[None, Some("*=1")])] {
            let image = VoxelImage::new(vec![1, 2, 2], Samples::F64(vec![1.0, 1.0, value, 1.0])).unwrap();
            for map in maps {
                let text = message(&image, *map);
                assert!(text.starts_with(&format!("image[0, 1, 0] = {value}")), "{text}");
            }
        }
    }
}
