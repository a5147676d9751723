//! Patch grids, couplings and systems against the Equation-Free Toolbox (uoa1184615/EquationFreeGit, commit
//! f715a88) run in GNU Octave 7.3.0: cases W1, E1-E3, S1, S3, Q1, Q2, T1, P7 of `data/patches.json`, which
//! states inputs, numbers and tolerances.

mod case;
mod higher;
mod line;
