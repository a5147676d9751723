//! The built-in studies, as they lie in `studies/`.

/// Name and text of each.
pub const BUILTIN: [(&str, &str); 9] = [
    ("diffusion-1d", include_str!("../../../../studies/diffusion-1d.toml")),
    ("arbabi-1d", include_str!("../../../../studies/arbabi-1d.toml")),
    ("arbabi-2d", include_str!("../../../../studies/arbabi-2d.toml")),
    ("nhpinn-intro-1d", include_str!("../../../../studies/nhpinn-intro-1d.toml")),
    ("nhpinn-elliptic-2d", include_str!("../../../../studies/nhpinn-elliptic-2d.toml")),
    ("nhpinn-slow-1d", include_str!("../../../../studies/nhpinn-slow-1d.toml")),
    ("nhpinn-reaction-10", include_str!("../../../../studies/nhpinn-reaction-10.toml")),
    ("nhpinn-reaction-50", include_str!("../../../../studies/nhpinn-reaction-50.toml")),
    ("resolved-1d", include_str!("../../../../studies/resolved-1d.toml")),
];

/// The text of a built-in study.
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}
