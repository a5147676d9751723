//! Coefficients a(x, y) that the user writes as formulas or tables.
