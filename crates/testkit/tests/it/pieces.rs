//! Splits bytes into the pieces in which they arrive.

/// Splits `bytes` at the given fractions of its length, in units of 1/65,535. Pieces may be empty.
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
