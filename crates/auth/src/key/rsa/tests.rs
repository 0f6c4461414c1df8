//! Accepts sound RSA keys, and rejects weak and damaged ones.

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rsa::KeySize,
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::Value;
use wycheproof_ng_kdf_jose::json_web::TestName;

use super::*;

const F4: [u8; 3] = [1, 0, 1];

fn check(modulus: &[u8], exponent: &[u8]) -> Option<KeyError> {
    parse(&RSA_PKCS1_2048_8192_SHA256, modulus, exponent).err()
}

/// Returns an odd number of `bits` bits.
fn modulus(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0x5a; bits.div_ceil(8)];
    bytes[0] = 1 << ((bits - 1) % 8);
    *bytes.last_mut().unwrap() = 0x5b;
    bytes
}

/// Attack 22.
#[test]
fn a_key_has_2048_to_8192_bits() {
    for bits in [1, 8, 512, 1024, 2040, 2047, 8193, 16_384] {
        let error = check(&modulus(bits), &F4);
        assert!(matches!(error, Some(KeyError::RsaSize { .. })), "{bits}");
    }
    assert_eq!(check(&modulus(1024), &F4), Some(KeyError::RsaSize { bits: 1024 }));
    for bits in [2048, 2049, 3072, 4096, 8192] {
        assert_eq!(check(&modulus(bits), &F4), None, "{bits}");
    }
}

/// Attack 22.
#[test]
fn an_exponent_is_odd_and_65537_at_least() {
    let modulus = modulus(2048);

    for exponent in [
        &[][..],
        &[0],
        &[1],
        &[2],
        &[3],
        &[17],
        &[0xff, 0xff],
        &[1, 0, 0],
        &[1, 0, 2],
        &[0, 1, 0, 1],
        &[1, 0, 0, 0, 1],
        &[1; 256],
    ] {
        assert_eq!(check(&modulus, exponent), Some(KeyError::RsaExponent), "{exponent:?}");
    }
    for exponent in [&F4[..], &[1, 0, 3], &[0xff, 0xff, 0xff, 0xff]] {
        assert_eq!(check(&modulus, exponent), None, "{exponent:?}");
    }
}

#[test]
fn a_modulus_that_is_even_empty_or_begins_with_zeros_is_rejected() {
    let mut even = modulus(2048);
    *even.last_mut().unwrap() = 0x5a;
    let padded = [&[0][..], &modulus(2048)].concat();

    for modulus in [&[][..], &even, &padded] {
        assert_eq!(check(modulus, &F4), Some(KeyError::NotRsa));
    }
}

/// Attack 22: Wycheproof's `json_web_crypto`, number 46.
#[test]
fn a_key_of_a_chip_that_made_weak_ones_is_refused() {
    let vectors: Value = serde_json::from_str(TestName::JsonWebCrypto.json_data()).unwrap();
    let group = vectors["testGroups"]
        .as_array()
        .unwrap()
        .iter()
        .find(|group| group["tests"][0]["tcId"] == 46)
        .unwrap();
    let number =
        |name: &str| URL_SAFE_NO_PAD.decode(group["public"][name].as_str().unwrap()).unwrap();

    assert_eq!(check(&number("n"), &number("e")), Some(KeyError::RsaRoca));
}

#[test]
fn a_sound_key_is_parsed_into_its_numbers() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();

    let (modulus, exponent) = read_spki(der.as_ref()).unwrap();

    assert_eq!(modulus.len(), 256);
    assert_eq!(exponent, F4);
    assert_eq!(check(modulus, exponent), None);
    assert!(!is_roca(modulus));
}

#[test]
fn damaged_der_is_rejected() {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let der = der.as_ref();

    for length in 0..der.len() {
        assert_eq!(read_spki(&der[..length]), None, "{length}");
    }
    assert_eq!(read_spki(&[der, &[0]].concat()), None);
    // The first 32 bytes are tags and lengths, so no bit of them may change.
    for at in 0..32 {
        for bit in 0..8 {
            let mut changed = der.to_vec();
            changed[at] ^= 1 << bit;
            assert_eq!(read_spki(&changed), None, "{at} {bit}");
        }
    }
}

#[test]
fn a_length_or_a_number_can_be_written_in_one_way_only() {
    let long = |length: &[u8], content: usize| {
        element(INTEGER, &[&[INTEGER][..], length, &vec![1; content]].concat()).is_some()
    };

    assert!(long(&[0x7f], 127));
    assert!(!long(&[0x81, 0x7f], 127));
    assert!(long(&[0x81, 0x80], 128));
    assert!(!long(&[0x82, 0x00, 0xff], 255));
    assert!(long(&[0x82, 0x01, 0x00], 256));
    assert!(!long(&[0x80], 1));
    assert!(!long(&[0x83, 0x01, 0x00, 0x00], 65_536));

    assert_eq!(positive(&[1]), Some(&[1][..]));
    assert_eq!(positive(&[0, 0x80]), Some(&[0x80][..]));
    for number in [&[][..], &[0], &[0, 1], &[0, 0, 0x80], &[0x80]] {
        assert_eq!(positive(number), None, "{number:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(der in prop::collection::vec(any::<u8>(), 0..80)) {
        prop_assert_eq!(read_spki(&der), None);
        let headed = [&[0x30, 0x4e, 0x30, 0x0d][..], &der].concat();
        prop_assert_eq!(read_spki(&headed), None);
        drop(parse(&RSA_PKCS1_2048_8192_SHA256, &der, &der));
    }
}
