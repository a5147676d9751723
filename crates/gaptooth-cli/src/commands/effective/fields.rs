//! Correctors and fluxes of an image, for ParaView and xarray.

use gaptooth::{
    VERSION,
    cell::VoxelFields,
    io::{ArrayGroup, CellArray, NamedArray, RunDirectory, VtkImage, write_group, write_vti},
};

use crate::failure::Failure;

pub(super) const AXES: [&str; 3] = ["x", "y", "z"];

/// `fields.vti` and `data/fields.zarr`.
pub(super) fn write(
    directory: &RunDirectory,
    fields: VoxelFields,
    (shape, voxel_size): (&[usize], &[f64]),
    conditions: &str,
) -> Result<(), Failure> {
    let d = shape.len();
    let scalar = |name: String, values: Vec<f64>| CellArray { name, components: 1, values };
    let mut arrays = vec![scalar("conductivity".into(), fields.conductivity)];
    for response in fields.responses {
        let axis = AXES[response.axis];
        arrays.push(scalar(format!("corrector_{axis}"), response.corrector));
        // VTK takes one component for a scalar
        arrays.push(CellArray { name: format!("flux_{axis}"), components: d, values: response.flux });
    }
    let image = VtkImage { shape: shape.to_vec(), spacing: voxel_size.to_vec(), arrays };
    write_vti(&directory.path("fields.vti"), &image)?;
    let named = |array: CellArray| {
        let mut dims: Vec<&str> = AXES[..d].to_vec();
        let mut lengths = shape.to_vec();
        if array.name.starts_with("flux") {
            dims.push("component");
            lengths.push(d);
        }
        let about = match array.name.split('_').collect::<Vec<_>>()[..] {
            ["conductivity"] => "conductivity".into(),
            ["corrector", axis] => format!("corrector χ of a mean gradient along {axis}, in units of length"),
            [_, axis] => format!("flux a(e + ∇χ) for a mean gradient e along {axis}"),
            _ => String::new(),
        };
        NamedArray::new(&array.name, &dims, &lengths, array.values).attribute("long_name", about)
    };
    let mut arrays: Vec<NamedArray> = image.arrays.into_iter().map(named).collect();
    for ((axis, n), h) in AXES.iter().zip(shape).zip(voxel_size) {
        arrays.push(NamedArray::coordinate(axis, (0..*n).map(|i| (i as f64 + 0.5) * h).collect()));
    }
    arrays.push(NamedArray::coordinate("component", (0..d).map(|i| i as f64).collect()));
    let mut group = ArrayGroup { arrays, ..Default::default() };
    group.attributes.insert("conditions".into(), conditions.into());
    group.attributes.insert("version".into(), VERSION.into());
    write_group(&directory.dataset("fields"), &group)?;
    Ok(())
}
