//! All phase shifts of a periodic medium at once.
//!
//! Member m carries the coefficients shifted by m: c_m(j) = c(j − m), in every direction. The right edge of member m is
//! then the left next-to-edge value not of m but of the member whose phase there is the same. So the coupled system is
//! self-adjoint, and its slow modes are those of the whole lattice, for any patch size against any period. Source: Bunder, Roberts
//! & Kevrekidis, J. Comput. Phys. 337 (2017) 154–174; Bunder, Kevrekidis & Roberts, Numer. Math. 149 (2021) 229–272.

/// The members of an ensemble of phase shifts: `periods[0] · … · periods[D − 1]` of them, the first direction fastest; or several such, which
/// have nothing to do with one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ensemble<const D: usize> {
    periods: [usize; D],
    copies: usize,
}

impl<const D: usize> Ensemble<D> {
    /// One member, not shifted.
    pub const SINGLE: Self = Ensemble { periods: [1; D], copies: 1 };

    /// All shifts of a medium with `periods` microscale points in each direction.
    ///
    /// # Panics
    /// For a period of zero.
    pub fn new(periods: [usize; D]) -> Self {
        assert!(periods.iter().all(|&p| p > 0), "a period has at least one point");
        Ensemble { periods, copies: 1 }
    }

    /// So many unshifted members: states of one system side by side, each coupled with itself alone.
    ///
    /// ```
    /// use gaptooth::patch::ensemble::Ensemble;
    /// let ensemble = Ensemble::<1>::copies(3);
    /// assert_eq!((ensemble.len(), ensemble.source(2, 0, 4, 1)), (3, 2));
    /// ```
    ///
    /// # Panics
    /// For none.
    pub fn copies(copies: usize) -> Self {
        assert!(copies > 0, "an ensemble has at least one member");
        Ensemble { copies, ..Ensemble::SINGLE }
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.periods.iter().product::<usize>() * self.copies
    }

    /// Never true.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Members in each direction.
    pub fn periods(&self) -> [usize; D] {
        self.periods
    }

    /// By how many points member `member` is shifted in each direction.
    pub fn shift(&self, mut member: usize) -> [usize; D] {
        self.periods.map(|p| {
            let shift = member % p;
            member /= p;
            shift
        })
    }

    /// The member whose layer `source` has the phase that layer `target` of `member` has, along `direction`.
    ///
    /// ```
    /// use gaptooth::patch::ensemble::Ensemble;
    /// // Patches of 3 × 4 points over periods of 2 × 3: the right edge is layer 2, and comes from layer 1.
    /// let ensemble = Ensemble::new([2, 3]);
    /// let right: Vec<usize> = (0..6).map(|m| ensemble.source(m, 0, 2, 1)).collect();
    /// assert_eq!(right, [1, 0, 3, 2, 5, 4]);
    /// ```
    pub fn source(&self, member: usize, direction: usize, target: usize, source: usize) -> usize {
        let p = self.periods[direction];
        let stride: usize = self.periods[..direction].iter().product();
        let shift = member / stride % p;
        let other = (shift + source % p + p - target % p) % p;
        member - shift * stride + other * stride
    }
}
