//! ELF heads of every kind, whole and broken.

use super::*;

/// A file of 64 bits for x86-64 with one program header, which names a loader if there is one.
fn file(loader: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = vec![0; 64 + 56];
    bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    bytes[16] = 2;
    bytes[18] = 62;
    bytes[32] = 64;
    bytes[54] = 56;
    bytes[56] = 1;
    bytes[64] = if loader.is_some() { 3 } else { 1 };
    bytes[72] = 120;
    if let Some(loader) = loader {
        bytes[96] = loader.len() as u8 + 1;
        bytes.extend_from_slice(loader);
        bytes.push(0);
    }
    bytes
}

fn parsed(bytes: &[u8]) -> Result<Elf, String> {
    parse(None, |offset, length| {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes[start..start.saturating_add(length).min(bytes.len())].to_vec())
    })
}

#[test]
fn finds_machine_and_loader() {
    let elf = parsed(&file(Some(b"/lib64/ld-linux-x86-64.so.2"))).unwrap();
    assert_eq!((elf.bits, elf.big_endian, elf.machine), (64, false, 62));
    assert_eq!(elf.loader.as_deref(), Some(&b"/lib64/ld-linux-x86-64.so.2"[..]));
    assert_eq!(parsed(&file(None)).unwrap().loader, None);
}

#[test]
fn reads_the_byte_order_that_the_file_says() {
    let mut bytes = file(None);
    bytes[5] = 2;
    bytes[16..20].copy_from_slice(&[0, 2, 0, 22]);
    bytes[32..40].copy_from_slice(&64_u64.to_be_bytes());
    bytes[54..58].copy_from_slice(&[0, 56, 0, 1]);
    bytes[64..68].copy_from_slice(&[0, 0, 0, 1]);
    let elf = parsed(&bytes).unwrap();
    assert!(elf.big_endian && elf.machine == 22);
}

#[test]
fn of_its_own_machine_class_and_order_do_not_matter() {
    let mut bytes = file(None);
    (bytes[4], bytes[5]) = (1, 2);
    let own = u16::from_ne_bytes([bytes[18], bytes[19]]);
    let elf = parse(Some(own), |offset, length| {
        let start = (offset as usize).min(bytes.len());
        Ok(bytes[start..(start + length).min(bytes.len())].to_vec())
    });
    assert!(elf.is_ok_and(|elf| elf.bits == 64) || cfg!(target_endian = "big"));
    assert!(parsed(&bytes).is_err());
}

#[test]
fn refuses_what_the_kernel_refuses() {
    let whole = file(Some(b"/lib/ld.so"));
    for (why, change) in [
        ("object", (16, 1)),
        ("class", (4, 3)),
        ("order", (5, 0)),
        ("header size", (54, 55)),
        ("no headers", (56, 0)),
        ("headers past the end", (56, 200)),
        ("loader past the end", (72, 255)),
        ("loader of no length", (96, 0)),
        ("loader that does not end", (96, 5)),
    ] {
        let mut bytes = whole.clone();
        let (at, value) = change;
        bytes[at] = value;
        assert!(parsed(&bytes).is_err(), "{why}");
    }
    for length in 0..whole.len() {
        assert!(parsed(&whole[..length]).is_err(), "cut to {length}");
    }
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..20_000 {
        let mut bytes = file(Some(b"/lib/ld.so"));
        for _ in 0..=next() % 8 {
            let at = next() as usize % bytes.len();
            bytes[at] = [0, 1, 0x7f, 0x80, 0xff, next() as u8][next() as usize % 6];
        }
        bytes.truncate(bytes.len() - next() as usize % 20);
        let _ = parsed(&bytes);
        let noise: Vec<u8> = (0..next() % 200).map(|_| next() as u8).collect();
        let _ = parsed(&noise);
    }
}
