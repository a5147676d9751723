//! Cell problems and effective coefficients: the truth track.
