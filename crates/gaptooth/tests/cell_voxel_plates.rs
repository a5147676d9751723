//! Samples of voxels between plates: the numbers of the periodic cell made of the sample and its mirror images.

use gaptooth::{
    cell::{VoxelAnswer, VoxelCell, VoxelOptions, VoxelSolver},
    observer::Silent,
};
use proptest::prelude::*;

type Matrix = Vec<Vec<f64>>;

/// Voxels `[x]`, `[x][y]` or `[x][y][z]` with edges `size`.
#[derive(Debug, Clone)]
struct Picture {
    shape: Vec<usize>,
    size: Vec<f64>,
    a: Vec<f64>,
}

impl Picture {
    fn new(shape: &[usize], size: &[f64], a: impl Fn(&[usize]) -> f64) -> Self {
        let voxels: usize = shape.iter().product();
        let a = (0..voxels).map(|i| a(&place(shape, i))).collect();
        Picture { shape: shape.to_vec(), size: size.to_vec(), a }
    }

    fn at(&self, place: &[usize]) -> f64 {
        self.a[place.iter().zip(&self.shape).fold(0, |index, (at, n)| index * n + at)]
    }

    fn cell(&self) -> VoxelCell {
        VoxelCell::new(&self.shape, &self.size, self.a.clone()).unwrap()
    }

    /// With its mirror images along every axis.
    fn mirrored(&self) -> Self {
        let double: Vec<usize> = self.shape.iter().map(|n| 2 * n).collect();
        let image = |(at, n): (&usize, &usize)| if at < n { *at } else { 2 * n - 1 - at };
        let inside = |at: &[usize]| at.iter().zip(&self.shape).map(image).collect::<Vec<usize>>();
        Picture::new(&double, &self.size, |at| self.at(&inside(at)))
    }

    /// The same material with voxels of half the edge.
    fn finer(&self) -> Self {
        let double: Vec<usize> = self.shape.iter().map(|n| 2 * n).collect();
        let size: Vec<f64> = self.size.iter().map(|h| 0.5 * h).collect();
        Picture::new(&double, &size, |at| self.at(&at.iter().map(|i| i / 2).collect::<Vec<usize>>()))
    }

    fn between_plates(&self, tolerance: f64) -> VoxelAnswer {
        let options = VoxelOptions { tolerance, solver: VoxelSolver::Fft, bounds: true, fields: true };
        self.cell().between_plates().effective(&options, &Silent).unwrap()
    }
}

fn place(shape: &[usize], mut index: usize) -> Vec<usize> {
    let mut at = vec![0; shape.len()];
    for (at, n) in at.iter_mut().zip(shape).rev() {
        *at = index % n;
        index /= n;
    }
    at
}

fn matrices(answer: &VoxelAnswer) -> [&Matrix; 3] {
    let found = &answer.effective;
    [found.lower.as_ref().unwrap(), &found.tensor, found.upper.as_ref().unwrap()]
}

/// Pictures of one to three axes, some of a single voxel, with anisotropic voxels and up to three phases.
fn pictures() -> impl Strategy<Value = Picture> {
    let shape = prop::collection::vec(1usize..6, 1..4);
    let phases = prop::collection::vec(0usize..6, 125);
    (shape, phases, 0usize..3).prop_map(|(shape, phases, low)| {
        let conductivity = [1.0, 1.0, 1.0, [0.0, 1e-3, 30.0][low], [0.0, 1e-3, 30.0][low], 0.2];
        let index = |at: &[usize]| at.iter().fold(0, |index, i| index * 5 + i);
        Picture::new(&shape, &[1.0, 0.7, 1.9][..shape.len()], |at| conductivity[phases[index(at)]])
    })
}

#[test]
fn two_bars_and_voxels_in_series() {
    // two bars side by side, one of them cut in the middle: between plates only the other conducts, and the cut one with gaps
    let bars = Picture::new(&[6, 4], &[1.0, 1.0], |at| match at {
        [_, 0 | 1] => 1.0,
        [0..3, _] => 2.0,
        _ => 0.0,
    });
    let found = bars.between_plates(1e-12);
    let [lower, tensor, upper] = matrices(&found);
    assert!([lower, tensor, upper].iter().all(|m| m[0][1] == 0.0 && m[1][0] == 0.0));
    assert!(lower[0][0] >= 0.5 && upper[0][0] < 1.0 && lower[0][0] <= upper[0][0], "{lower:?} {upper:?}");
    assert_eq!((found.percolating, found.effective.unknowns), (vec![0.75, 0.75], 24));
    assert!(found.effective.method.ends_with("between plates"));
    // a column of voxels in series is exact: 1/(½·1 + ½/4)
    let series = Picture::new(&[6], &[0.5], |at| if at[0] < 3 { 1.0 } else { 4.0 });
    let found = series.between_plates(1e-12);
    assert!(matrices(&found).iter().all(|m| (m[0][0] - 1.6).abs() < 1e-11), "{found:?}");
    let corrector = &found.fields.unwrap().responses[0].corrector;
    // the flux 1.6 through half a voxel from the plate
    assert!((corrector[0] - 0.25 * (1.6 - 1.0)).abs() < 1e-6, "{corrector:?}");
    // nothing to solve
    for shape in [vec![1], vec![1, 1, 1], vec![1, 4]] {
        let one = Picture::new(&shape, &[1.0, 2.0, 3.0][..shape.len()], |_| 4.5);
        let found = one.between_plates(1e-12);
        assert!(matrices(&found).iter().all(|m| (0..shape.len()).all(|d| (m[d][d] - 4.5).abs() < 1e-11)), "{found:?}");
    }
}

#[test]
fn what_winds_around_the_cell_need_not_conduct_between_plates() {
    // a staircase that leaves at the right and comes back at the left: from plate to plate there is none
    let stairs = Picture::new(&[6, 6], &[1.0; 2], |at| {
        let shift = (at[1] + 6 - at[0]) % 6;
        if at[0] != 3 && (shift == 3 || shift == 4) { 1.0 } else { 0.0 }
    });
    let found = stairs.between_plates(1e-12);
    assert!(matrices(&found).iter().all(|m| m.iter().flatten().all(|a| *a == 0.0)), "{found:?}");
    assert_eq!(found.percolating, [0.0; 2]);
    let part = stairs.cell().between_plates().part(&[0, 0], &[3, 6]).unwrap();
    let found = part.effective(&VoxelOptions::default(), &Silent).unwrap();
    assert!(found.percolating[0] > 0.0 && found.effective.method.ends_with("between plates"));
}

#[test]
fn threads_do_not_change_a_bit() {
    let a = |at: &[usize]| if (at[0] * 7 + at[1] * at[1] * 3 + at[2] * 5) % 11 < 6 { 1.0 } else { 0.02 };
    let picture = Picture::new(&[17, 9, 12], &[1.0, 2.0, 0.5], a);
    let by = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| picture.between_plates(1e-9))
    };
    assert_eq!(by(1), by(3));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Tensor, bounds, shares and fields are those of the mirrored cell.
    #[test]
    fn a_sample_is_its_mirrored_cell(picture in pictures()) {
        let found = picture.between_plates(1e-13);
        let mirrored = picture.mirrored();
        let options = VoxelOptions { tolerance: 1e-13, solver: VoxelSolver::Fft, bounds: true, fields: true };
        let expected = mirrored.cell().effective(&options, &Silent).unwrap();
        for (found, expected) in matrices(&found).into_iter().zip(matrices(&expected)) {
            let pairs = found.iter().flatten().zip(expected.iter().flatten());
            prop_assert!(pairs.clone().all(|(f, e)| (f - e).abs() < 1e-7), "{found:?} {expected:?}");
        }
        let shares = found.percolating.iter().zip(&expected.percolating);
        prop_assert!(shares.clone().all(|(f, e)| (f - e).abs() < 1e-12), "{shares:?}");
        let (fields, whole) = (found.fields.as_ref().unwrap(), expected.fields.as_ref().unwrap());
        let d = picture.shape.len();
        prop_assert_eq!(fields.responses.len(), whole.responses.len());
        for (own, whole) in fields.responses.iter().zip(&whole.responses) {
            prop_assert_eq!(own.axis, whole.axis);
            for voxel in 0..picture.a.len() {
                let image = place(&picture.shape, voxel).iter().zip(&mirrored.shape).fold(0, |index, (at, n)| index * n + at);
                for component in 0..d {
                    let [one, two] = [own.flux[d * voxel + component], whole.flux[d * image + component]];
                    // a relative error of 1e-13 in the energy is one of its root in the fields
                    prop_assert!((one - two).abs() < 1e-4, "{one} {two}");
                }
                prop_assert_eq!(own.corrector[voxel].is_nan(), whole.corrector[image].is_nan());
            }
            for component in 0..d {
                let mean = own.flux.iter().skip(component).step_by(d).sum::<f64>() / picture.a.len() as f64;
                let entry = if component == own.axis { found.effective.tensor[component][component] } else { 0.0 };
                // lateral fluxes cancel against those of the images only
                prop_assert!(component != own.axis || (mean - entry).abs() < 1e-5, "{mean} {entry}");
            }
        }
    }

    /// Whenever the solver stops, the interval holds the truth: that of the same picture with finer voxels is known better.
    #[test]
    fn bounds_hold_for_unconverged_iterates(picture in pictures(), stop in 0i32..9) {
        let rough = picture.between_plates(10f64.powi(-stop - 1));
        let exact = picture.between_plates(1e-11);
        let finer = picture.finer().between_plates(1e-11);
        let [finest_lower, _, finest_upper] = matrices(&finer);
        for d in 0..picture.shape.len() {
            for answer in [&rough, &exact] {
                let [lower, _, upper] = matrices(answer);
                prop_assert!(lower[d][d] <= finest_upper[d][d] + 1e-10, "{lower:?} {finest_upper:?}");
                prop_assert!(finest_lower[d][d] <= upper[d][d] + 1e-10, "{finest_lower:?} {upper:?}");
            }
            let ([lower, tensor, upper], [.., above]) = (matrices(&exact), matrices(&rough));
            prop_assert!(lower[d][d] >= tensor[d][d] - 1e-10 && above[d][d] >= upper[d][d] - 1e-10);
        }
    }
}
