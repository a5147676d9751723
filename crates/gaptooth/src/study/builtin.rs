//! The built-in studies, as they lie in `studies/`.

/// Name and text of each.
pub const BUILTIN: [(&str, &str); 4] = [
    ("diffusion-1d", include_str!("../../../../studies/diffusion-1d.toml")),
    ("arbabi-1d", include_str!("../../../../studies/arbabi-1d.toml")),
    ("arbabi-2d", include_str!("../../../../studies/arbabi-2d.toml")),
    ("resolved-1d", include_str!("../../../../studies/resolved-1d.toml")),
];

/// The text of a built-in study.
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}
