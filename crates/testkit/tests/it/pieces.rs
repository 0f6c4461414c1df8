//! Cuts bytes into the pieces in which they arrive.

/// Cuts `bytes` at fractions of its length.
pub(crate) fn cut<'a>(bytes: &'a [u8], cuts: &[u16]) -> Vec<&'a [u8]> {
    let place = |cut: &u16| usize::from(*cut) * bytes.len() / usize::from(u16::MAX);
    let mut places: Vec<usize> = cuts.iter().map(place).collect();
    places.sort_unstable();
    let mut rest = bytes;
    let mut pieces = Vec::new();
    let mut start = 0;
    for place in places {
        let (piece, after) = rest.split_at(place - start);
        pieces.push(piece);
        rest = after;
        start = place;
    }
    pieces.push(rest);
    pieces
}
