//! Figures from data, and the HTML page.
