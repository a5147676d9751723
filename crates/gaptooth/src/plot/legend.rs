//! Where a legend covers no data.

use kuva::plot::legend::LegendPosition;

/// What is drawn in a panel, in fractions of its axes: (0, 0) lower left, (1, 1) upper right.
pub(crate) type Drawn = Vec<Vec<(f64, f64)>>;

/// Where the legend goes, and the part of the height by which the ordinate must first be lengthened at its top.
pub(crate) struct Placement {
    pub position: LegendPosition,
    pub headroom: f64,
}

/// The first free corner for a box of `width` × `height` (fractions of the axes); else a little room is made at the top;
/// else it goes below the axes.
pub(crate) fn place(drawn: &Drawn, width: f64, height: f64) -> Placement {
    use LegendPosition::*;
    let corners = [
        (InsideTopRight, 1.0 - width, 1.0 - height),
        (InsideTopLeft, 0.0, 1.0 - height),
        (InsideBottomRight, 1.0 - width, 0.0),
        (InsideBottomLeft, 0.0, 0.0),
        (InsideTopCenter, 0.5 - 0.5 * width, 1.0 - height),
        (InsideBottomCenter, 0.5 - 0.5 * width, 0.0),
    ];
    let fits = width < 0.9 && height < 0.6;
    let free = corners.into_iter().find(|&(_, x, y)| fits && !covers(drawn, (x, x + width), (y, y + height)));
    match free {
        Some((position, ..)) => Placement { position, headroom: 0.0 },
        None if height < 0.3 && width < 0.9 => {
            Placement { position: InsideTopRight, headroom: height / (1.0 - height) }
        }
        None => Placement { position: OutsideBottomColumns, headroom: 0.0 },
    }
}

fn covers(drawn: &Drawn, x: (f64, f64), y: (f64, f64)) -> bool {
    let inside = |p: (f64, f64)| p.0 >= x.0 && p.0 <= x.1 && p.1 >= y.0 && p.1 <= y.1;
    drawn.iter().any(|piece| {
        piece.first().is_some_and(|&p| inside(p))
            || piece.windows(2).any(|w| {
                let steps = (((w[1].0 - w[0].0).abs() + (w[1].1 - w[0].1).abs()) * 50.0).ceil().max(1.0);
                (1..=steps as usize).any(|i| {
                    let s = i as f64 / steps;
                    inside((w[0].0 + s * (w[1].0 - w[0].0), w[0].1 + s * (w[1].1 - w[0].1)))
                })
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_corner_is_taken_and_room_made_where_none_is() {
        let rising = vec![(0..=50).map(|i| (i as f64 / 50.0, i as f64 / 50.0)).collect::<Vec<_>>()];
        assert!(matches!(place(&rising, 0.3, 0.3).position, LegendPosition::InsideTopLeft));
        let long_segments = vec![vec![(0.0, 0.0), (1.0, 1.0)], vec![(0.0, 1.0), (1.0, 0.5)]];
        assert!(matches!(place(&long_segments, 0.3, 0.3).position, LegendPosition::InsideBottomRight));
        let everywhere: Drawn = (0..40).map(|i| vec![(i as f64 / 39.0, 0.0), (i as f64 / 39.0, 1.0)]).collect();
        let placed = place(&everywhere, 0.3, 0.2);
        assert!(matches!(placed.position, LegendPosition::InsideTopRight));
        // The data then fills 1 / (1 + headroom) of the height, and the box the rest.
        assert!((1.0 / (1.0 + placed.headroom) - 0.8).abs() < 1e-12);
        assert!(matches!(place(&everywhere, 0.3, 0.7).position, LegendPosition::OutsideBottomColumns));
    }
}
