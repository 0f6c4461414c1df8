//! Generates bytes of clients: valid, with one rule broken, and damaged.

use proptest::{collection::vec, prelude::*, sample::Index};

use crate::pieces::cut;

pub(super) type Bytes = Vec<u8>;

/// Fields of a frame, valid or not.
#[derive(Clone, Debug)]
struct Shape {
    first: u8,
    is_masked: bool,
    width: Width,
    mask: [u8; 4],
    payload: Bytes,
}

/// Encoding of the length.
#[derive(Clone, Copy, Debug)]
enum Width {
    Shortest,
    Medium,
    Long,
}

/// A rule to break.
#[derive(Clone, Debug)]
enum Fault {
    First(u8),
    Length(Width),
    NoMask,
    Payload(Bytes),
    Double,
    Remove,
}

impl Shape {
    fn write(&self, out: &mut Bytes) {
        let length = self.payload.len();
        let mask_bit = if self.is_masked { 0x80 } else { 0 };
        out.push(self.first);
        match self.width {
            Width::Shortest if length < 126 => {
                out.push(mask_bit | u8::try_from(length).unwrap());
            }
            Width::Shortest | Width::Medium => {
                out.push(mask_bit | 126);
                out.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            Width::Long => {
                out.push(mask_bit | 127);
                out.extend((length as u64).to_be_bytes());
            }
        }
        if self.is_masked {
            out.extend(self.mask);
            let masked = self.payload.iter().zip(self.mask.iter().cycle());
            out.extend(masked.map(|(byte, mask)| byte ^ mask));
        } else {
            out.extend(&self.payload);
        }
    }
}

/// Returns a frame with a valid length and mask. `first` and `payload` may be invalid.
pub(super) fn frame(first: u8, payload: &[u8]) -> Bytes {
    let mask = [0x11, 0xE2, 0x73, 0x04];
    let shape =
        Shape { first, is_masked: true, width: Width::Shortest, mask, payload: payload.to_vec() };
    let mut out = Bytes::new();
    shape.write(&mut out);
    out
}

/// Generates complete, valid conversations.
pub(super) fn valid() -> impl Strategy<Value = Bytes> {
    shapes().prop_map(|shapes| write(&shapes))
}

/// Generates conversations in which one frame is invalid, missing or duplicated.
pub(super) fn broken() -> impl Strategy<Value = Bytes> {
    (shapes(), any::<Index>(), fault()).prop_map(|(mut shapes, place, fault)| {
        let place = place.index(shapes.len());
        let shape = &mut shapes[place];
        match fault {
            Fault::First(bits) => shape.first ^= bits,
            Fault::Length(width) => shape.width = width,
            Fault::NoMask => shape.is_masked = false,
            Fault::Payload(payload) => shape.payload = payload,
            Fault::Double => shapes.insert(place, shapes[place].clone()),
            Fault::Remove => drop(shapes.remove(place)),
        }
        write(&shapes)
    })
}

/// Generates conversations with some bytes changed, or with the end cut off.
pub(super) fn damaged() -> impl Strategy<Value = Bytes> {
    (valid(), vec((any::<Index>(), any::<u8>()), 0..3), any::<Index>(), any::<bool>()).prop_map(
        |(mut bytes, damages, end, is_cut)| {
            for (place, byte) in damages {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if is_cut {
                bytes.truncate(end.index(bytes.len()));
            }
            bytes
        },
    )
}

fn write(shapes: &[Shape]) -> Bytes {
    let mut out = Bytes::new();
    for shape in shapes {
        shape.write(&mut out);
    }
    out
}

fn fault() -> impl Strategy<Value = Fault> {
    let close = (any::<u16>(), vec(any::<u8>(), 0..4));
    let codes = prop_oneof![990_u16..1020, 2990_u16..3010, 4990_u16..5010];
    let close = prop_oneof![close, (codes, vec(any::<u8>(), 0..2))]
        .prop_map(|(code, reason)| [&code.to_be_bytes()[..], &reason].concat());
    prop_oneof![
        4 => any::<u8>().prop_map(Fault::First),
        2 => Just(Fault::Length(Width::Medium)),
        2 => Just(Fault::Length(Width::Long)),
        1 => Just(Fault::NoMask),
        2 => close.prop_map(Fault::Payload),
        1 => vec(any::<u8>(), 0..3).prop_map(Fault::Payload),
        1 => vec(any::<u8>(), 120..700).prop_map(Fault::Payload),
        1 => Just(Fault::Double),
        1 => Just(Fault::Remove),
    ]
}

/// Generates messages of one or several parts with control frames in between, and sometimes a close frame at
/// the end.
fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    let close = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Bytes::new())),
        1 => (1000_u16..=1003, "[a-z\u{e9}]{0,20}")
            .prop_map(|(code, reason)| Some([&code.to_be_bytes()[..], reason.as_bytes()].concat())),
        1 => (3000_u16..=4999).prop_map(|code| Some(code.to_be_bytes().to_vec())),
    ];
    let close = (close, any::<[u8; 4]>())
        .prop_map(|(close, mask)| close.map(|payload| shape(0x88, mask, payload)));
    (vec(message(), 1..6), close)
        .prop_map(|(messages, close)| messages.into_iter().flatten().chain(close).collect())
}

fn message() -> impl Strategy<Value = Vec<Shape>> {
    let payload = prop_oneof![
        (".{0,60}", Just(0x1)).prop_map(|(text, opcode)| (text.into_bytes(), opcode)),
        (vec(any::<u8>(), 0..60), Just(0x2)),
        (vec(any::<u8>(), 110..140), Just(0x2)),
        (vec(any::<u8>(), 500..640), Just(0x2)),
    ];
    let control = (any::<bool>(), vec(any::<u8>(), 0..126), any::<[u8; 4]>()).prop_map(
        |(is_ping, payload, mask)| shape(if is_ping { 0x89 } else { 0x8A }, mask, payload),
    );
    (payload, vec(any::<u16>(), 0..3), vec(control, 0..3), any::<[u8; 4]>()).prop_map(
        |((payload, opcode), cuts, controls, mask)| {
            let parts = cut(&payload, &cuts);
            let last = parts.len() - 1;
            let mut controls = controls.into_iter();
            let mut out: Vec<Shape> = Vec::new();
            for (index, part) in parts.into_iter().enumerate() {
                let fin = if index == last { 0x80 } else { 0 };
                let opcode = if index == 0 { opcode } else { 0 };
                out.push(shape(fin | opcode, mask, part.to_vec()));
                out.extend(controls.next());
            }
            out
        },
    )
}

fn shape(first: u8, mask: [u8; 4], payload: Bytes) -> Shape {
    Shape { first, is_masked: true, width: Width::Shortest, mask, payload }
}
