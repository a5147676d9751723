//! Gauss–Legendre and Gauss–Lobatto points on [−1, 1], from Newton's method on Legendre polynomials.

/// Points and weights, ascending.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) points: Vec<f64>,
    pub(crate) weights: Vec<f64>,
}

/// P_n and P_n′ at t, by the three-term recurrence.
fn legendre(n: usize, t: f64) -> [f64; 2] {
    let (mut before, mut current) = (1.0, t);
    if n == 0 {
        return [1.0, 0.0];
    }
    for k in 2..=n {
        let k = k as f64;
        (before, current) = (current, ((2.0 * k - 1.0) * t * current - (k - 1.0) * before) / k);
    }
    [current, n as f64 * (t * current - before) / (t * t - 1.0)]
}

/// n points, exact to degree 2n − 1.
pub(crate) fn gauss(n: usize) -> Rule {
    let mut rule = Rule { points: vec![0.0; n], weights: vec![0.0; n] };
    for i in 0..n {
        // Tricomi's first guess; Newton doubles its digits
        let mut t = -(std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
        for _ in 0..100 {
            let [p, slope] = legendre(n, t);
            let step = p / slope;
            t -= step;
            if step.abs() < 1e-16 {
                break;
            }
        }
        let slope = legendre(n, t)[1];
        rule.points[i] = t;
        rule.weights[i] = 2.0 / ((1.0 - t * t) * slope * slope);
    }
    rule
}

/// The n + 1 Gauss–Lobatto points of degree n: both ends and the zeros of P_n′.
pub(crate) fn lobatto_points(n: usize) -> Vec<f64> {
    let mut points: Vec<f64> = (0..=n).map(|i| -(std::f64::consts::PI * i as f64 / n as f64).cos()).collect();
    for t in points.iter_mut().take(n).skip(1) {
        for _ in 0..100 {
            let [p, slope] = legendre(n, *t);
            // P_n″ from Legendre's equation
            let curvature = (2.0 * *t * slope - (n * (n + 1)) as f64 * p) / (1.0 - *t * *t);
            let step = slope / curvature;
            *t -= step;
            if step.abs() < 1e-16 {
                break;
            }
        }
    }
    points
}

/// `[points][nodes]`: the slope of each Lagrange polynomial of `nodes` at each of `points`.
pub(crate) fn lagrange_slopes(nodes: &[f64], points: &[f64]) -> Vec<Vec<f64>> {
    let slope = |j: usize, t: f64| -> f64 {
        let others = || (0..nodes.len()).filter(move |&m| m != j);
        let term = |m: usize| {
            let product: f64 = others().filter(|&l| l != m).map(|l| (t - nodes[l]) / (nodes[j] - nodes[l])).product();
            product / (nodes[j] - nodes[m])
        };
        others().map(term).sum()
    };
    points.iter().map(|&t| (0..nodes.len()).map(|j| slope(j, t)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauss_integrates_its_degree_exactly() {
        for n in 1..=24 {
            let rule = gauss(n);
            for degree in 0..2 * n {
                let sum: f64 = rule.points.iter().zip(&rule.weights).map(|(t, w)| w * t.powi(degree as i32)).sum();
                let exact = if degree % 2 == 0 { 2.0 / (degree as f64 + 1.0) } else { 0.0 };
                assert!((sum - exact).abs() < 4e-15, "n = {n}, degree {degree}: {sum} against {exact}");
            }
        }
    }

    #[test]
    fn lobatto_points_are_the_known_ones() {
        assert_eq!(lobatto_points(1), [-1.0, 1.0]);
        let four = lobatto_points(4);
        assert!((four[3] - (3.0_f64 / 7.0).sqrt()).abs() < 1e-15 && four[2].abs() < 1e-15);
    }

    #[test]
    fn slopes_differentiate_powers() {
        let nodes = lobatto_points(5);
        let points = [-0.9, 0.1, 0.75];
        for (row, t) in lagrange_slopes(&nodes, &points).iter().zip(points) {
            let slope: f64 = row.iter().zip(&nodes).map(|(d, x)| d * x.powi(5)).sum();
            assert!((slope - 5.0 * t.powi(4)).abs() < 1e-13);
        }
    }
}
