//! Pictures from data: figures as SVG and PNG, and the page that shows a whole report.
//!
//! Nothing is computed here that is not about drawing; what is drawn comes from [`crate::report`].

mod axis;
mod decimate;
pub mod figure;
mod legend;
pub mod number;
pub mod page;
pub mod render;
mod scene;
mod thin;

pub use figure::{png, svg};
pub use page::page;
pub use render::{read_report, rebuild_report, render_report};
