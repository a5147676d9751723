//! Fields on voxels for ParaView and VTK: image data (`.vti`) with the numbers in raw bytes behind the XML.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use super::atomic;
use crate::{Error, Result};

/// Voxels gathered at a time along the last axis: a cache line of f64.
const SLAB: usize = 8;

/// A field with one value or one vector per voxel.
#[derive(Debug, Clone, PartialEq)]
pub struct CellArray {
    /// its name in ParaView
    pub name: String,
    /// 1 for a scalar; 2 or 3 for a vector, of which two are written with a third that is zero
    pub components: usize,
    /// `[x][y][z][component]`, the last index fastest
    pub values: Vec<f64>,
}

/// An image of voxels with its fields.
#[derive(Debug, Clone, PartialEq)]
pub struct VtkImage {
    /// voxels along one to three axes
    pub shape: Vec<usize>,
    /// edges of a voxel, one per axis
    pub spacing: Vec<f64>,
    /// the fields; NaN is allowed
    pub arrays: Vec<CellArray>,
}

/// Writes `image` as VTK ImageData with cell data, replacing what is at `path`.
///
/// Axes that the image lacks have one voxel with the edge of its last one. VTK's numbers have x fastest: they are
/// transposed on the way.
///
/// # Errors
/// [`Error::Shape`] for other than one to three axes or an array of another length, [`Error::Parameter`] for a spacing
/// that is not positive and finite, an axis beyond 2³¹ - 1 voxels, a name that is empty, comes twice or has control
/// characters, or other than 1 to 3 components; [`Error::Io`].
///
/// ```
/// use gaptooth::io::{CellArray, VtkImage, write_vti};
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("flux.vti");
/// let flux = CellArray { name: "flux".into(), components: 2, values: vec![1.0; 12] };
/// write_vti(&path, &VtkImage { shape: vec![2, 3], spacing: vec![0.5, 0.5], arrays: vec![flux] })?;
/// let bytes = std::fs::read(&path).unwrap();
/// assert!(String::from_utf8_lossy(&bytes).contains("WholeExtent=\"0 2 0 3 0 1\""));
/// # Ok::<(), gaptooth::Error>(())
/// ```
pub fn write_vti(path: &Path, image: &VtkImage) -> Result<()> {
    image.check()?;
    let header = image.header();
    atomic::write_with(path, |file| {
        file.write_all(header.as_bytes())?;
        image.arrays.iter().try_for_each(|array| write_block(file, image.axes(), array))?;
        file.write_all(b"\n  </AppendedData>\n</VTKFile>\n")
    })
}

impl VtkImage {
    fn check(&self) -> Result<()> {
        let (shape, axes) = (&self.shape, self.shape.len());
        let count = shape.iter().try_fold(1_usize, |n, &m| n.checked_mul(m));
        let (1..=3, Some(count)) = (axes, count) else {
            return Err(wrong_shape("the image".into(), vec![1; 3], shape));
        };
        if self.spacing.len() != axes {
            return Err(wrong_shape("the spacing".into(), vec![axes], &[self.spacing.len()]));
        }
        if let Some(n) = shape.iter().find(|n| **n == 0 || i32::try_from(**n).is_err()) {
            return Err(Error::parameter("shape", n, "1 to 2³¹ - 1 voxels along each axis", "VTK counts no further"));
        }
        if let Some(h) = self.spacing.iter().find(|h| !(h.is_finite() && **h > 0.0)) {
            return Err(Error::parameter("spacing", h, "positive and finite", "Give the edges of a voxel"));
        }
        let mut names = BTreeSet::new();
        self.arrays.iter().try_for_each(|array| array.check(count, &mut names))
    }

    /// With an axis of one voxel for each that is missing.
    fn axes(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.shape.get(axis).copied().unwrap_or(1))
    }

    fn header(&self) -> String {
        let [x, y, z] = self.axes();
        let last = self.spacing[self.spacing.len() - 1];
        let [dx, dy, dz]: [f64; 3] = std::array::from_fn(|axis| self.spacing.get(axis).copied().unwrap_or(last));
        let active = |vector: bool| self.arrays.iter().find(|a| (a.components > 1) == vector);
        let attribute = |key, array: Option<&CellArray>| {
            array.map(|a| format!(" {key}=\"{}\"", escaped(&a.name))).unwrap_or_default()
        };
        let mut arrays = String::new();
        let mut offset = 0;
        for array in &self.arrays {
            let components = array.written();
            arrays += &format!(
                "        <DataArray type=\"Float64\" Name=\"{}\" NumberOfComponents=\"{components}\" \
                 format=\"appended\" offset=\"{offset}\"/>\n",
                escaped(&array.name)
            );
            offset += 8 + 8 * components * x * y * z;
        }
        format!(
            "<?xml version=\"1.0\"?>\n\
             <VTKFile type=\"ImageData\" version=\"1.0\" byte_order=\"LittleEndian\" header_type=\"UInt64\">\n  \
             <ImageData WholeExtent=\"0 {x} 0 {y} 0 {z}\" Origin=\"0 0 0\" Spacing=\"{dx} {dy} {dz}\">\n    \
             <Piece Extent=\"0 {x} 0 {y} 0 {z}\">\n      <CellData{}{}>\n{arrays}      </CellData>\n    </Piece>\n  \
             </ImageData>\n  <AppendedData encoding=\"raw\">\n   _",
            attribute("Scalars", active(false)),
            attribute("Vectors", active(true)),
        )
    }
}

impl CellArray {
    fn check<'a>(&'a self, cells: usize, names: &mut BTreeSet<&'a str>) -> Result<()> {
        let name = self.name.as_str();
        if name.trim().is_empty() || name.contains(char::is_control) || !names.insert(name) {
            let expected = "not empty, without control characters, each name once";
            return Err(Error::parameter("array name", format!("`{name}`"), expected, "Rename the array"));
        }
        if !(1..=3).contains(&self.components) {
            let what = format!("components of `{name}`");
            return Err(Error::parameter(what, self.components, "1 to 3", "Write each component as an array"));
        }
        let expected = cells.checked_mul(self.components);
        if expected != Some(self.values.len()) {
            let what = format!("`{name}` ({} components of {cells} voxels)", self.components);
            return Err(wrong_shape(what, expected.into_iter().collect(), &[self.values.len()]));
        }
        Ok(())
    }

    /// The number of components in the file: VTK's vectors have three.
    fn written(&self) -> usize {
        if self.components == 1 { 1 } else { 3 }
    }
}

fn wrong_shape(what: String, expected: Vec<usize>, found: &[usize]) -> Error {
    Error::Shape { what, expected, found: found.to_vec() }
}

fn escaped(name: &str) -> String {
    let entity = |c| match c {
        '&' => "&amp;".into(),
        '<' => "&lt;".into(),
        '>' => "&gt;".into(),
        '"' => "&quot;".into(),
        '\'' => "&apos;".into(),
        other => String::from(other),
    };
    name.chars().map(entity).collect()
}

/// The length in bytes, then the values with x fastest, a slab of planes at a time.
fn write_block(file: &mut dyn Write, [nx, ny, nz]: [usize; 3], array: &CellArray) -> io::Result<()> {
    let (read, written) = (array.components, array.written());
    file.write_all(&((8 * written * nx * ny * nz) as u64).to_le_bytes())?;
    let plane = 8 * written * nx * ny;
    let mut slab = vec![0; plane * SLAB.min(nz)];
    for first in (0..nz).step_by(SLAB) {
        let planes = SLAB.min(nz - first);
        for (x, y) in (0..nx).flat_map(|x| (0..ny).map(move |y| (x, y))) {
            let voxels = &array.values[read * ((x * ny + y) * nz + first)..][..read * planes];
            for (k, voxel) in voxels.chunks_exact(read).enumerate() {
                let at = k * plane + 8 * written * (y * nx + x);
                let bytes = slab[at..].chunks_exact_mut(8);
                bytes.zip(voxel).for_each(|(out, value)| out.copy_from_slice(&value.to_le_bytes()));
            }
        }
        file.write_all(&slab[..planes * plane])?;
    }
    Ok(())
}
