//! Patches beyond the ends of a bounded domain: mirror images, so that the coupling stays self-adjoint.
//!
//! With centres in the middle of equal cells ([`Placement::CellCentred`](crate::patch::grid::Placement)) the row of patches
//! I = 1 … N and its mirror images about both ends are one equispaced, periodic row: of 2N patches when the ends are alike,
//! of 4N when they differ. The image of patch I about the left end is number 1 − I, its point i is point n − 1 − i of
//! patch I (i = 0 … n − 1), and its value that of patch I times s = 1 (no flux) or s = −1 (value zero). So the periodic coupling
//! with the kernel K, right edge of I = Σ_J K_{I−J} u_{1,J}, becomes on the real patches (the left end alone, for brevity)
//!
//! > right edge of I = Σ_J K_{I−J} u_{1,J} + s K_{I+J−1} u_{n−2,J},
//! > left edge of I = Σ_J K_{J−I} u_{n−2,J} + s K_{1−I−J} u_{1,J}.
//!
//! The images couple points n − 2 with points n − 2, and 1 with 1, by weights that are symmetric in I and J; the other two
//! blocks are transposes of each other as before. So J = Jᵀ exactly when it was on the periodic domain: when the links at the two
//! edges of a patch are equal.
//!
//! The slow modes are sines and cosines. Where the medium is its own mirror image about the middle of a patch, the
//! periodic row of patches samples one periodic medium, and spectral coupling has the eigenvalues of the whole bounded
//! lattice, those of the highest sine of two Dirichlet ends excepted. Otherwise the medium turns round at the
//! ends, which shifts them by a part of a period and leaves a layer of error there.
//!
//! A Dirichlet value g that is not zero is taken off first: u − ℓ is odd about the ends, ℓ linear (constant if one end
//! lets no flux through), and the coupling adds ℓ at the edge again.

use crate::patch::grid::{End, Ends, PatchAxis};

/// One patch of the unfolded row.
pub(super) struct Image {
    /// the patch that it is an image of
    pub(super) patch: usize,
    /// whether left and right are exchanged
    pub(super) mirrored: bool,
    /// what the values are multiplied by
    pub(super) sign: f64,
}

/// After how many patches the unfolded row repeats; `None` where no image fits: on a bounded axis that is not cell-centred.
pub(super) fn period(axis: &PatchAxis) -> Option<usize> {
    match axis.ends() {
        Ends::Periodic => Some(axis.n_patch()),
        Ends::Bounded(_) if !axis.is_cell_centred() => None,
        Ends::Bounded([first, last]) => Some(if first == last { 2 } else { 4 } * axis.n_patch()),
    }
}

/// Patch number `index` of the unfolded row, 0 … n_patch − 1 being the real ones.
pub(super) fn image(axis: &PatchAxis, index: isize) -> Image {
    let n = axis.n_patch() as isize;
    let (turn, place) = (index.div_euclid(n), index.rem_euclid(n) as usize);
    let Ends::Bounded(ends) = axis.ends() else {
        return Image { patch: place, mirrored: false, sign: 1.0 };
    };
    // The way there crosses the nearer end first, then both in turn.
    let [first, last] = ends.map(End::parity);
    let nearer = if turn > 0 { last } else { first };
    let sign = if turn % 2 == 0 { 1.0 } else { nearer } * if turn / 2 % 2 == 0 { 1.0 } else { first * last };
    let mirrored = turn % 2 != 0;
    Image { patch: if mirrored { axis.n_patch() - 1 - place } else { place }, mirrored, sign }
}

/// ℓ at `x` in terms of the values at the two ends: u = ℓ there, and ℓ has no flux through the other kind of end.
pub(super) fn lift(axis: &PatchAxis, x: f64) -> [f64; 2] {
    let along = (x - axis.domain()[0]) / axis.length();
    match axis.ends() {
        Ends::Bounded([End::Dirichlet, End::Dirichlet]) => [1.0 - along, along],
        Ends::Bounded([End::Dirichlet, End::Neumann]) => [1.0, 0.0],
        Ends::Bounded([End::Neumann, End::Dirichlet]) => [0.0, 1.0],
        _ => [0.0, 0.0],
    }
}
