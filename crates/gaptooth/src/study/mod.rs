//! A study = problem + method + checks → report.
