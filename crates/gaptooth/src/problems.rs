//! Cases with known answers.
