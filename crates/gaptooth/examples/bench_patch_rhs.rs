//! Our side of `bench/patch_rhs`: one right-hand side of coupled patches, single-threaded, as one line of JSON.
//!
//! Arguments: dimension (2 or 3), patches per direction, calls per repetition, repetitions, and periods of 3 points in a patch along each
//! direction (1 if left out). Spectral next-to-edge coupling, ratio 0.1: the gap-tooth of Arbabi et al. 2020, section 5.2, for 2 and 16.

use std::{f64::consts::PI, time::Instant};

use gaptooth::{
    Error, Result,
    coefficient::lattice::{Bond, BondLattice},
    ode::OdeSystem,
    patch::{
        Coupling, PatchGrid, PatchSystem,
        grid::{PatchAxis, PatchShape, Source},
        lattice::LatticeDiffusion,
    },
};

fn system<const D: usize>(n: usize, periods: usize) -> Result<PatchSystem<D, LatticeDiffusion<D>>> {
    let shape = PatchShape::from_ratio(0.1, 2.0 * PI / n as f64, Source::NextToEdge, 3 * periods + 2, 1)?;
    let axis = PatchAxis::periodic([0.0, 2.0 * PI], n, shape)?;
    let table = |d: usize| (0..3usize.pow(D as u32)).map(|j| 1.5 + ((7 * j + 3 * d) as f64).sin()).collect();
    let lattice = BondLattice::new([3; D], std::array::from_fn(table), Bond::Right)?;
    let coupling = Coupling::Spectral { source: Source::NextToEdge };
    PatchSystem::new(LatticeDiffusion::new(lattice), PatchGrid::new(std::array::from_fn(|_| axis.clone())), coupling)
}

fn time<const D: usize>([n, calls, repetitions, periods]: [usize; 4]) -> Result<(Vec<f64>, f64, usize)> {
    let system = system::<D>(n, periods)?;
    let plane = |x: f64, y: f64| x.sin() * (2.0 * y).cos() + 0.3 * (x + y).cos();
    let u = system.sample(|_, x, _| plane(x[0], x[1]) * x.get(2).map_or(1.0, |z| z.cos()));
    let mut du = vec![0.0; u.len()];
    let mut seconds = Vec::new();
    for _ in 0..repetitions {
        let started = Instant::now();
        for _ in 0..calls {
            system.rhs_into(0.0, std::hint::black_box(&u), std::hint::black_box(&mut du));
        }
        seconds.push(started.elapsed().as_secs_f64() / calls as f64);
    }
    Ok((seconds, du.iter().map(|d| d * d).sum::<f64>().sqrt(), du.len()))
}

fn main() -> Result<()> {
    let arguments: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let (dimension, n, calls, repetitions, periods) = match arguments[..] {
        [dimension, n, calls, repetitions] => (dimension, n, calls, repetitions, 1),
        [dimension, n, calls, repetitions, periods] => (dimension, n, calls, repetitions, periods),
        _ => return Err(Error::parameter("arguments", arguments.len(), "4 or 5 whole numbers", "try 2 16 1000 5")),
    };
    let asked = [n, calls, repetitions, periods];
    let (seconds, norm, unknowns) = match dimension {
        2 => time::<2>(asked)?,
        3 => time::<3>(asked)?,
        _ => return Err(Error::parameter("dimension", dimension, "2 or 3", "try 2 16 1000 5")),
    };
    let json = serde_json::json!({ "n": n, "seconds": seconds, "norm": norm, "unknowns": unknowns });
    println!("{json}");
    Ok(())
}
