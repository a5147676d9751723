//! Macroscale laws fitted to patch data.
