//! Inside a cell of voxels: which bodies percolate, the fields, parts cut out.

use std::collections::VecDeque;

use gaptooth::{
    cell::{VoxelAnswer, VoxelCell, VoxelOptions},
    observer::Silent,
};
use proptest::prelude::*;

fn solve(shape: &[usize], size: &[f64], a: Vec<f64>, options: &VoxelOptions) -> VoxelAnswer {
    VoxelCell::new(shape, size, a).unwrap().effective(options, &Silent).unwrap()
}

/// Share of the voxels that percolate along each axis, flood by flood through the unrolled cell.
fn flooded(n: [usize; 3], open: &[bool]) -> Vec<f64> {
    let index = |p: [i32; 3]| {
        let at = |d: usize| p[d].rem_euclid(n[d] as i32) as usize;
        (at(0) * n[1] + at(1)) * n[2] + at(2)
    };
    let mut copies: Vec<Option<[i32; 3]>> = vec![None; open.len()];
    let mut share = vec![0.0; 3];
    for start in 0..open.len() {
        if !open[start] || copies[start].is_some() {
            continue;
        }
        let first = [start / (n[1] * n[2]), start / n[2] % n[1], start % n[2]].map(|i| i as i32);
        let (mut waiting, mut winds, mut voxels) = (VecDeque::from([first]), [false; 3], 0);
        copies[start] = Some([0; 3]);
        while let Some(p) = waiting.pop_front() {
            voxels += 1;
            for (d, step) in (0..3).flat_map(|d| [(d, 1), (d, -1)]) {
                let mut q = p;
                q[d] += step;
                let copy: [i32; 3] = std::array::from_fn(|d| q[d].div_euclid(n[d] as i32));
                match (open[index(q)], copies[index(q)]) {
                    (true, None) => {
                        copies[index(q)] = Some(copy);
                        waiting.push_back(q);
                    }
                    (true, Some(there)) => (0..3).for_each(|d| winds[d] |= there[d] != copy[d]),
                    (false, _) => {}
                }
            }
        }
        (0..3).filter(|d| winds[*d]).for_each(|d| share[d] += f64::from(voxels) / open.len() as f64);
    }
    share
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Bodies from runs are those that a flood finds.
    #[test]
    fn what_percolates_is_what_a_flood_finds(
        n in prop::array::uniform3(1usize..7), noise in prop::collection::vec(0.0f64..1.0, 216), level in 0.2f64..0.9,
    ) {
        let open: Vec<bool> = noise[..n.iter().product()].iter().map(|x| *x < level).collect();
        let a = open.iter().map(|open| if *open { 1.0 } else { 0.0 }).collect();
        let found = solve(&n, &[1.0; 3], a, &VoxelOptions { tolerance: 1e-2, ..Default::default() });
        let expected = flooded(n, &open);
        prop_assert!(found.percolating.iter().zip(&expected).all(|(f, e)| (f - e).abs() < 1e-12), "{:?} {expected:?}", found.percolating);
    }
}

/// An island that touches what conducts at a corner carries nothing, and does not widen the interval.
#[test]
fn an_island_at_a_corner_has_no_part() {
    let options = VoxelOptions { tolerance: 1e-12, bounds: true, ..Default::default() };
    for shape in [vec![4, 5], vec![4, 5, 3]] {
        let voxels: usize = shape.iter().product();
        let (mut a, mut clean) = (vec![0.0; voxels], vec![0.0; voxels]);
        let row = voxels / shape[0];
        (0..row).for_each(|i| (a[i], clean[i]) = (1.0, 1.0));
        // across the corner from the first plane; one voxel off it would be joined
        a[2 * row + 1] = 1.0;
        let [found, clean] = [a, clean].map(|a| solve(&shape, &vec![1.0; shape.len()], a, &options).effective);
        assert_eq!((&found.lower, &found.upper), (&clean.lower, &clean.upper));
        assert!((found.upper.unwrap()[1][1] - 0.25).abs() < 1e-11);
    }
}

#[test]
fn fields_of_layers() {
    // a relative error of 1e-14 in the energy, all of it in one of 60 voxels, is one of √(60·8·3.6·1e-14) in its flux
    // across layers the flux is the harmonic mean everywhere, the corrector's slope makes up for a
    let (n, h) = ([10, 3, 2], [0.1, 0.5, 0.25]);
    let a: Vec<f64> = (0..60).map(|i| if i / 6 < 4 { 2.0 } else { 8.0 }).collect();
    let found = solve(&n, &h, a.clone(), &VoxelOptions { tolerance: 1e-14, fields: true, ..Default::default() });
    let fields = found.fields.unwrap();
    let harmonic = 1.0 / (0.4 / 2.0 + 0.6 / 8.0);
    assert!(fields.conductivity.iter().zip(&a).all(|(f, a)| (f - a).abs() < 1e-15 * a));
    assert_eq!(fields.responses.iter().map(|r| r.axis).collect::<Vec<_>>(), [0, 1, 2]);
    for (voxel, a) in a.iter().enumerate() {
        for response in &fields.responses {
            for component in 0..3 {
                let exact = match (response.axis, component) {
                    (0, 0) => harmonic,
                    (i, j) if i == j => *a,
                    _ => 0.0,
                };
                let flux = response.flux[3 * voxel + component];
                assert!((flux - exact).abs() < 5e-6, "{voxel} {} {component}: {flux} {exact}", response.axis);
            }
        }
    }
    let corrector = &fields.responses[0].corrector;
    assert!(corrector.iter().sum::<f64>().abs() < 1e-9);
    let slope = |i: usize| (corrector[6 * (i + 1)] - corrector[6 * i]) / h[0];
    assert!((slope(1) - (harmonic / 2.0 - 1.0)).abs() < 1e-6 && (slope(6) - (harmonic / 8.0 - 1.0)).abs() < 1e-6);
}

#[test]
fn fluxes_average_to_the_tensor_and_holes_have_no_potential() {
    let n = [7, 6, 5];
    let a: Vec<f64> = (0..210).map(|i| [1.0, 0.0, 3.0, 1.0, 2.0][(i * i + i / 7) % 5]).collect();
    let found = solve(
        &n,
        &[1.0, 2.0, 0.5],
        a,
        &VoxelOptions { tolerance: 1e-13, bounds: true, fields: true, ..Default::default() },
    );
    let fields = found.fields.unwrap();
    for response in &fields.responses {
        for component in 0..3 {
            let mean = response.flux.iter().skip(component).step_by(3).sum::<f64>() / 210.0;
            let entry = found.effective.tensor[component][response.axis];
            assert!((mean - entry).abs() < 1e-7, "{mean} {entry}");
        }
        // islands have no potential either
        let holes = fields.conductivity.iter().zip(&response.corrector).filter(|(a, _)| **a == 0.0);
        assert!(holes.clone().count() > 0 && holes.clone().all(|(_, u)| u.is_nan()));
        let rest = response.corrector.iter().filter(|u| u.is_finite());
        assert!(rest.clone().count() > 100 && rest.sum::<f64>().abs() < 1e-9);
    }
}

#[test]
fn a_part_is_a_cell_of_its_own() {
    let n = [4, 5, 6];
    let a: Vec<f64> = (0..120).map(|i| 1.0 + f64::from(i % 7)).collect();
    let cell = VoxelCell::new(&n, &[1.0, 2.0, 3.0], a.clone()).unwrap();
    let part = cell.part(&[1, 2, 0], &[2, 3, 4]).unwrap();
    let cut: Vec<f64> =
        (0..24).map(|i| (i / 12, i / 4 % 3, i % 4)).map(|(x, y, z)| a[((x + 1) * 5 + y + 2) * 6 + z]).collect();
    assert!(part.conductivities().zip(&cut).all(|(a, b)| (a - b).abs() < 1e-14));
    let options = VoxelOptions::default();
    let found = part.effective(&options, &Silent).unwrap().effective.tensor;
    let direct = solve(&[2, 3, 4], &[1.0, 2.0, 3.0], cut, &options).effective.tensor;
    assert!(found.iter().flatten().zip(direct.iter().flatten()).all(|(a, b)| (a - b).abs() < 1e-9));
    for (start, shape) in [([3, 0, 0], [2, 1, 1]), ([0, 0, 0], [0, 1, 1])] {
        assert!(cell.part(&start, &shape).unwrap_err().to_string().contains("a part of [4, 5, 6]"));
    }
    assert!(cell.part(&[0, 0], &[1, 1]).is_err());
}
